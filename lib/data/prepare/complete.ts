/** The defaults of a preparation, written down as steps and numbers before a run starts. */
import { PreresnetError } from '../../errors.js'
import type { Dataset, ImageShape } from '../dataset.js'
import { sampleOfOtherSize } from '../image_sizes.js'
import type { HeaderReading, Reading } from '../reading.js'
import { measureNormalization } from './normalization.js'
import type { CompletePreparation, Preparation } from './preparation.js'
import { checkPreparation, usualResize, type Sequence } from './sequence.js'
import { centerCrop, resize, sameSteps, stepsText, type PreparationStep } from './steps.js'

/** Whether these are images that their owner put into memory: no steps made them, and none are done on them before the first random one. */
function isGiven({ source }: Dataset): boolean {
  return source.kind === 'memory' && source.prepared === undefined
}

/**
 * No steps where every file has the input's size, else the usual resize and the middle. Images that were given in memory stay as they are: beside files of other
 * sizes, the resize leaves those alone that fit.
 */
export async function usualSteps(datasets: readonly Dataset[], input: ImageShape, reading?: HeaderReading): Promise<readonly PreparationStep[]> {
  for (const { source, fingerprint } of datasets) {
    if (source.kind === 'memory') {
      if (source.prepared !== undefined) return source.prepared
    } else if ((await sampleOfOtherSize({ source, fingerprint }, input, reading)) !== undefined)
      return [resize(datasets.some(isGiven) ? { unlessFitting: true } : usualResize(input)), centerCrop()]
  }
  return []
}

type Steps = Required<Pick<Preparation, 'train' | 'evaluate'>>

/** Both lists of steps; they can be done, on these datasets. */
export async function completeSteps(prepare: Preparation, input: ImageShape, datasets: readonly Dataset[], reading?: HeaderReading): Promise<Steps> {
  const evaluate = prepare.evaluate ?? (await usualSteps(datasets, input, reading))
  const steps = { train: prepare.train ?? evaluate, evaluate }
  checkPreparation('prepare', steps, input)
  return steps
}

/** `train`: what normalization is measured over, if it is not given. `others`: what is evaluated. */
export async function completePreparation(
  prepare: Preparation,
  input: ImageShape,
  { train, others = [], ...reading }: { readonly train: Dataset; readonly others?: readonly Dataset[] } & Reading,
): Promise<CompletePreparation> {
  const steps = await completeSteps(prepare, input, [train, ...others], reading)
  const normalization = prepare.normalization ?? (await measureNormalization(train, steps.evaluate, input, reading))
  return Object.freeze({ ...steps, normalization })
}

/** ERR_SHAPE where images in memory have another size than the network's input. */
export function checkStoredSize(where: string, { name, source }: Dataset, input: ImageShape): void {
  if (source.kind === 'memory') checkSameShape(where, name, source.shape, input)
}

export function checkSameShape(where: string, name: string, { height, width, channels }: ImageShape, input: ImageShape): void {
  if (height === input.height && width === input.width && channels === input.channels) return
  throw new PreresnetError(
    'ERR_SHAPE',
    `${where}: ${name}: expected images of ${input.height} x ${input.width} x ${input.channels} (height, width, channels), the network's input, got ${height} x ${width} x ${channels}`,
  )
}

/** Steps for a dataset where nothing but the session says any: its own are for files and what was made of them. Undefined: what is usual. */
export function stepsOfSession(dataset: Dataset, evaluate: readonly PreparationStep[] | undefined): readonly PreparationStep[] | undefined {
  return isGiven(dataset) ? undefined : evaluate
}

/** Beside crops to this size, which leave alone what has it. */
function changesStored(step: PreparationStep, { height, width }: ImageShape): boolean {
  if (step.kind === 'centerCrop') return step.height !== undefined && (step.height !== height || step.width !== width)
  return step.kind === 'exifOrientation' || (step.kind === 'resize' && step.unlessFitting !== true)
}

/** ERR_OPTION where steps would resize images that were given in memory: they would be recorded, and not done. `remedy`: the end of the message. */
export function checkNotResized(where: string, dataset: Dataset, steps: readonly PreparationStep[], remedy = ''): void {
  const { source } = dataset
  if (source.kind !== 'memory' || !isGiven(dataset) || !steps.some((step) => changesStored(step, source.shape))) return
  throw new PreresnetError(
    'ERR_OPTION',
    `${where}: ${dataset.name}: images that are given in memory are taken as they are: expected steps without a resize, or with resize({ unlessFitting: true }), ` +
      `which leaves images of the input's size alone, got ${stepsText(steps)}${remedy}`,
  )
}

/**
 * ERR_SHAPE as above. ERR_OPTION where images were put into memory by other steps than those that `prepare` has before the first random one, or would have to be
 * resized there.
 */
export function checkStored(where: string, dataset: Dataset, { fixed, drawn }: Sequence, input: ImageShape): void {
  checkStoredSize(where, dataset, input)
  if (drawn && dataset.source.kind === 'memory') {
    throw new PreresnetError(
      'ERR_OPTION',
      `${where}: ${dataset.name}: images that are in memory have the input's size: expected steps that draw nothing from a larger image, ` +
        'got randomResizedCrop() or a resize with randomCrop()',
    )
  }
  checkNotResized(where, dataset, fixed)
  const { name, source } = dataset
  if (source.kind !== 'memory' || source.prepared === undefined || sameSteps(source.prepared, fixed)) return
  throw new PreresnetError(
    'ERR_OPTION',
    `${where}: ${name} was put into memory by ${stepsText(source.prepared)}; expected the same before the first random step, got ${stepsText(fixed)}`,
  )
}
