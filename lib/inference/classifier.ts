/** Images in, classes out: a model file behind a queue. */
import { PreresnetError } from '../errors.js'
import { describeModel, loadModel, type ModelDescription } from '../training/model_file.js'
import { describe, integer, knownKeys } from '../options.js'
import { loadBinding } from '../runtime/binding.js'
import type { CudaSettings } from '../runtime/cuda.js'
import type { DeviceChoice, PrecisionChoice } from '../runtime/device.js'
import type { ImageSet } from '../runtime/feed.js'
import { compile, type Session } from '../runtime/session.js'
import { BatchQueue } from './batch_queue.js'

export interface ClassifierOptions {
  /** Most images that one run takes; a run costs as much as if it were full. @default 8 */
  readonly batch?: number
  /** Classes in an answer, the most probable first. @default 5, or all if there are fewer */
  readonly top?: number
  /** @default 'auto' */
  readonly device?: DeviceChoice
  /** @default 'auto' */
  readonly precision?: PrecisionChoice
  /** 0: what the machine allows. @default 0 */
  readonly threads?: number
  /** For devices `cuda` and `cuda-emulated`. */
  readonly cuda?: CudaSettings
}

/** One class of an answer. */
export interface Classification {
  readonly label: string
  readonly index: number
  readonly probability: number
}

/** A JPEG or PNG file's bytes. */
export type ImageFile = Uint8Array

/**
 * @example
 * await using classifier = await Classifier.load('model.safetensors')
 * const [best] = await classifier.classify(jpeg)
 */
export class Classifier implements AsyncDisposable {
  /** Names of the classes, in the network's order. */
  readonly classes: readonly string[]
  /** What the network takes. Of an image of another size, the shorter side is resized to it / 0.875, and the middle cut out. */
  readonly input: { readonly height: number; readonly width: number; readonly channels: number }
  readonly #session: Session
  readonly #queue: BatchQueue<Uint8Array, Float64Array>
  readonly #top: number
  #disposed = false

  private constructor(session: Session, { network, classes }: ModelDescription, top: number) {
    this.#session = session
    this.#top = top
    this.input = network.input
    this.classes = classes ?? Array.from({ length: session.classes }, (_, index) => String(index))
    this.#queue = new BatchQueue(session.batch, (images) => this.#infer(images))
  }

  /** Everything comes from the file. ERR_FILE if it is no model, ERR_MEMORY if there is too little memory. */
  static async load(path: string, options: ClassifierOptions = {}): Promise<Classifier> {
    knownKeys('Classifier.load', options, ['batch', 'top', 'device', 'precision', 'threads', 'cuda'])
    const { batch, top, ...place } = options
    const most = integer('Classifier.load: top', top ?? 5, 1)
    const model = await describeModel(path)
    const session = await compile(model.network, {
      ...place,
      batch: integer('Classifier.load: batch', batch ?? 8, 1),
      data: imagesOf(path, model),
      evaluation: false,
    })
    try {
      await loadModel(session, path)
      return new Classifier(session, model, most)
    } catch (error) {
      await session.dispose()
      throw error
    }
  }

  /**
   * The most probable classes of an image, or of each image of an array. Requests that wait are answered together.
   * ERR_IMAGE for a file that cannot be decoded; ERR_DISPOSED after dispose().
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
    const probabilities = await this.#queue.add(await this.#pixels(image))
    return Array.from(probabilities, (probability, index) => ({ label: this.classes[index]!, index, probability }))
      .sort((a, b) => b.probability - a.probability || a.index - b.index)
      .slice(0, this.#top)
  }

  async #pixels(image: ImageFile): Promise<Uint8Array> {
    const { height, width, channels } = this.input
    const whole = await loadBinding().decodeImage(image, { channels })
    if (whole.height === height && whole.width === width) return whole.pixels
    const resize = Math.round(Math.max(height, width) / 0.875)
    return (await loadBinding().decodeImage(image, { channels, height, width, resize })).pixels
  }

  /** A short batch is filled with black images, whose answers nobody reads. */
  async #infer(images: readonly Uint8Array[]): Promise<Float64Array[]> {
    const { height, width, channels } = this.input
    const size = height * width * channels
    const batch = new Uint8Array(this.#session.batch * size)
    images.forEach((pixels, index) => batch.set(pixels, index * size))
    const probabilities = await this.#session.infer({ images: batch })
    const { classes } = this.#session
    return images.map((_, index) => probabilities.subarray(index * classes, (index + 1) * classes))
  }
}

/** What a session has to know of its images, as the file says; the set itself is empty. */
function imagesOf(path: string, { network, normalisation, classes = [] }: ModelDescription): ImageSet {
  if (normalisation === undefined) {
    throw new PreresnetError('ERR_FILE', `${path}: expected metadata "normalisation", got none; the network was trained on tensors and takes no images`)
  }
  const source = { kind: 'memory', images: new Uint8Array(0) } as const
  return { name: path, length: 0, classes, shape: network.input, labels: new Int32Array(0), source, normalisation }
}
