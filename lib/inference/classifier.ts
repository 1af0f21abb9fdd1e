/** Images in, classes out: a model file behind a queue. */
import { throwIfAborted } from '../abort.js'
import type { Preparation } from '../data/prepare/preparation.js'
import { checkPreparation, sequenceFor } from '../data/prepare/sequence.js'
import { centerCrop, resize } from '../data/prepare/steps.js'
import { PreresnetError } from '../errors.js'
import { describeModel, type ModelDescription } from '../runtime/model_file.js'
import { checkOptions, pick, withDefaults } from '../options/check.js'
import { describe } from '../options/values.js'
import { compile } from '../runtime/compile.js'
import type { Session } from '../runtime/session.js'
import { sharedOptions } from '../runtime/session_options.js'
import { BatchQueue } from './batch_queue.js'
import { decode } from './decoding.js'
import { classifierTable, type ClassifierOptions } from './options.js'

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
 * The bytes of a JPEG or PNG file are not copied while they wait for their turn: do not change them before the answer is there. Pixels are taken as they are stored, as in
 * training: an orientation in EXIF data is not obeyed.
 */
export type ImageFile = Uint8Array

/**
 * A classifier answers with the most probable classes of images: it is a model file behind a queue.
 * @example
 * await using classifier = await Classifier.load('model.safetensors')
 * const [best] = await classifier.classify(await readFile('picture.jpg'))
 */
export class Classifier implements AsyncDisposable {
  /** The names of the classes are in the network's order. */
  readonly classes: readonly string[]
  /** The network takes images of this size in pixels, which files become. */
  readonly input: { readonly height: number; readonly width: number; readonly channels: number }
  /** Files become the network's input in this way. */
  readonly prepare: Required<Omit<Preparation, 'train'>>
  readonly #session: Session
  readonly #queue: BatchQueue<Uint8Array, Float32Array>
  readonly #top: number
  readonly #decoding: Parameters<typeof decode>[1]
  #disposed = false

  private constructor(session: Session, { network, classes, prepare }: Served, top: number, maxPixels: number) {
    this.#session = session
    this.#top = top
    this.input = network.input
    this.prepare = prepare
    this.#decoding = { ...network.input, ...sequenceFor('Classifier.load: prepare', prepare, 'evaluate', network.input).decode, maxPixels }
    this.classes = classes ?? Array.from({ length: session.classes }, (_, index) => String(index))
    this.#queue = new BatchQueue(session.batch, (images) => this.#infer(images))
  }

  /**
   * Makes a classifier of a model file, from which everything comes.
   * @param path - What `session.save` or `TrainedModel.save` wrote.
   * @param options - Device, batch, and how many classes an answer has.
   * @throws ERR_FILE where the file is no model, or was trained on tensors.
   * @throws ERR_MEMORY where there is too little memory.
   * @throws ERR_DEVICE where the device is not there.
   * @throws ERR_OPTION where an option is unknown or out of range.
   * @throws ERR_ABORTED where `signal` ended it.
   */
  static async load(path: string, options: ClassifierOptions = {}): Promise<Classifier> {
    const given = checkOptions('Classifier.load', classifierTable, options)
    const { batch, top, maxPixels, signal } = withDefaults(classifierTable, given)
    throwIfAborted(signal)
    const model = await describeModel(path)
    throwIfAborted(signal)
    const served = { ...model, prepare: preparationOf(path, model, given.prepare) }
    const session = await compile(model.network, {
      ...pick(sharedOptions, given),
      batch,
      prepare: served.prepare,
      evaluation: false,
    })
    try {
      throwIfAborted(signal)
      await session.load(path, given.prepare?.normalization === undefined ? {} : { normalization: 'any' })
      throwIfAborted(signal)
      return new Classifier(session, served, top, maxPixels)
    } catch (error) {
      await session.dispose()
      throw error
    }
  }

  /**
   * Gives the most probable classes of an image. Requests that wait are answered together.
   * @param image - The bytes of a JPEG or PNG file, [bytes].
   * @throws ERR_IMAGE where the file cannot be decoded or has too many pixels.
   * @throws ERR_OPTION where it is no Uint8Array.
   * @throws ERR_DISPOSED after `dispose()`.
   */
  classify(image: ImageFile): Promise<Classification[]>
  /**
   * Gives the most probable classes of each image of an array.
   * @param images - The bytes of JPEG or PNG files.
   * @throws ERR_IMAGE where a file cannot be decoded or has too many pixels.
   */
  classify(images: readonly ImageFile[]): Promise<Classification[][]>
  async classify(images: ImageFile | readonly ImageFile[]): Promise<Classification[] | Classification[][]> {
    if (this.#disposed) throw new PreresnetError('ERR_DISPOSED', 'the classifier was disposed of')
    return Array.isArray(images) ? Promise.all(images.map((image: ImageFile) => this.#classify(image))) : this.#classify(images as ImageFile)
  }

  /** Ends requests that wait with ERR_ABORTED and frees everything. */
  async dispose(): Promise<void> {
    this.#disposed = true
    this.#queue.close(new PreresnetError('ERR_ABORTED', 'the classifier was disposed of before it had answered'))
    await this.#session.dispose()
  }

  /** Does what `dispose()` does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  async #classify(image: ImageFile): Promise<Classification[]> {
    if (!(image instanceof Uint8Array)) throw new PreresnetError('ERR_OPTION', `classify: expected the bytes of a JPEG or PNG file, got ${describe(image)}`)
    const probabilities = await this.#queue.add(await decode(image, this.#decoding))
    return Array.from(probabilities, (probability, index) => ({ label: this.classes[index] ?? String(index), index, probability }))
      .sort((a, b) => b.probability - a.probability || a.index - b.index)
      .slice(0, this.#top)
  }

  /** A short batch is filled with black images, which are not computed (on a GPU: whose answers nobody reads). */
  async #infer(images: readonly Uint8Array[]): Promise<Float32Array[]> {
    const { height, width, channels } = this.input
    const size = height * width * channels
    const batch = new Uint8Array(this.#session.batch * size)
    images.forEach((pixels, index) => batch.set(pixels, index * size))
    const probabilities = await this.#session.infer({ images: batch }, { count: images.length })
    const { classes } = this.#session
    return images.map((_, index) => probabilities.subarray(index * classes, (index + 1) * classes))
  }
}

type Served = ModelDescription & { readonly prepare: Required<Omit<Preparation, 'train'>> }

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
