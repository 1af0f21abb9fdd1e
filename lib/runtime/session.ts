/** A network compiled for a device: its parameters, its optimizer's state, and the calls that run steps natively. */
import { setImmediate } from 'node:timers/promises'
import { abortError, abortSignal, throwIfAborted, unlessAborted } from '../abort.js'
import { checkClasses } from '../data/check.js'
import type { Dataset } from '../data/dataset.js'
import { checkDatasetOrLoader, loader, type Loader } from '../data/loader.js'
import { compilePrograms, serialisePrograms } from '../compiler/compile.js'
import type { Choices } from '../compiler/lower/engines.js'
import type { CompileOptions, ConvolutionChoice } from '../compiler/options.js'
import type { DeviceName, Precision, ProgramSet, TensorSpec } from '../compiler/program.js'
import { lossScaleOf } from '../compiler/update.js'
import { PreresnetError } from '../errors.js'
import { buildGraph } from '../graph/build.js'
import type { Graph } from '../graph/graph.js'
import type { Network } from '../layers/layer.js'
import { boolean, fields, integer, invalid, knownKeys, number } from '../options.js'
import { loadBinding } from '../native/load.js'
import type { NativeSession, RunOptions, RunResult, TraceEvent, Traffic } from '../native/types.js'
import { checkBatch, writeBatch, writeSamples, type BatchFormat, type UserBatch, type UserSamples } from './batch.js'
import { chosenKernels } from './chosen_kernels.js'
import { cudaPlace, hasCuda, type CudaSettings } from './cuda.js'
import { chooseDevice, isCuda, type DeviceChoice, type PrecisionChoice } from './device.js'
import { lossScaleState, lossScaleTensor, scaleOfLastStep, writeLossScale, type LossScaleState } from './loss_scale.js'
import { confusionMatrix, stepMetrics, sumRows, type Evaluation, type StepMetrics } from './metrics.js'
import { checkOptimizer, updateOptions, type SgdOptimizer } from './optimizer.js'
import { checkOutputs, outputsOfGraph } from './outputs.js'
import { noSuchParameter, select } from './patterns.js'
import { fastestPrecision } from './precision.js'
import { writeStartValues } from './start_values.js'
import { warn } from './remembered.js'
import { Tensor, type Values } from './tensor.js'

export interface SessionOptions {
  /** A loader whose batches `steps` reads, or a dataset that only says what images are like. @default none: values are handed over, see `step` */
  readonly data?: Dataset | Loader
  /** Images of a training step. @default the loader's */
  readonly batch?: number
  /** @default 'auto' */
  readonly device?: DeviceChoice
  /**
   * Types in memory and of arithmetic; parameters and sums are fp32 in each. 'auto': fp16 on CUDA; on the CPU the fastest for networks of
   * this kind, by a measurement of about a second at first use, which is remembered. @default 'auto'
   */
  readonly precision?: PrecisionChoice
  /** 0: what user, cores and cgroup allow. Results do not depend on it. @default 0 */
  readonly threads?: number
  /** Of start values and dropout. @default 0 */
  readonly seed?: number
  /** @default none: the session only evaluates and infers */
  readonly optimizer?: SgdOptimizer
  /** 0 to 1. @default 0 */
  readonly labelSmoothing?: number
  /** Training batches bring `targets`, N x classes. @default false */
  readonly softTargets?: boolean
  /** Parameters (names, paths above them, patterns with `*`) that are not trained. @default [] */
  readonly frozen?: readonly string[]
  /** Norms that use and keep their running statistics while training. @default [] */
  readonly frozenStatistics?: readonly string[]
  /** Groups of consecutive images with BN statistics of their own. @default 1 */
  readonly statisticsGroups?: number
  /** 'auto': Winograd where it is faster, in networks of up to 512 convolutions; 'direct': never, for the last digits. @default 'auto' */
  readonly convolution?: ConvolutionChoice
  /**
   * Of each residual stream every n-th sum is kept for the backward pass, the others are computed again: less memory for some more time, the same
   * results. 1: all are kept. @default 1
   */
  readonly recompute?: number
  /** Whether `evaluate` shall be there. A session for inference alone is made in less time, and plans less memory without. @default true */
  readonly evaluation?: boolean
  /** For devices `cuda` and `cuda-emulated`. */
  readonly cuda?: CudaSettings
  /** Ends `compile` itself, with ERR_ABORTED; the session's calls have signals of their own. */
  readonly signal?: AbortSignal
}

/** What says how many images a training step has: a loader, or the number. */
export type BatchSize = { readonly data: Loader } | { readonly batch: number }

const optionNames = [
  'data',
  'batch',
  'device',
  'precision',
  'threads',
  'seed',
  'optimizer',
  'labelSmoothing',
  'softTargets',
  'frozen',
  'frozenStatistics',
  'statisticsGroups',
  'convolution',
  'recompute',
  'evaluation',
  'cuda',
  'signal',
] as const

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

/** Compiles a network and prepares it; nothing is allocated if memory does not suffice (ERR_MEMORY). */
export async function compile(network: Network, options: SessionOptions & BatchSize): Promise<Session> {
  if ((network as Partial<Network> | undefined | null)?.kind !== 'network') throw invalid('compile', 'a network', network)
  knownKeys('compile', options, optionNames)
  const signal = abortSignal('compile: signal', options.signal)
  throwIfAborted(signal)
  const chosen = chooseDevice(options.device, options.precision, { hasCuda })
  const { device } = chosen
  const cuda = cudaPlace('compile', device, options.cuda)
  const data = options.data === undefined ? undefined : checkDatasetOrLoader('compile: data', options.data)
  const feed = data !== undefined && 'native' in data ? data : undefined
  const dataset = feed?.dataset ?? (data as Dataset | undefined)
  const optimizer = options.optimizer === undefined ? undefined : checkOptimizer('compile: optimizer', options.optimizer)
  const batch = integer('compile: batch', options.batch ?? feed?.batch, 1, 1 << 20)
  if (feed !== undefined && feed.batch !== batch) throw invalid('compile: batch', `the loader's ${feed.batch}`, batch)
  const seed = integer('compile: seed', options.seed ?? 0, 0)
  const threads = integer('compile: threads', options.threads ?? 0, 0, 1024)
  const smoothing = number('compile: labelSmoothing', options.labelSmoothing ?? 0, 0, 1)
  const softTargets = boolean('compile: softTargets', options.softTargets ?? false)
  const evaluation = boolean('compile: evaluation', options.evaluation ?? true)
  if (dataset !== undefined) checkImages(network, dataset)
  if (options.frozen !== undefined && optimizer === undefined) throw invalid('compile: frozen', 'an optimizer beside', options.frozen)

  const graph = buildGraph(network)
  if (dataset !== undefined) checkOutputs('compile: data', dataset, { name: network.name, outputs: outputsOfGraph(graph) })
  const measured = device === 'cpu' && (options.precision ?? 'auto') === 'auto'
  const { precision, notes } = measured ? await unlessAborted(fastestPrecision(graph, threads), signal) : { precision: chosen.precision, notes: [] }
  warn(notes)
  const norms = graph.nodes.filter(({ kind }) => kind === 'batchNorm').map(({ name }) => name)
  const plan: CompileOptions = {
    device,
    precision,
    batch,
    programs: [...(optimizer === undefined ? [] : (['train'] as const)), ...(evaluation ? (['evaluate'] as const) : []), 'infer'],
    input: dataset === undefined ? { kind: 'tensor' } : { kind: 'images', ...size(dataset), pad: feed?.pad ?? 0, ...dataset.normalisation },
    loss: { kind: 'crossEntropy', smoothing, softTargets },
    ...(optimizer && { update: updateOptions(graph, optimizer, options.frozen ?? []) }),
    statisticsGroups: integer('compile: statisticsGroups', options.statisticsGroups ?? 1, 1),
    convolution: options.convolution ?? 'auto',
    recompute: integer('compile: recompute', options.recompute ?? 1, 1),
    frozenStatistics: [...select('compile: frozenStatistics', options.frozenStatistics ?? [], norms)],
    ...(cuda && {
      arch: cuda.architecture,
      deterministic: cuda.session.deterministic === true,
      ...(cuda.lossScale !== undefined && { lossScale: cuda.lossScale }),
    }),
  }
  const tuned = cuda === undefined ? plan : { ...plan, ...(await chosenKernels(graph, plan, cuda, signal)) }
  const programs = await compilePrograms(graph, tuned, undefined, signal)
  const native = await loadBinding().createSession(await serialisePrograms(programs, signal), { threads, ...cuda?.session }, signal)
  try {
    await native.allocate()
    const session = new Session(native, { network, graph, programs, plan: tuned, seed, feed, dataset })
    await session.initialise(signal)
    throwIfAborted(signal)
    return session
  } catch (error) {
    await native.dispose()
    throw error
  }
}

interface Parts {
  readonly network: Network
  readonly graph: Graph
  readonly programs: ProgramSet
  readonly plan: CompileOptions
  readonly seed: number
  readonly feed: Loader | undefined
  readonly dataset: Dataset | undefined
}

/** Calls run one after another, in the order they were made. Made by `compile`. */
export class Session implements AsyncDisposable {
  readonly network: Network
  readonly graph: Graph
  /** What was compiled, for `plan` and for people. */
  readonly programs: ProgramSet
  readonly seed: number
  readonly #native: NativeSession
  readonly #parts: Parts
  readonly #tensors: ReadonlyMap<string, TensorSpec>
  #stepIndex = 0
  #queue: Promise<unknown> = Promise.resolve()
  #disposal: Promise<void> | undefined

  /** @internal */
  constructor(native: NativeSession, parts: Parts) {
    this.#native = native
    this.#parts = parts
    this.network = parts.network
    this.graph = parts.graph
    this.programs = parts.programs
    this.seed = parts.seed
    this.#tensors = new Map(parts.programs.tensors.map((tensor) => [tensor.name, tensor]))
  }

  /** What 'auto' took. */
  get device(): DeviceName {
    return this.programs.device
  }

  /** What the tuner chose for single convolutions; undefined where rules did. */
  get choices(): Choices | undefined {
    return this.#parts.plan.choices
  }

  /** What 'auto' took. */
  get precision(): Precision {
    return this.programs.precision
  }

  get batch(): number {
    return this.#parts.plan.batch
  }

  get classes(): number {
    const { shape } = this.graph.nodes.at(-1)!
    return shape.kind === 'features' ? shape.features : shape.channels
  }

  /** How images are prepared and normalised, and what classes are called; absent in a session on values. */
  get images(): Pick<Dataset, 'normalisation' | 'classes' | 'source'> | undefined {
    return this.#parts.dataset
  }

  /** Bytes. */
  get memory(): NativeSession['memory'] {
    return this.#alive().memory
  }

  /** Of one step of a program on a CUDA device: launches, event waits and bytes. ERR_UNSUPPORTED elsewhere. */
  async traffic(program: 'train' | 'evaluate' | 'infer'): Promise<Traffic> {
    return this.inTurn((native) => native.traffic(program))
  }

  /** Steps done, and index of the next one. Set it when the state of another session was written into this one. */
  get stepIndex(): number {
    return this.#stepIndex
  }

  set stepIndex(step: number) {
    this.#stepIndex = integer('stepIndex', step, 0)
  }

  /** Runs `count` steps on the session's loader in one native call. */
  async steps(count: number, options: StepsOptions): Promise<StepMetrics> {
    knownKeys('steps', options, ['learningRate', 'signal', 'loader', 'checkFinite', 'trace'])
    integer('steps: count', count, 1)
    const feed = options.loader ?? this.#parts.feed
    if (feed === undefined)
      throw new PreresnetError('ERR_OPTION', 'steps: the session has no loader to read from; give compile() one as `data`, or hand batches to step()')
    if (feed.batch !== this.batch || feed.pad !== this.#pad || feed.mode !== 'train') {
      throw invalid('steps: loader', `a training loader of batch ${this.batch} and pad ${this.#pad}`, { mode: feed.mode, batch: feed.batch, pad: feed.pad })
    }
    this.#checkOutputs('steps: loader', feed.dataset)
    return this.#train(count, options, feed)
  }

  /** One step on a batch of the caller's. */
  async step(batch: UserBatch, options: Omit<StepsOptions, 'loader'>): Promise<StepMetrics> {
    checkBatch('step: batch', batch)
    knownKeys('step', options, ['learningRate', 'signal', 'checkFinite', 'trace'])
    return this.#train(1, options, undefined, batch)
  }

  async #train(count: number, options: StepsOptions, feed?: Loader, batch?: UserBatch): Promise<StepMetrics> {
    if (this.programs.programs['train'] === undefined)
      throw new PreresnetError('ERR_OPTION', 'steps: the session was compiled without an optimizer, so it cannot train')
    abortSignal('signal', options.signal)
    const checkFinite = boolean('checkFinite', options.checkFinite ?? true)
    const trace = boolean('trace', options.trace ?? false)
    return this.inTurn(async (native) => {
      const firstStep = this.#stepIndex
      const learningRates = ratesFrom(options.learningRate, firstStep, count)
      if (batch !== undefined) await writeBatch(native, this.#format(true), batch)
      const skippedBefore = this.hasLossScale ? (await this.#readLossScale(native)).skippedSteps : 0
      const result = await this.#run(native, 'train', options.signal, {
        steps: count,
        seed: this.seed,
        firstStep,
        learningRates,
        checkFinite,
        trace,
        ...(feed && { loader: feed.native, firstBatch: firstStep }),
      }).catch((error: unknown) => this.#named(error, feed?.dataset))
      this.#stepIndex += result.completed
      if (result.cancelled && result.completed < count) throw this.#ended(options.signal)
      if (result.completed < count) throw new PreresnetError('ERR_DATASET', `steps: the data ended after ${result.completed} of ${count} steps`)
      return { ...stepMetrics(firstStep, result), ...(await this.#lossScaleMetrics(native, skippedBefore)) }
    })
  }

  /** What the loss scale did during the steps before; nothing where there is none. */
  async #lossScaleMetrics(native: NativeSession, skippedBefore: number): Promise<Pick<StepMetrics, 'skippedSteps' | 'lossScale'>> {
    if (!this.hasLossScale) return { skippedSteps: 0 }
    const { scale, skippedSteps } = await this.#readLossScale(native)
    return { skippedSteps: skippedSteps - skippedBefore, lossScale: scale }
  }

  async #readLossScale(native: NativeSession): Promise<LossScaleState> {
    return lossScaleState(await native.read(lossScaleTensor))
  }

  /** Whether gradients are multiplied on their way back: in sessions that train on a CUDA device. */
  get hasLossScale(): boolean {
    return this.#tensors.has(lossScaleTensor)
  }

  /** The state of the loss scale, to be saved with a checkpoint: eight numbers. Undefined where there is none. */
  lossScale(): Tensor | undefined {
    return this.hasLossScale ? this.#tensor(lossScaleTensor, lossScaleTensor, [lossScaleTensor]) : undefined
  }

  /**
   * Counts exactly, over all of a dataset (or an evaluation loader), with running statistics. ERR_DATASET where its classes are not those of the session's
   * data, name by name.
   */
  async evaluate(data: Dataset | Loader, options: { readonly signal?: AbortSignal; readonly workers?: number } = {}): Promise<Evaluation> {
    knownKeys('evaluate', options, ['signal', 'workers'])
    if (!('evaluate' in this.programs.programs)) throw new PreresnetError('ERR_OPTION', 'evaluate: the session was compiled with evaluation: false')
    abortSignal('evaluate: signal', options.signal)
    checkDatasetOrLoader('evaluate', data)
    if (this.#parts.dataset === undefined)
      throw new PreresnetError('ERR_OPTION', 'evaluate: the session was compiled without image data and takes values; give compile() a dataset as `data`')
    if ('native' in data) return this.#evaluate(data, options.signal)
    this.#checkSameFormat(data)
    await using feed = loader(data, { batch: this.batch, mode: 'evaluate', pad: this.#pad, workers: options.workers ?? 1 })
    return await this.#evaluate(feed, options.signal)
  }

  async #evaluate(feed: Loader, signal: AbortSignal | undefined): Promise<Evaluation> {
    if (feed.batch !== this.batch || feed.pad !== this.#pad || feed.mode !== 'evaluate') {
      throw invalid('evaluate: loader', `an evaluation loader of batch ${this.batch} and pad ${this.#pad}`, {
        mode: feed.mode,
        batch: feed.batch,
        pad: feed.pad,
      })
    }
    const classes = this.classes
    const { dataset } = feed
    this.#checkOutputs('evaluate', dataset)
    checkClasses(dataset.name, dataset.classes, 'the session', this.images?.classes)
    const steps = Math.ceil(dataset.length / feed.batch)
    return this.inTurn(async (native) => {
      const result = await this.#run(native, 'evaluate', signal, {
        steps,
        seed: this.seed,
        firstStep: 0,
        learningRates: new Float64Array(0),
        loader: feed.native,
        firstBatch: 0,
        collect: true,
      }).catch((error: unknown) => this.#named(error, dataset))
      if (result.cancelled && result.completed < steps) throw this.#ended(signal)
      const { loss, samples, top1Hits, top5Hits, seconds } = sumRows(result)
      if (samples !== dataset.length) throw new PreresnetError('ERR_INTERNAL', `evaluate: ${samples} of ${dataset.length} samples were counted`)
      const labels = result.labels!
      const predictions = result.predictions!
      return {
        samples,
        loss: loss / samples,
        top1Errors: samples - top1Hits,
        top5Errors: samples - top5Hits,
        top1Error: (samples - top1Hits) / samples,
        top5Error: (samples - top5Hits) / samples,
        confusion: confusionMatrix(labels, predictions, classes),
        predictions: predictions.filter((_, index) => labels[index]! >= 0),
        seconds,
      }
    })
  }

  /**
   * Class probabilities, N x classes, of a batch (`images` or `x`) with running statistics. `count`: of so many images at its front alone; a CPU computes no
   * others.
   */
  async infer(batch: UserSamples, options: { readonly signal?: AbortSignal; readonly count?: number } = {}): Promise<Float64Array> {
    knownKeys('batch', batch, ['images', 'x'])
    knownKeys('infer', options, ['signal', 'count'])
    abortSignal('infer: signal', options.signal)
    const images = integer('infer: count', options.count ?? this.batch, 1, this.batch)
    return this.inTurn(async (native) => {
      await writeSamples(native, this.#format(false), batch)
      const result = await this.#run(native, 'infer', options.signal, { steps: 1, seed: this.seed, firstStep: 0, learningRates: new Float64Array(0), images })
      if (result.completed < 1) throw this.#ended(options.signal)
      return ((await native.read('probabilities')) as Float64Array).slice(0, images * this.classes)
    })
  }

  /** The operations of the last call with `trace`, in the order they ran. */
  trace(): readonly TraceEvent[] {
    return this.#alive().trace()
  }

  get parameterNames(): readonly string[] {
    return this.graph.parameters.map(({ name }) => name)
  }

  /** Running statistics. */
  get bufferNames(): readonly string[] {
    return this.graph.buffers.map(({ name }) => name)
  }

  /** Parameters that the optimizer updates. */
  get trainedNames(): readonly string[] {
    return Object.keys(this.#parts.plan.update?.settings ?? {})
  }

  /** A parameter or a running statistic. ERR_PARAMETER suggests the nearest names. */
  parameter(name: string): Tensor {
    return this.#tensor(name, name, [...this.parameterNames, ...this.bufferNames])
  }

  /** The optimizer's state of a trained parameter: the momentum buffer, of the parameter's shape. */
  optimizerState(name: string): Tensor {
    return this.#tensor(name, `velocity/${name}`, this.trainedNames)
  }

  /**
   * Gradient of the last step, before clipping and decay. On a CPU it usually shares memory with activations: then it is there from a completed step to
   * the session's next run, of whatever program; `read()` at another time rejects with ERR_PARAMETER, and `view()` is a copy.
   */
  gradient(name: string): Tensor {
    const dynamic = this.#lossScaleIsDynamic
    const scale = async (native: NativeSession): Promise<number> => scaleOfLastStep(await this.#readLossScale(native), dynamic)
    return this.#tensor(name, `gradient/${name}`, this.trainedNames, this.hasLossScale ? scale : undefined)
  }

  get #lossScaleIsDynamic(): boolean {
    const update = this.programs.programs['train']?.operations.find(({ op }) => op === 'sgd')
    return Number(update?.attributes['growthInterval'] ?? 0) > 0
  }

  #tensor(name: string, stored: string, names: readonly string[], scale?: (native: NativeSession) => Promise<number>): Tensor {
    this.#alive()
    const spec = names.includes(name) ? this.#tensors.get(stored) : undefined
    const within = spec?.arena === 'gradients' && this.programs.gradientsAt !== undefined
    const host = {
      alive: () => this.#alive(),
      inTurn: <T>(work: (native: NativeSession) => Promise<T>) => this.inTurn(work),
      viewable: !isCuda(this.device) && !within,
    }
    if (spec !== undefined) return new Tensor(host, spec, name, scale)
    throw noSuchParameter(this.graph.name, name, names)
  }

  /** Ends a run between two operations, stops the native thread and frees everything. Pending calls reject with ERR_ABORTED. */
  dispose(): Promise<void> {
    return (this.#disposal ??= (async () => {
      this.#native.cancel()
      await this.#queue
      await this.#native.dispose()
    })())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  /** @internal Runs `work` after everything that was asked for before; a failure stops nothing behind it. */
  inTurn<T>(work: (native: NativeSession) => Promise<T>): Promise<T> {
    this.#alive()
    const turn = this.#queue.then(() => {
      if (this.#disposal !== undefined) throw this.#ended(undefined)
      return work(this.#native)
    })
    this.#queue = turn.catch(() => undefined)
    return turn
  }

  /** @internal All of them as they are between the same two calls: nothing gets in between. */
  readTogether(tensors: readonly Tensor[]): Promise<Values[]> {
    return this.inTurn(async (native) => {
      const values: Values[] = []
      for (const tensor of tensors) values.push(await tensor.readNow(native))
      return values
    })
  }

  /** @internal All of them between the same two calls, or none if one does not take its values. */
  async writeTogether(values: ReadonlyMap<Tensor, Values>): Promise<void> {
    for (const [tensor, given] of values) {
      tensor.checked(given)
      await setImmediate()
    }
    await this.inTurn(async (native) => {
      for (const [tensor, given] of values) await tensor.writeNow(native, given)
    })
  }

  /** @internal Writes every parameter's and buffer's start value. */
  async initialise(signal?: AbortSignal): Promise<void> {
    await writeStartValues(this.#native, this.graph, this.seed, signal)
    await writeLossScale(this.#native, this.programs, lossScaleOf(this.#parts.plan))
  }

  async #run(native: NativeSession, program: string, signal: AbortSignal | undefined, options: RunOptions): Promise<RunResult> {
    if (signal?.aborted || this.#disposal !== undefined) throw this.#ended(signal)
    const cancel = (): void => native.cancel()
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      return await native.run(program, options)
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }

  /** Rethrows; what native code says of a label or an image knows neither dataset nor network. */
  #named(error: unknown, dataset: Dataset | undefined): never {
    if (!(error instanceof PreresnetError) || error.code !== 'ERR_DATASET' || dataset === undefined) throw error
    throw new PreresnetError(error.code, `dataset ${dataset.name}, network ${JSON.stringify(this.network.name)}: ${error.message}`, { cause: error })
  }

  #checkOutputs(where: string, dataset: Dataset): void {
    checkOutputs(where, dataset, { name: this.network.name, outputs: outputsOfGraph(this.graph) })
  }

  #ended(signal: AbortSignal | undefined): PreresnetError {
    if (!signal?.aborted) return new PreresnetError('ERR_ABORTED', 'the session was disposed of during the call')
    return abortError(signal)
  }

  #alive(): NativeSession {
    if (this.#disposal !== undefined) throw new PreresnetError('ERR_DISPOSED', 'the session was disposed of')
    return this.#native
  }

  get #pad(): number {
    const { input } = this.#parts.plan
    return input.kind === 'images' ? input.pad : 0
  }

  #format(training: boolean): BatchFormat {
    const { input, loss, batch } = this.#parts.plan
    const { height, width, channels } = this.network.input
    return {
      batch,
      classes: this.classes,
      sampleValues: input.kind === 'images' ? input.height * input.width * channels : height * width * channels,
      images: input.kind === 'images',
      pad: this.#pad,
      softTargets: training && loss.kind === 'crossEntropy' && loss.softTargets,
    }
  }

  #checkSameFormat(data: Dataset): void {
    const { input } = this.#parts.plan
    if (input.kind !== 'images') return
    const { height, width, channels } = data.shape
    if (height !== input.height || width !== input.width || channels !== this.network.input.channels) {
      throw new PreresnetError(
        'ERR_SHAPE',
        `${data.name}: expected images of ${input.height} x ${input.width} x ${this.network.input.channels}, got ${height} x ${width} x ${channels}`,
      )
    }
  }
}

function size({ shape: { height, width } }: Dataset): { height: number; width: number } {
  return { height, width }
}

function checkImages({ input }: Network, { name, shape }: Dataset): void {
  if (shape.height === input.height && shape.width === input.width && shape.channels === input.channels) return
  throw new PreresnetError(
    'ERR_SHAPE',
    `${name}: the network takes images of ${input.height} x ${input.width} x ${input.channels} (height, width, channels), got ${shape.height} x ${shape.width} x ${shape.channels}`,
  )
}

/** One rate a step, checked: a bad rate would only show as a bad loss. */
function ratesFrom(rate: LearningRate, first: number, count: number): Float64Array {
  if (typeof rate !== 'number' && typeof rate !== 'function' && typeof fields(rate)['at'] !== 'function')
    throw invalid('learningRate', 'a number, a schedule or a function of the step', rate)
  const at = typeof rate === 'number' ? (): number => rate : typeof rate === 'function' ? rate : (step: number): number => rate.at(step)
  return Float64Array.from({ length: count }, (_, index) => number(`learningRate of step ${first + index}`, at(first + index), 0))
}
