/** What lists of steps come to: settings of the workers that decode, and positions of the random crops that programs make. */
import { PreresnetError } from '../../errors.js'
import { invalid } from '../../options/values.js'
import type { DecodeSettings } from '../../native/types.js'
import type { ImageShape } from '../dataset.js'
import type { Preparation } from './preparation.js'
import { stepsText, type PreparationStep, type RandomCrop, type Resize } from './steps.js'

interface Size {
  readonly height: number
  readonly width: number
}

export interface Sequence {
  /** What stands before the first random step: all of it is done while a file is decoded. */
  readonly fixed: readonly PreparationStep[]
  readonly decode: DecodeSettings
  /** Border in which crops lie. */
  readonly pad: number
  readonly flip: boolean
}

/** Steps in the order in which they can stand, each at most once. */
const order = ['resize', 'centerCrop', 'randomCrop', 'flip'] as const satisfies readonly PreparationStep['kind'][]
const isRandom = ({ kind }: PreparationStep): boolean => kind === 'randomCrop' || kind === 'flip'

/** Where nothing else is said: a border of an eighth goes, as 256 and 224 are usual for ImageNet. */
export function usualResize({ height, width }: Size): number {
  return Math.round(Math.max(height, width) / 0.875)
}

/** ERR_OPTION for steps that cannot be done, or not in this order, for images of that size. */
export function sequenceOf(where: string, steps: readonly PreparationStep[], mode: 'train' | 'evaluate', input: Size): Sequence {
  const positions = steps.map(({ kind }) => order.indexOf(kind))
  const random = steps.find(isRandom)
  if (mode === 'evaluate' && random !== undefined)
    throw new PreresnetError('ERR_OPTION', `${where}: expected no random step, got ${stepsText([random])}; random steps are for training`)
  const find = <T extends PreparationStep>(kind: T['kind']): T | undefined => steps.find((step): step is T => step.kind === kind)
  const resizing = find<Resize>('resize')
  const crops = steps.some(({ kind }) => kind === 'centerCrop')
  if (positions.some((position, index) => index > 0 && position <= positions[index - 1]!) || (resizing !== undefined && !crops)) {
    const random = mode === 'train' ? ', then randomCrop({ pad }), flip() or both' : ''
    throw new PreresnetError(
      'ERR_OPTION',
      `${where}: expected nothing, centerCrop() or resize(), centerCrop()${random}, in this order, got ${stepsText(steps)}`,
    )
  }
  return {
    fixed: steps.filter((step) => !isRandom(step)),
    decode: { resize: resizing === undefined ? 0 : sizeOf(where, resizing, input), keepFitting: resizing?.unlessFitting === true, exact: !crops },
    pad: find<RandomCrop>('randomCrop')?.pad ?? 0,
    flip: steps.some(({ kind }) => kind === 'flip'),
  }
}

function sizeOf(where: string, step: Resize, input: Size): number {
  const size = step.size ?? usualResize(input)
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
