/** Training steps: on a loader, many in one native call, or on a batch of the caller's. */
import type { Dataset } from '../data/dataset.js'
import type { Loader } from '../data/loader.js'
import { PreresnetError } from '../errors.js'
import type { NativeSession } from '../native/types.js'
import { checkOptions, withDefaults } from '../options/check.js'
import type { Given } from '../options/spec.js'
import { integer, number } from '../options/values.js'
import { checkBatch, writeBatch, type UserBatch } from './batch.js'
import { type LearningRate, stepOptions, type StepsOptions, stepsOptions } from './call_options.js'
import { batchFormat, checkClassCount, checkLoader, nameData, type Compiled } from './compiled.js'
import { hasLossScale, readLossScale } from './loss_scale.js'
import { stepMetrics, type StepMetrics } from './metrics.js'
import type { Turn } from './turn.js'

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
    const { loader, ...given } = checkOptions('steps', stepsOptions, options)
    integer('steps: count', count, 1)
    const feed = loader ?? this.#compiled.feed
    if (feed === undefined)
      throw new PreresnetError('ERR_OPTION', 'steps: the session has no loader to read from; give compile() one as `data`, or hand batches to step()')
    checkLoader('steps', this.#compiled, feed)
    checkClassCount('steps: loader', this.#compiled, feed.dataset)
    return this.#train(count, given, { feed })
  }

  async one(batch: UserBatch, options: Omit<StepsOptions, 'loader'>): Promise<StepMetrics> {
    checkBatch('step: batch', batch)
    return this.#train(1, checkOptions('step', stepOptions, options), { batch })
  }

  async #train(count: number, options: Given<typeof stepOptions>, { feed, batch }: Origin): Promise<StepMetrics> {
    const { programs, seed } = this.#compiled
    if (programs.programs['train'] === undefined)
      throw new PreresnetError('ERR_OPTION', 'steps: the session was compiled without an optimizer, so it cannot train')
    const { learningRate, signal, checkFinite, trace } = withDefaults(stepOptions, options)
    return this.#turn.take(async (native) => {
      const firstStep = this.index
      const learningRates = ratesFrom(learningRate, firstStep, count)
      if (batch !== undefined) await writeBatch(native, batchFormat(this.#compiled, true), batch)
      const skippedBefore = hasLossScale(programs) ? (await readLossScale(native)).skippedSteps : 0
      const data = feed && { loader: feed.native, firstBatch: firstStep }
      const run = { steps: count, seed, firstStep, learningRates, checkFinite, trace, ...data }
      const result = await this.#turn.run('train', signal, run).catch((error: unknown) => this.#rethrow(error, feed?.dataset))
      this.index += result.completed
      if (result.canceled && result.completed < count) throw this.#turn.ended(signal, this.#compiled.ranks)
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
  const at = typeof rate === 'number' ? (): number => rate : typeof rate === 'function' ? rate : (step: number): number => rate.at(step)
  return Float64Array.from({ length: count }, (_, index) => number(`learningRate of step ${first + index}`, at(first + index), 0))
}
