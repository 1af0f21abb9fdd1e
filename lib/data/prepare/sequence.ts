/** What lists of steps come to: settings of the workers that decode, and positions of the random crops that programs make. */
import { PreresnetError } from '../../errors.js'
import { invalid } from '../../options/values.js'
import type { DecodeSettings } from '../../native/types.js'
import type { ImageShape } from '../dataset.js'
import { type Augmentation, checkChannels, isAugmentation } from './augmentations.js'
import type { Preparation } from './preparation.js'
import { stepsText, type PreparationStep } from './steps.js'

interface Size {
  readonly height: number
  readonly width: number
}

export interface Sequence {
  /** What stands before the first random step. */
  readonly fixed: readonly PreparationStep[]
  /** All of `fixed`, and what is drawn at random from the stored image. */
  readonly decode: DecodeSettings
  /** Whether something is drawn from the stored image: then each epoch decodes anew. */
  readonly drawn: boolean
  /** What changes the images that are decoded, or lie in memory. */
  readonly augmentations: readonly Augmentation[]
  /** Border in which crops lie. */
  readonly pad: number
  readonly flip: boolean
}

type Kind = PreparationStep['kind']
type StepOf<K extends Kind> = Extract<PreparationStep, { readonly kind: K }>

const random: readonly Kind[] = ['randomResize', 'randomResizedCrop', 'randomCrop', 'flip']
const isRandom = (step: PreparationStep): boolean => random.includes(step.kind) || isAugmentation(step)

/** What makes an image of another size. */
const resizing: readonly Kind[] = ['resize', 'randomResize', 'randomResizedCrop']

/** Each word is a step of a list that can be done, in this order; a mark ? is for a step that may be missing, a mark * for any number. Augmentations change what is cropped, and what the network crops and mirrors. A part is a center crop of another size than the input's. */
const fixedLists = ['exifOrientation? centerCrop?', 'exifOrientation? part centerCrop', 'exifOrientation? part? resize part? centerCrop']
const randomLists = [
  'exifOrientation? centerCrop? augmentations* randomCrop? flip?',
  'exifOrientation? part centerCrop augmentations* randomCrop? flip?',
  'exifOrientation? part randomCrop augmentations* flip?',
  'exifOrientation? part? resize part? centerCrop augmentations* randomCrop? flip?',
  'exifOrientation? part? resize part? randomCrop augmentations* flip?',
  'exifOrientation? part? randomResize part? randomCrop augmentations* flip?',
  'exifOrientation? part? randomResizedCrop augmentations* flip?',
]

type Word = Kind | 'part' | 'augmentations'

/** The last center crop is no part where it makes the input: it is as if it had no size of its own. */
function wordsOf(steps: readonly PreparationStep[], { height, width }: Size): readonly Word[] {
  const lastCrop = steps.findLastIndex(({ kind }) => kind === 'centerCrop')
  const lastResize = steps.findLastIndex(({ kind }) => resizing.includes(kind))
  return steps.map((step, index) => {
    if (isAugmentation(step)) return 'augmentations'
    if (step.kind !== 'centerCrop' || step.height === undefined) return step.kind
    const makesInput = index === lastCrop && index > lastResize && step.height === height && step.width === width
    return makesInput ? step.kind : 'part'
  })
}

function follows(words: readonly Word[], list: string): boolean {
  const pattern = list
    .split(' ')
    .map((word) => word.replace(/^(\w+)/, '($1 )'))
    .join('')
  return new RegExp(`^${pattern}$`).test(words.map((word) => `${word} `).join(''))
}

/** Where nothing else is said: a border of an eighth goes, as 256 and 224 are usual for ImageNet. */
export function usualResize({ height, width }: Size): number {
  return Math.round(Math.max(height, width) / 0.875)
}

/** ERR_OPTION for steps that cannot be done, or not in this order, for images of that size. */
export function sequenceOf(where: string, steps: readonly PreparationStep[], mode: 'train' | 'evaluate', input: Size): Sequence {
  const find = <K extends Kind>(kind: K): StepOf<K> | undefined => steps.find((step): step is StepOf<K> => step.kind === kind)
  const words = wordsOf(steps, input)
  checkOrder(where, steps, words, mode, input)
  const resized = find('resize') ?? find('randomResize')
  const area = find('randomResizedCrop')
  const crop = find('randomCrop')
  const parts = partsOf(where, steps, words, input)
  const centered = words.includes('centerCrop')
  const cropsLarger = (resized !== undefined || parts.before !== undefined) && crop !== undefined && !centered
  if (cropsLarger && crop.pad > 0)
    throw invalid(`${where}: randomCrop: pad`, '0 after a resize or a center crop of another size: the crop lies within the image', crop.pad)
  const first = steps.findIndex(isRandom)
  return {
    fixed: first < 0 ? steps : steps.slice(0, first),
    decode: {
      resize: resized === undefined ? 0 : leastSide(where, resized, input),
      keepFitting: resized?.kind === 'resize' && resized.unlessFitting === true,
      exact: !centered && !cropsLarger && area === undefined,
      ...(resized?.kind === 'randomResize' && { resizeTo: resized.to }),
      ...(cropsLarger && { crop: 'random' as const }),
      ...(area && { crop: 'area' as const, area: Float64Array.of(...area.area, ...area.aspect) }),
      ...parts,
      ...how(resized ?? area),
      ...(find('exifOrientation') && { upright: true }),
    },
    drawn: cropsLarger || area !== undefined,
    augmentations: steps.filter(isAugmentation),
    pad: crop?.pad ?? 0,
    flip: find('flip') !== undefined,
  }
}

/** Of center crops of other sizes than the input's: before what resizes, or after it. ERR_OPTION where one leaves too little, or cannot be had. */
function partsOf(where: string, steps: readonly PreparationStep[], words: readonly Word[], input: Size): Pick<DecodeSettings, 'before' | 'within'> {
  const resizes = steps.findIndex(({ kind }) => resizing.includes(kind))
  const found: { before?: Size; within?: Size } = {}
  for (const [index, step] of steps.entries()) {
    if (words[index] !== 'part') continue
    const { height, width } = step as Required<StepOf<'centerCrop'>>
    found[index < resizes || resizes < 0 ? 'before' : 'within'] = { height, width }
    const refuse = (expected: string): PreresnetError => new PreresnetError('ERR_OPTION', `${where}: ${stepsText([step])}: expected ${expected}`)
    // What is resized afterwards may be smaller.
    if (index < resizes) continue
    if (height < input.height || width < input.width) throw refuse(`at least ${input.height} x ${input.width} (height x width), the network's input`)
    const resized = steps[resizes]
    if (resized?.kind === 'resize' && resized.unlessFitting === true)
      throw refuse(`no resize with unlessFitting before it, which leaves images of ${input.height} x ${input.width}`)
    const side = resized?.kind === 'randomResize' ? resized.from : resized?.kind === 'resize' ? resized.size! : Infinity
    if (Math.min(height, width) > side) throw refuse(`a side of at most ${side}, to which the shorter side is resized`)
  }
  return found
}

function how(step: StepOf<'resize' | 'randomResize' | 'randomResizedCrop'> | undefined): Pick<DecodeSettings, 'filter' | 'scaled'> {
  return { ...(step?.filter === 'bicubic' && { filter: 'bicubic' }), ...(step?.decode === 'scaled' && { scaled: true }) }
}

function checkOrder(where: string, steps: readonly PreparationStep[], words: readonly Word[], mode: 'train' | 'evaluate', { height, width }: Size): void {
  const step = steps.find(isRandom)
  if (mode === 'evaluate' && step !== undefined)
    throw new PreresnetError('ERR_OPTION', `${where}: expected no random step, got ${stepsText([step])}; random steps are for training`)
  const lists = mode === 'train' ? randomLists : fixedLists
  if (lists.some((list) => follows(words, list))) return
  const last = words.findLastIndex((word) => word !== 'flip')
  if (words[last] === 'part')
    throw new PreresnetError(
      'ERR_OPTION',
      `${where}: expected a last crop of ${height} x ${width} (height x width), the network's input, got ${stepsText([steps[last]!])}`,
    )
  const shown = lists.map((list) => list.replace(/(\w+)[?*]/g, '[$1]').replace(/part/g, 'centerCrop(n)'))
  throw new PreresnetError(
    'ERR_OPTION',
    `${where}: expected one of these lists, where what stands in brackets may be missing: ${shown.join(', or ')}; got ${stepsText(steps)}`,
  )
}

/** Of the shorter side. */
function leastSide(where: string, step: StepOf<'resize' | 'randomResize'>, input: Size): number {
  const size = step.kind === 'randomResize' ? step.from : (step.size ?? usualResize(input))
  const larger = Math.max(input.height, input.width)
  if (size >= larger) return size
  throw new PreresnetError('ERR_OPTION', `${where}: ${stepsText([step])}: expected at least ${larger}, the larger side of the network's input`)
}

/** The sequence for one use. Training without a list of its own has that of evaluation. */
export function sequenceFor(where: string, prepare: Preparation, mode: 'train' | 'evaluate', input: Size): Sequence {
  const list = mode === 'train' && prepare.train !== undefined ? 'train' : 'evaluate'
  return sequenceOf(`${where}.${list}`, prepare[list] ?? [], mode, input)
}

/** ERR_OPTION where one of the lists cannot be done, or the normalization is of other channels. */
export function checkPreparation(where: string, prepare: Preparation, input: ImageShape): void {
  for (const mode of ['train', 'evaluate'] as const) sequenceFor(where, prepare, mode, input)
  for (const step of prepare.train ?? []) if (isAugmentation(step)) checkChannels(`${where}.train: ${stepsText([step])}`, step, input.channels)
  for (const [name, values] of Object.entries(prepare.normalization ?? {}) as [string, readonly number[]][])
    if (values.length !== input.channels)
      throw invalid(`${where}.normalization.${name}`, `${input.channels} numbers, as the network's input has channels`, values)
}

/** The border that programs crop from: of training, which evaluation's programs share. */
export function padOf(prepare: Preparation): number {
  return prepare.train?.find((step) => step.kind === 'randomCrop')?.pad ?? 0
}
