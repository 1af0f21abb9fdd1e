/** Training steps: on a loader, many in one native call, or on a batch of the caller's. */
import { abortSignal } from '../abort.js'
import type { Dataset } from '../data/dataset.js'
import type { Loader } from '../data/loader.js'
import { PreresnetError } from '../errors.js'
import type { NativeSession } from '../native/types.js'
import { boolean, fields, integer, invalid, knownKeys, number } from '../options/values.js'
import { checkBatch, writeBatch, type UserBatch } from './batch.js'
import { batchFormat, checkClassCount, checkLoader, nameData, type Compiled } from './compiled.js'
import { hasLossScale, readLossScale } from './loss_scale.js'
import { stepMetrics, type StepMetrics } from './metrics.js'
import type { Turn } from './turn.js'

/** A number for all steps, or a function of the step's index: a schedule. */
export type LearningRate = number | { at(step: number): number } | ((step: number) => number)

export interface StepsOptions {
  readonly learningRate: LearningRate
  /** Ends the call between two operations; it rejects with ERR_ABORTED, whose cause is the signal's reason. */
  readonly signal?: AbortSignal
  /** Instead of the session's. */
  readonly loader?: Loader
  /** Reject with ERR_NOT_FINITE where a loss is not a number. @default true */
  readonly checkFinite?: boolean
  /** Note when each operation began and how long it took, for `trace()`. Takes memory by the operation: for a few steps. @default false */
  readonly trace?: boolean
}

/** Where a batch comes from: a loader, or the caller, who writes it before the step. */
interface Origin {
  readonly feed?: Loader
  readonly batch?: UserBatch
}

/** @internal Trains, and counts the steps. */
export class Steps {
  /** Steps done, and index of the next one. */
  index = 0
  readonly #turn: Turn
  readonly #compiled: Compiled

  constructor(turn: Turn, compiled: Compiled) {
    this.#turn = turn
    this.#compiled = compiled
  }

  async many(count: number, options: StepsOptions): Promise<StepMetrics> {
    knownKeys('steps', options, ['learningRate', 'signal', 'loader', 'checkFinite', 'trace'])
    integer('steps: count', count, 1)
    const feed = options.loader ?? this.#compiled.feed
    if (feed === undefined)
      throw new PreresnetError('ERR_OPTION', 'steps: the session has no loader to read from; give compile() one as `data`, or hand batches to step()')
    checkLoader('steps', this.#compiled, feed)
    checkClassCount('steps: loader', this.#compiled, feed.dataset)
    return this.#train(count, options, { feed })
  }

  async one(batch: UserBatch, options: Omit<StepsOptions, 'loader'>): Promise<StepMetrics> {
    checkBatch('step: batch', batch)
    knownKeys('step', options, ['learningRate', 'signal', 'checkFinite', 'trace'])
    return this.#train(1, options, { batch })
  }

  async #train(count: number, options: StepsOptions, { feed, batch }: Origin): Promise<StepMetrics> {
    const { programs, seed } = this.#compiled
    if (programs.programs['train'] === undefined)
      throw new PreresnetError('ERR_OPTION', 'steps: the session was compiled without an optimizer, so it cannot train')
    const signal = abortSignal('signal', options.signal)
    const checkFinite = boolean('checkFinite', options.checkFinite ?? true)
    const trace = boolean('trace', options.trace ?? false)
    return this.#turn.take(async (native) => {
      const firstStep = this.index
      const learningRates = ratesFrom(options.learningRate, firstStep, count)
      if (batch !== undefined) await writeBatch(native, batchFormat(this.#compiled, true), batch)
      const skippedBefore = hasLossScale(programs) ? (await readLossScale(native)).skippedSteps : 0
      const data = feed && { loader: feed.native, firstBatch: firstStep }
      const run = { steps: count, seed, firstStep, learningRates, checkFinite, trace, ...data }
      const result = await this.#turn.run('train', signal, run).catch((error: unknown) => this.#rethrow(error, feed?.dataset))
      this.index += result.completed
      if (result.cancelled && result.completed < count) throw this.#turn.ended(signal)
      if (result.completed < count) throw new PreresnetError('ERR_DATASET', `steps: the data ended after ${result.completed} of ${count} steps`)
      return { ...stepMetrics(firstStep, result), ...(await this.#lossScaleMetrics(native, skippedBefore)) }
    })
  }

  #rethrow(error: unknown, dataset: Dataset | undefined): never {
    return nameData(error, this.#compiled, dataset)
  }

  /** What the loss scale did during the steps before; nothing where there is none. */
  async #lossScaleMetrics(native: NativeSession, skippedBefore: number): Promise<Pick<StepMetrics, 'skippedSteps' | 'lossScale'>> {
    if (!hasLossScale(this.#compiled.programs)) return { skippedSteps: 0 }
    const { scale, skippedSteps } = await readLossScale(native)
    return { skippedSteps: skippedSteps - skippedBefore, lossScale: scale }
  }
}

/** One rate a step, checked: a bad rate would only show as a bad loss. */
function ratesFrom(rate: LearningRate, first: number, count: number): Float64Array {
  if (typeof rate !== 'number' && typeof rate !== 'function' && typeof fields(rate)['at'] !== 'function')
    throw invalid('learningRate', 'a number, a schedule or a function of the step', rate)
  const at = typeof rate === 'number' ? (): number => rate : typeof rate === 'function' ? rate : (step: number): number => rate.at(step)
  return Float64Array.from({ length: count }, (_, index) => number(`learningRate of step ${first + index}`, at(first + index), 0))
}
