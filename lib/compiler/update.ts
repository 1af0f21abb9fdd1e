/** The optimizer's operations: one pass over all parameters, on CUDA after a look at the gradients. */
import type { Attributes } from '../contracts.js'
import type { Draft, DraftTensor } from './draft.js'
import type { EmaOptions, ProgramOptions, LossScale, OptimizerState, UpdateOptions } from './options.js'
import type { ParameterPlan } from './parameters.js'
import type { OperationSpec } from './program.js'

/** Good steps after which a dynamic loss scale doubles. */
const GROWTH_INTERVAL = 2_000

/** What the option stands for: fp16 needs gradients lifted above its smallest numbers, other types do not. */
export function lossScaleOf({ precision, lowering, lossScale }: ProgramOptions): LossScale {
  return lossScale ?? ((lowering?.precision ?? precision) === 'fp16' ? 'dynamic' : 1)
}

/** Start value of tensor `lossScale`; contracts.json, sgd, says what each number is. */
export function lossScaleStart(lossScale: LossScale): Float64Array {
  const scale = lossScale === 'dynamic' ? 65_536 : lossScale
  return Float64Array.of(scale, 1 / scale, 0, 0, 0, 0, 0, 0)
}

/** Ends what a step repeats: every operation before this one. */
export function emitAccumulate(draft: Draft, { views, segments, waiting }: ParameterPlan, times: number, metrics: DraftTensor | undefined): void {
  const { gradients } = views
  if (gradients === undefined || waiting === undefined) return
  const slices = slicesOf(segments)
  const sums = metrics && { metrics, waitingMetrics: waiting.metrics }
  draft.emit('accumulate', 'accumulate', ['accumulate'], { gradients, waitingGradients: waiting.gradients, ...sums }, { times, ...slices })
}

export interface Reduction {
  readonly ranks: number
  /** In the engine's own order. */
  readonly fast: boolean
  /** Parameters whose gradients are the same on all ranks already. */
  readonly whole: ReadonlySet<string>
}

/** Adds the gradients of all ranks. */
export function emitAllReduce(
  draft: Draft,
  { views: { gradients }, segments }: ParameterPlan,
  { ranks, fast, whole }: Reduction,
  metrics: DraftTensor | undefined,
): void {
  if (gradients === undefined) return
  const slices = slicesOf(new Map([...segments].filter(([parameter]) => !whole.has(parameter))))
  draft.emit('all_reduce', 'all_reduce', ['all_reduce'], { gradients, ...(metrics && { metrics }) }, { ranks, ...(fast && { fast }), ...slices })
}

/** Begins to add the gradients of some parameters, which are there. */
export function emitAllReduceBegin(
  draft: Draft,
  { views: { gradients }, segments }: ParameterPlan,
  { ranks, fast }: Reduction,
  parameters: readonly string[],
): void {
  if (gradients === undefined) return
  const slices = slicesOf(new Map(parameters.map((parameter) => [parameter, segments.get(parameter)!])))
  draft.emit('all_reduce_begin', 'all_reduce', ['all_reduce'], { gradients }, { ranks, ...(fast && { fast }), ...slices })
}

/** Behind the update. */
export function emitEma(draft: Draft, { views, averageViews, scaler }: ParameterPlan, { decay, every = 1, after = 0 }: EmaOptions): void {
  if (averageViews === undefined) return
  const { averages, statistics, averagedStatistics } = averageViews
  draft.emit('ema', 'ema', ['ema'], { weights: views.weights, averages, statistics, averagedStatistics, scaler }, { decay, every, after })
}

/** Where the parameters that are trained lie in the rows of all parameters. */
function slicesOf(segments: ParameterPlan['segments']): { readonly offsets: number[]; readonly lengths: number[] } {
  const list = [...segments.values()]
  return { offsets: list.map(({ offset }) => offset), lengths: list.map(({ length }) => length) }
}

/** Without an update a program has room for the simplest. */
export function optimizerStates(update: UpdateOptions | undefined): readonly OptimizerState[] {
  return update?.kind === 'adamW' || update?.kind === 'lamb' ? ['firstMoment', 'secondMoment'] : ['velocity']
}

/** The operation that changes the parameters, where a program has one. */
export function updateIn(operations: readonly OperationSpec[]): OperationSpec<'sgd' | 'adamw' | 'lamb' | 'lars'> | undefined {
  return operations.find((operation) => operation.op === 'sgd' || operation.op === 'adamw' || operation.op === 'lamb' || operation.op === 'lars')
}

export function emitUpdate(draft: Draft, { views, segments, scaler }: ParameterPlan, update: UpdateOptions, lossScale: LossScale): void {
  const { gradients } = views
  if (gradients === undefined) return
  draft.phase = 'update'
  const slices = slicesOf(segments)
  const list = [...segments.keys()].map((parameter) => update.settings[parameter]!)
  if (scaler !== undefined) {
    draft.emit('check_gradients', 'check_gradients', ['check_gradients'], { weightGradients: views.weightGradients, gradients, scaler }, slices)
  }
  const common = {
    clipNorm: update.clipNorm,
    ...(scaler !== undefined && { growthInterval: lossScale === 'dynamic' ? GROWTH_INTERVAL : 0 }),
    ...slices,
    decays: list.map(({ decay }) => decay),
    rates: list.map(({ rate }) => rate),
  }
  const { velocity, firstMoment, secondMoment } = views
  if (!('momentum' in update)) {
    if (firstMoment === undefined || secondMoment === undefined) return
    const { beta1, beta2, epsilon } = update
    const attributes: Attributes['adamw' | 'lamb'] = { beta1, beta2, epsilon, ...common }
    const op = update.kind === 'adamW' ? 'adamw' : 'lamb'
    draft.emit(op, op, [op], { ...views, gradients, firstMoment, secondMoment, scaler }, attributes)
  } else if (velocity === undefined) {
    return
  } else if (update.kind === 'lars') {
    const attributes = { momentum: update.momentum, ...common, coefficients: list.map(({ coefficient = 0 }) => coefficient) }
    draft.emit('lars', 'lars', ['lars'], { ...views, gradients, velocity, scaler }, attributes)
  } else {
    const { momentum, nesterov } = update
    draft.emit('sgd', 'sgd', ['sgd'], { ...views, gradients, velocity, scaler }, { momentum, nesterov, ...common })
  }
}
