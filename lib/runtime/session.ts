/** A network compiled for a device: its parameters, its optimizer's state, and the calls that run steps natively. */
import type { Dataset } from '../data/dataset.js'
import type { Loader } from '../data/loader.js'
import type { Choices } from '../compiler/lower/engines.js'
import type { OptimizerState } from '../compiler/options.js'
import type { DeviceName, Precision, ProgramSet } from '../compiler/program.js'
import type { Graph } from '../graph/graph.js'
import type { Network } from '../layers/layer.js'
import { integer } from '../options/values.js'
import type { SessionMemory, TraceEvent, BytesMoved } from '../native/reports.js'
import type { NativeSession } from '../native/types.js'
import type { UserBatch, UserSamples } from './batch.js'
import { classesOf, type Compiled } from './compiled.js'
import type { EvaluateOptions, InferOptions, LoadOptions, SaveOptions, StepsOptions } from './call_options.js'
import { evaluate } from './evaluate.js'
import { Inference } from './infer.js'
import { hasLossScale } from './loss_scale.js'
import type { Evaluation, StepMetrics } from './metrics.js'
import { Steps } from './steps.js'
import type { SessionPreparation } from './preparation.js'
import type { Tensor } from './tensor.js'
import { Tensors } from './tensors.js'
import { Turn } from './turn.js'
import { Weights } from './weights.js'

/** @internal */
interface Insides {
  readonly turn: Turn
  readonly compiled: Compiled
  readonly inference: Inference
  readonly weights: Weights
}

/** @internal For `internals.ts`. */
export let insidesOf: (session: Session) => Insides

/** A session is a network compiled for a device. Calls run one after another, in the order they were made; `compile` makes it. */
export class Session implements AsyncDisposable {
  /** The network is the one that was compiled. */
  readonly network: Network
  /** The graph of the network is what `plan` and `parameter` name nodes of. */
  readonly graph: Graph
  /** What was compiled, for `plan` and for people, is plain data. */
  readonly programs: ProgramSet
  /** The seed of start values and of dropout is an integer of at least 0. */
  readonly seed: number
  readonly #turn: Turn
  readonly #compiled: Compiled
  readonly #steps: Steps
  readonly #inference: Inference
  readonly #tensors: Tensors
  readonly #weights: Weights

  static {
    insidesOf = (session) => ({ turn: session.#turn, compiled: session.#compiled, inference: session.#inference, weights: session.#weights })
  }

  /** @internal */
  constructor(native: NativeSession, compiled: Compiled) {
    this.#turn = new Turn(native)
    this.#compiled = compiled
    this.#steps = new Steps(this.#turn, compiled)
    this.#inference = new Inference(this.#turn, compiled)
    this.#tensors = new Tensors(this.#turn, compiled)
    this.#weights = new Weights(this.#turn, compiled, this.#tensors)
    this.network = compiled.network
    this.graph = compiled.graph
    this.programs = compiled.programs
    this.seed = compiled.seed
  }

  /** The session runs on this device: what 'auto' took. */
  get device(): DeviceName {
    return this.programs.device
  }

  /** These are what the tuner chose for single convolutions; undefined where rules did. */
  get choices(): Choices | undefined {
    return this.#compiled.plan.choices
  }

  /** The session computes in this precision: what 'auto' took. */
  get precision(): Precision {
    return this.programs.precision
  }

  /** The reason for the precision is a phrase: what 'auto' measured, in milliseconds, or who asked for it. */
  get precisionReason(): string {
    return this.#compiled.precisionReason
  }

  /** The number of images of a training step is at least 1. */
  get batch(): number {
    return this.#compiled.plan.batch
  }

  /** The number of outputs is at least 1. */
  get classes(): number {
    return classesOf(this.#compiled)
  }

  /** Images are prepared in this way: the defaults are written down. It is undefined in a session on values. */
  get prepare(): SessionPreparation | undefined {
    return this.#compiled.prepare
  }

  /** The classes are called so, in the order of the outputs; undefined in a session that was compiled without data. */
  get classNames(): readonly string[] | undefined {
    return this.#compiled.dataset?.classes
  }

  /** The memory of the session is counted in bytes. */
  get memory(): SessionMemory {
    return this.#turn.alive().memory
  }

  /**
   * Counts what one step of a program does on a CUDA device: launches, event waits and bytes.
   * @param program - One of the session's programs.
   * @throws ERR_UNSUPPORTED on other devices.
   * @throws ERR_DISPOSED after `dispose()`.
   * @throws ERR_ABORTED where `dispose()` came while it waited.
   */
  async bytesMoved(program: 'train' | 'evaluate' | 'infer'): Promise<BytesMoved> {
    return this.#turn.take((native) => native.bytesMoved(program))
  }

  /** The number of steps done, at least 0, is the index of the next one. Set it when the state of another session was written into this one. */
  get stepIndex(): number {
    return this.#steps.index
  }

  set stepIndex(step: number) {
    this.#steps.index = integer('stepIndex', step, 0)
  }

  /**
   * Runs steps on the session's loader in one native call.
   * @param count - The number of steps is at least 1.
   * @param options - The learning rate, and what ends the call.
   * @throws ERR_OPTION where an option is unknown or out of range, or the session has no optimizer or loader.
   * @throws ERR_NOT_FINITE where a loss is not a number.
   * @throws ERR_IMAGE where an image cannot be decoded.
   * @throws ERR_ABORTED where `signal` or `dispose()` ended it.
   * @throws ERR_DISPOSED after `dispose()`.
   */
  async steps(count: number, options: StepsOptions): Promise<StepMetrics> {
    return this.#steps.many(count, options)
  }

  /**
   * Runs one step on a batch of the caller's.
   * @param batch - Samples and labels, as many as the session's batch.
   * @param options - The learning rate, and what ends the call.
   * @throws ERR_OPTION where the batch does not fit the session, or an option is unknown.
   * @throws ERR_NOT_FINITE where a loss is not a number.
   * @throws ERR_ABORTED where `signal` or `dispose()` ended it.
   * @throws ERR_DISPOSED after `dispose()`.
   */
  async step(batch: UserBatch, options: Omit<StepsOptions, 'loader'>): Promise<StepMetrics> {
    return this.#steps.one(batch, options)
  }

  /**
   * Counts exactly, over all of a dataset (or an evaluation loader), with running statistics.
   * @param data - The images, of the session's classes.
   * @param options - How they are prepared, and what ends the call.
   * @throws ERR_DATASET where its classes are not those of the session's data, name by name.
   * @throws ERR_OPTION where an option is unknown, or the session was compiled without `evaluation`.
   * @throws ERR_SHAPE where images do not have the input's size.
   * @throws ERR_FILE where an image cannot be read.
   * @throws ERR_IMAGE where one cannot be decoded.
   * @throws ERR_ABORTED where `signal` or `dispose()` ended it.
   * @throws ERR_DISPOSED after `dispose()`.
   */
  async evaluate(data: Dataset | Loader, options: EvaluateOptions = {}): Promise<Evaluation> {
    return evaluate(this.#turn, this.#compiled, this.#inference, data, options)
  }

  /**
   * Computes class probabilities of a batch by running statistics, or with `output: 'logits'` what the last layer gives before softmax, or with `output:
   * 'features'` what that layer reads, in fp32 as they are computed; in fp64 on the reference device each value is rounded to fp32.
   * @param batch - Pixels (`images`) or values (`x`) of a whole batch; with `accumulate` of one of its parts.
   * @param options - What to compute, of how many images, and what ends the call.
   * @returns [images, classes], probabilities from 0 to 1 or logits of any size, in the order of the classes, or [images, features]; images are `count`, or the batch's.
   * @throws ERR_OPTION, ERR_SHAPE, ERR_ABORTED, ERR_DISPOSED.
   */
  async infer(batch: UserSamples, options: InferOptions = {}): Promise<Float32Array> {
    return this.#inference.run('infer', batch, options)
  }

  /**
   * Writes parameters and running statistics, or their moving averages, all of the same step, with everything that loading them needs.
   * @param path - The file's path; a file that is there is replaced as a whole.
   * @param options - How the file shall say that images are prepared.
   * @throws ERR_FILE where it cannot be written.
   * @throws ERR_OPTION where `prepare` does not fit the network.
   * @throws ERR_DISPOSED after `dispose()`.
   */
  async save(path: string, options: SaveOptions = {}): Promise<void> {
    return this.#weights.save(path, options)
  }

  /**
   * Takes a file's values, all between the same two calls; where it throws, nothing is written.
   * @param path - The path of a file that `save` or `TrainedModel.save` wrote.
   * @param options - What is left out, and which differences are allowed.
   * @throws ERR_FILE where the file is missing, malformed, or no model.
   * @throws ERR_PARAMETER where a tensor is missing, of another shape, one that the network has not, or has a value that is not finite, or where file and
   * session normalize images differently.
   * @throws ERR_DATASET where file and session have different classes.
   * @throws ERR_OPTION where an option is unknown.
   * @throws ERR_DISPOSED after `dispose()`.
   */
  async load(path: string, options: LoadOptions = {}): Promise<void> {
    return this.#weights.load(path, options)
  }

  /**
   * Lists the operations of the last call with `trace`, in the order they ran.
   * @throws ERR_DISPOSED after `dispose()`.
   */
  trace(): readonly TraceEvent[] {
    return this.#turn.alive().trace()
  }

  /** The parameters have these names, in the order of their first use. */
  get parameterNames(): readonly string[] {
    return this.#tensors.parameters
  }

  /** The running statistics have these names. */
  get bufferNames(): readonly string[] {
    return this.#tensors.buffers
  }

  /** The parameters that the optimizer updates have these names. */
  get trainedNames(): readonly string[] {
    return this.#tensors.trained
  }

  /**
   * Gives a handle on a parameter or a running statistic.
   * @param name - One of `parameterNames` or `bufferNames`.
   * @throws ERR_PARAMETER where there is none of that name; the message suggests the nearest names.
   */
  parameter(name: string): Tensor {
    return this.#tensors.parameter(name)
  }

  /** Whether moving averages are kept: where `compile` was given `ema`. */
  get hasAverages(): boolean {
    return this.#tensors.hasAverages
  }

  /**
   * Gives a handle on the moving average of a parameter or a running statistic.
   * @param name - One of `parameterNames` or `bufferNames`.
   * @throws ERR_PARAMETER where there is none of that name, or the session was compiled without `ema`.
   */
  average(name: string): Tensor {
    return this.#tensors.average(name)
  }

  /**
   * Gives a handle on what the optimizer keeps of a trained parameter, a tensor of the parameter's shape.
   * @param name - One of `trainedNames`.
   * @param state - One of `optimizerStates`; by default the first of them: the momentum buffer of SGD.
   * @throws ERR_PARAMETER where there is none of that name.
   * @throws ERR_OPTION where the optimizer keeps no such state.
   */
  optimizerState(name: string, state?: OptimizerState): Tensor {
    return this.#tensors.optimizerState(name, state)
  }

  /** The optimizer keeps these tensors of each parameter: `velocity` of SGD and LARS, `firstMoment` and `secondMoment` of AdamW and LAMB. */
  get optimizerStates(): readonly OptimizerState[] {
    return this.#tensors.optimizerStates
  }

  /**
   * Gives a handle on the gradient of the last step, before clipping and decay. On a CPU it usually shares memory with activations: then it is there from a
   * completed step to the session's next run, of whatever program; `read()` at another time rejects with ERR_PARAMETER, and `view()` is a copy.
   * @param name - One of `trainedNames`.
   * @throws ERR_PARAMETER where there is none of that name.
   */
  gradient(name: string): Tensor {
    return this.#tensors.gradient(name)
  }

  /** Whether gradients are multiplied on their way back: in sessions that train on a CUDA device. */
  get hasLossScale(): boolean {
    return hasLossScale(this.programs)
  }

  /** Gives the state of the loss scale, to be saved with a checkpoint: a tensor of eight numbers. It is undefined where there is none. */
  lossScale(): Tensor | undefined {
    return this.#tensors.lossScale()
  }

  /** Ends a run between two operations, stops the native thread and frees everything. Pending calls reject with ERR_ABORTED. */
  dispose(): Promise<void> {
    return this.#turn.dispose()
  }

  /** Does what `dispose()` does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }
}
