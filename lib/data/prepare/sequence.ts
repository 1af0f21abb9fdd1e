/** What lists of steps come to: settings of the workers that decode, and positions of the random crops that programs make. */
import { PreresnetError } from '../../errors.js'
import { invalid } from '../../options/values.js'
import type { DecodeSettings } from '../../native/types.js'
import type { ImageShape } from '../dataset.js'
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
  /** Border in which crops lie. */
  readonly pad: number
  readonly flip: boolean
}

type Kind = PreparationStep['kind']
type StepOf<K extends Kind> = Extract<PreparationStep, { readonly kind: K }>

const random: readonly Kind[] = ['randomResize', 'randomResizedCrop', 'randomCrop', 'flip']
const isRandom = ({ kind }: PreparationStep): boolean => random.includes(kind)

/** Each word is a step of a list that can be done, in this order; a mark ? is for a step that may be missing. */
const fixedLists = ['exifOrientation? centerCrop?', 'exifOrientation? resize centerCrop']
const randomLists = [
  'exifOrientation? centerCrop? randomCrop? flip?',
  'exifOrientation? resize centerCrop randomCrop? flip?',
  'exifOrientation? resize randomCrop flip?',
  'exifOrientation? randomResize randomCrop flip?',
  'exifOrientation? randomResizedCrop flip?',
]

function follows(steps: readonly PreparationStep[], list: string): boolean {
  const pattern = list
    .split(' ')
    .map((word) => `(${word.replace('?', '')} )${word.endsWith('?') ? '?' : ''}`)
    .join('')
  return new RegExp(`^${pattern}$`).test(steps.map(({ kind }) => `${kind} `).join(''))
}

/** Where nothing else is said: a border of an eighth goes, as 256 and 224 are usual for ImageNet. */
export function usualResize({ height, width }: Size): number {
  return Math.round(Math.max(height, width) / 0.875)
}

/** ERR_OPTION for steps that cannot be done, or not in this order, for images of that size. */
export function sequenceOf(where: string, steps: readonly PreparationStep[], mode: 'train' | 'evaluate', input: Size): Sequence {
  const find = <K extends Kind>(kind: K): StepOf<K> | undefined => steps.find((step): step is StepOf<K> => step.kind === kind)
  checkOrder(where, steps, mode)
  const resizing = find('resize') ?? find('randomResize')
  const area = find('randomResizedCrop')
  const crop = find('randomCrop')
  const cropsResized = resizing !== undefined && crop !== undefined && find('centerCrop') === undefined
  if (cropsResized && crop.pad > 0) throw invalid(`${where}: randomCrop: pad`, '0 after a resize: the crop lies within the image', crop.pad)
  const first = steps.findIndex(isRandom)
  return {
    fixed: first < 0 ? steps : steps.slice(0, first),
    decode: {
      resize: resizing === undefined ? 0 : leastSide(where, resizing, input),
      keepFitting: resizing?.kind === 'resize' && resizing.unlessFitting === true,
      exact: find('centerCrop') === undefined && !cropsResized && area === undefined,
      ...(resizing?.kind === 'randomResize' && { resizeTo: resizing.to }),
      ...(cropsResized && { crop: 'random' as const }),
      ...(area && { crop: 'area' as const, area: Float64Array.of(...area.area, ...area.aspect) }),
      ...how(resizing ?? area),
      ...(find('exifOrientation') && { upright: true }),
    },
    drawn: cropsResized || area !== undefined,
    pad: crop?.pad ?? 0,
    flip: find('flip') !== undefined,
  }
}

function how(step: StepOf<'resize' | 'randomResize' | 'randomResizedCrop'> | undefined): Pick<DecodeSettings, 'filter' | 'scaled'> {
  return { ...(step?.filter === 'bicubic' && { filter: 'bicubic' }), ...(step?.decode === 'scaled' && { scaled: true }) }
}

function checkOrder(where: string, steps: readonly PreparationStep[], mode: 'train' | 'evaluate'): void {
  const step = steps.find(isRandom)
  if (mode === 'evaluate' && step !== undefined)
    throw new PreresnetError('ERR_OPTION', `${where}: expected no random step, got ${stepsText([step])}; random steps are for training`)
  const lists = mode === 'train' ? randomLists : fixedLists
  if (lists.some((list) => follows(steps, list))) return
  const shown = lists.map((list) => list.replace(/(\w+)\?/g, '[$1]'))
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
  for (const [name, values] of Object.entries(prepare.normalization ?? {}) as [string, readonly number[]][])
    if (values.length !== input.channels)
      throw invalid(`${where}.normalization.${name}`, `${input.channels} numbers, as the network's input has channels`, values)
}

/** The border that programs crop from: of training, which evaluation's programs share. */
export function padOf(prepare: Preparation): number {
  return prepare.train?.find((step) => step.kind === 'randomCrop')?.pad ?? 0
}
