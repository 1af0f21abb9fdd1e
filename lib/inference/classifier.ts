/** Images in, classes out: a model file behind a queue. */
import { abortSignal, throwIfAborted } from '../abort.js'
import { readPreparation, type Preparation } from '../data/prepare/preparation.js'
import { checkPreparation, sequenceFor } from '../data/prepare/sequence.js'
import { centerCrop, resize } from '../data/prepare/steps.js'
import { PreresnetError } from '../errors.js'
import { describeModel, loadModel, type ModelDescription } from '../training/model_file.js'
import { describe, integer, knownKeys } from '../options/values.js'
import type { CudaSettings } from '../runtime/cuda.js'
import type { DeviceChoice, PrecisionChoice } from '../runtime/device.js'
import { compile } from '../runtime/compile.js'
import type { Session } from '../runtime/session.js'
import { BatchQueue } from './batch_queue.js'
import { decode } from './decoding.js'

export interface ClassifierOptions {
  /**
   * Most images that one run takes. On a CPU a run costs what its images cost, on a GPU as much as if it were full. With 1, each image is shared out among
   * threads: the shortest time for a large image alone on many cores, the fewest images a second. @default 8
   */
  readonly batch?: number
  /** Classes in an answer, the most probable first. @default 5, or all if there are fewer */
  readonly top?: number
  /** @default 'auto' */
  readonly device?: DeviceChoice
  /** @default 'auto' */
  readonly precision?: PrecisionChoice
  /** 0: what the machine allows. @default 0 */
  readonly threads?: number
  /**
   * Images of more pixels (height x width, as stored) are refused with ERR_IMAGE by their header, before anything is decoded: a small file can hold
   * a large image, and decoding takes 3 bytes a pixel (some JPEG files 9). The default lets the photographs of cameras with up to 33 megapixels
   * through, and keeps a decoder at 100 MB. At most 2 ** 28. @default 2 ** 25
   */
  readonly maxPixels?: number
  /**
   * How images become the network's input, instead of what the model file says. @default as evaluation prepared them when the model was trained. Where that was
   * without steps, or is not known, `resize({ unlessFitting: true }), centerCrop()`
   */
  readonly prepare?: Preparation
  /** For device `cuda`; an error on others. */
  readonly cuda?: CudaSettings
  /** Ends loading, with ERR_ABORTED. */
  readonly signal?: AbortSignal
}

/** One class of an answer. */
export interface Classification {
  /** The class's name; its number where a network has more outputs than names. */
  readonly label: string
  readonly index: number
  readonly probability: number
}

/** A JPEG or PNG file's bytes. They are not copied while they wait for their turn: do not change them before the answer is there. */
export type ImageFile = Uint8Array

/**
 * @example
 * await using classifier = await Classifier.load('model.safetensors')
 * const [best] = await classifier.classify(jpeg)
 */
export class Classifier implements AsyncDisposable {
  /** Names of the classes, in the network's order. */
  readonly classes: readonly string[]
  /** What the network takes: what files become. */
  readonly input: { readonly height: number; readonly width: number; readonly channels: number }
  /** How files become that. */
  readonly prepare: Required<Omit<Preparation, 'train'>>
  readonly #session: Session
  readonly #queue: BatchQueue<Uint8Array, Float64Array>
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

  /** Everything comes from the file. ERR_FILE if it is no model, ERR_MEMORY if there is too little memory. */
  static async load(path: string, options: ClassifierOptions = {}): Promise<Classifier> {
    knownKeys('Classifier.load', options, ['batch', 'top', 'device', 'precision', 'threads', 'maxPixels', 'prepare', 'cuda', 'signal'])
    const { batch, top, maxPixels, prepare: given, ...place } = options
    const most = integer('Classifier.load: top', top ?? 5, 1)
    const pixels = integer('Classifier.load: maxPixels', maxPixels ?? 2 ** 25, 1, 2 ** 28)
    const signal = abortSignal('Classifier.load: signal', options.signal)
    throwIfAborted(signal)
    const model = await describeModel(path)
    throwIfAborted(signal)
    const served = { ...model, prepare: preparationOf(path, model, given) }
    const session = await compile(model.network, {
      ...place,
      batch: integer('Classifier.load: batch', batch ?? 8, 1),
      prepare: served.prepare,
      evaluation: false,
    })
    try {
      throwIfAborted(signal)
      await loadModel(session, path, given?.normalization === undefined ? {} : { normalization: 'any' })
      throwIfAborted(signal)
      return new Classifier(session, served, most, pixels)
    } catch (error) {
      await session.dispose()
      throw error
    }
  }

  /**
   * The most probable classes of an image, or of each image of an array. Requests that wait are answered together.
   * ERR_IMAGE for a file that cannot be decoded or has too many pixels; ERR_DISPOSED after dispose().
   */
  classify(image: ImageFile): Promise<Classification[]>
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
  async #infer(images: readonly Uint8Array[]): Promise<Float64Array[]> {
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
  const own = readPreparation('Classifier.load: prepare', given)
  checkPreparation('Classifier.load: prepare', own, network.input)
  const normalization = own.normalization ?? prepare?.normalization
  if (normalization === undefined) {
    throw new PreresnetError('ERR_FILE', `${path}: expected metadata "prepare", got none; the network was trained on tensors and takes no images`)
  }
  const trained = prepare?.evaluate ?? []
  const evaluate = own.evaluate ?? (trained.length > 0 ? trained : [resize({ unlessFitting: true }), centerCrop()])
  return { evaluate, normalization }
}
