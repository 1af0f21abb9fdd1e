/** Images in, classes out: a model file behind a queue. */
import { throwIfAborted } from '../abort.js'
import type { Preparation } from '../data/prepare/preparation.js'
import { checkPreparation, sequenceFor } from '../data/prepare/sequence.js'
import { centerCrop, resize } from '../data/prepare/steps.js'
import { PreresnetError } from '../errors.js'
import { describeModel, type ModelDescription } from '../runtime/model_file.js'
import { checkOptions, pick, withDefaults } from '../options/check.js'
import { compileWith } from '../runtime/compile.js'
import type { InferenceOutputs } from '../runtime/infer.js'
import { loadFirst } from '../runtime/internals.js'
import type { Session } from '../runtime/session.js'
import { sharedOptions } from '../runtime/session_options.js'
import { Batches } from './batches.js'
import { sharedCores } from './cores.js'
import type { ImageInput } from './image_input.js'
import { checkImage, decode } from './images.js'
import { classifierTable, requestOptions, type ClassifierOptions, type RequestOptions } from './options.js'
import { Pipeline, type ClassifierStatistics } from './pipeline.js'

/** One class of an answer, and how probable it is. */
export interface Classification {
  /** The label is the class's name, or its number where a network has more outputs than names. */
  readonly label: string
  /** The index of the class is from 0 to classes - 1. */
  readonly index: number
  /** The probability of the class is from 0 to 1. */
  readonly probability: number
}

/**
 * A classifier answers with the most probable classes of images: it is a model file behind a queue.
 * @example
 * await using classifier = await Classifier.load('model.safetensors')
 * const [best] = await classifier.classify('picture.jpg')
 */
export class Classifier implements AsyncDisposable {
  /** The names of the classes are in the network's order. */
  readonly classes: readonly string[]
  /** The network takes images of this size in pixels, which files become. */
  readonly input: { readonly height: number; readonly width: number; readonly channels: number }
  /** Files become the network's input in this way. */
  readonly prepare: Required<Omit<Preparation, 'train'>>
  readonly #session: Session
  readonly #pipeline: Pipeline<ImageInput, InferenceOutputs>
  readonly #top: number

  private constructor(session: Session, { network, classes, prepare }: Served, options: Serving) {
    const { top, maxPixels, maxDelay, maxQueue, threads } = options
    this.#session = session
    this.#top = top
    this.input = network.input
    this.prepare = prepare
    this.classes = classes ?? Array.from({ length: session.classes }, (_, index) => String(index))
    const decoding = { ...network.input, ...sequenceFor('Classifier.load: prepare', prepare, 'evaluate', network.input).decode, maxPixels }
    const batches = new Batches(session)
    this.#pipeline = new Pipeline({
      most: session.batch,
      runs: batches.concurrent,
      maxDelay,
      maxQueue: maxQueue ?? Infinity,
      ...(session.device === 'cpu' && { turn: (run) => sharedCores().take(threads, run) }),
      decode: (image, waits) => decode(image, decoding, waits),
      compute: (images) => batches.infer(images),
    })
  }

  /**
   * Makes a classifier of a model file, from which everything comes.
   * @param path - What `session.save` or `TrainedModel.save` wrote.
   * @param options - Device, batch, queue, and how many classes an answer has.
   * @throws ERR_FILE where the file is no model, or was trained on tensors.
   * @throws ERR_MEMORY where there is too little memory.
   * @throws ERR_DEVICE where the device is not there.
   * @throws ERR_OPTION where an option is unknown or out of range.
   * @throws ERR_ABORTED where `signal` ended it.
   */
  static async load(path: string, options: ClassifierOptions = {}): Promise<Classifier> {
    const given = checkOptions('Classifier.load', classifierTable, options)
    const serving = withDefaults(classifierTable, given)
    const { batch, aloneShare, signal } = serving
    throwIfAborted(signal)
    const model = await describeModel(path)
    throwIfAborted(signal)
    const served = { ...model, prepare: preparationOf(path, model, given.prepare) }
    const compiled = { ...pick(sharedOptions, given), batch, prepare: served.prepare, evaluation: false }
    const session = await compileWith(model.network, compiled, Batches.programs(batch), { aloneShare, startValues: false })
    try {
      throwIfAborted(signal)
      await loadFirst(session, path, given.prepare?.normalization === undefined ? {} : { normalization: 'any' })
      throwIfAborted(signal)
      return new Classifier(session, served, serving)
    } catch (error) {
      await session.dispose()
      throw error
    }
  }

  /** The reason for the precision is a phrase: what 'auto' measured, in milliseconds, or who asked for it. */
  get precisionReason(): string {
    return this.#session.precisionReason
  }

  /**
   * Gives the most probable classes of an image. Requests that wait are answered together.
   * @param image - A path, the bytes of a JPEG, PNG or WebP file, [bytes], or pixels.
   * @param options - What ends the call.
   * @throws ERR_IMAGE where the file cannot be decoded or has too many pixels.
   * @throws ERR_FILE where it cannot be read.
   * @throws ERR_OPTION where it is nothing of these.
   * @throws ERR_BUSY where as many images wait as may.
   * @throws ERR_ABORTED where `signal` or `dispose()` ended it.
   * @throws ERR_DISPOSED after `dispose()`.
   */
  classify(image: ImageInput, options?: RequestOptions): Promise<Classification[]>
  /**
   * Gives the most probable classes of each image of an array: of all, or of none.
   * @param images - Paths, the bytes of JPEG, PNG or WebP files, or pixels.
   * @param options - What ends the call.
   * @throws ERR_IMAGE where a file cannot be decoded or has too many pixels.
   */
  classify(images: readonly ImageInput[], options?: RequestOptions): Promise<Classification[][]>
  async classify(images: ImageInput | readonly ImageInput[], options?: RequestOptions): Promise<Classification[] | Classification[][]> {
    const found = await this.#ask('classify', images, options)
    const answers = found.map(({ probabilities }) => this.#mostProbable(probabilities))
    return Array.isArray(images) ? answers : answers[0]!
  }

  /**
   * Gives what the network computes of an image: probabilities, logits, and the features that its head reads.
   * @param image - A path, the bytes of a JPEG, PNG or WebP file, [bytes], or pixels.
   * @param options - What ends the call.
   * @throws ERR_IMAGE, ERR_FILE, ERR_OPTION, ERR_BUSY, ERR_ABORTED, ERR_DISPOSED, as `classify` does.
   */
  infer(image: ImageInput, options?: RequestOptions): Promise<InferenceOutputs>
  /**
   * Gives what the network computes of each image of an array: of all, or of none.
   * @param images - Paths, the bytes of JPEG, PNG or WebP files, or pixels.
   * @param options - What ends the call.
   * @throws ERR_IMAGE where a file cannot be decoded or has too many pixels.
   */
  infer(images: readonly ImageInput[], options?: RequestOptions): Promise<InferenceOutputs[]>
  async infer(images: ImageInput | readonly ImageInput[], options?: RequestOptions): Promise<InferenceOutputs | InferenceOutputs[]> {
    const found = await this.#ask('infer', images, options)
    return Array.isArray(images) ? found : found[0]!
  }

  /** Says what the classifier does and has done. It is read from the queue itself, and costs little. */
  statistics(): ClassifierStatistics {
    return this.#pipeline.statistics
  }

  /** Ends requests that have no answer yet with ERR_ABORTED and frees everything. */
  async dispose(): Promise<void> {
    this.#pipeline.close(
      new PreresnetError('ERR_ABORTED', 'the classifier was disposed of before it had answered'),
      new PreresnetError('ERR_DISPOSED', 'the classifier was disposed of'),
    )
    await this.#session.dispose()
  }

  /** Does what `dispose()` does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  async #ask(call: string, images: ImageInput | readonly ImageInput[], options: RequestOptions = {}): Promise<InferenceOutputs[]> {
    const { signal } = checkOptions(call, requestOptions, options)
    const all: readonly unknown[] = Array.isArray(images) ? images : [images]
    return this.#pipeline.ask(
      all.map((image) => checkImage(call, image)),
      signal,
    )
  }

  #mostProbable(probabilities: Float32Array): Classification[] {
    return Array.from(probabilities, (probability, index) => ({ label: this.classes[index] ?? String(index), index, probability }))
      .sort((a, b) => b.probability - a.probability || a.index - b.index)
      .slice(0, this.#top)
  }
}

type Served = ModelDescription & { readonly prepare: Required<Omit<Preparation, 'train'>> }
type Serving = Pick<ReturnType<typeof withDefaults<typeof classifierTable>>, 'top' | 'maxPixels' | 'maxDelay' | 'maxQueue' | 'threads'>

/** Files of other sizes come to a server too: where evaluation met none, they are resized as is usual. */
function preparationOf(path: string, { network, prepare }: ModelDescription, given: Preparation = {}): Served['prepare'] {
  checkPreparation('Classifier.load: prepare', given, network.input)
  const normalization = given.normalization ?? prepare?.normalization
  if (normalization === undefined) {
    throw new PreresnetError('ERR_FILE', `${path}: expected metadata "prepare", got none; the network was trained on tensors and takes no images`)
  }
  const trained = prepare?.evaluate ?? []
  const evaluate = given.evaluate ?? (trained.length > 0 ? trained : [resize({ unlessFitting: true }), centerCrop()])
  return { evaluate, normalization }
}
