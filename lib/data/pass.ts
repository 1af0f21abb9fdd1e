/** Samples once, in their order, on the threads of a loader: for what needs the batches one after another, and no random steps. */
import { unlessAborted } from '../abort.js'
import { PreresnetError } from '../errors.js'
import { loadBinding } from '../native/load.js'
import type { DecodeSettings, NativeLoader } from '../native/types.js'
import { corruptImages } from './corrupt.js'
import { sampleCount, type CorruptImage, type FileSource, type ImageShape } from './dataset.js'
import { nativeSource } from './native_source.js'
import type { Reading } from './reading.js'

interface PassOptions extends Reading {
  readonly shape: ImageShape
  readonly decode: DecodeSettings
  readonly batch: number
}

/** Lasts until the next one is asked for. */
export interface PassBatch {
  /** Of a whole batch, [image][row][column][channel]. */
  readonly images: Uint8Array
  /** -1 where an image could not be decoded, and behind the last one. */
  readonly labels: Int32Array
  /** The sample that it begins with. */
  readonly first: number
  readonly count: number
}

export class Pass implements AsyncDisposable {
  readonly #loader: NativeLoader
  readonly #samples: number
  readonly #batch: number
  readonly #signal: AbortSignal | undefined

  constructor(source: FileSource, labels: Int32Array, { shape, decode, batch, workers, signal, corrupt = 'error' }: PassOptions) {
    this.#samples = sampleCount(source)
    this.#batch = batch
    this.#signal = signal
    this.#loader = loadBinding().createLoader({
      source: nativeSource(source, labels),
      decode,
      ...shape,
      batch,
      mode: 'evaluate',
      seed: 0,
      pad: 0,
      flip: false,
      workers,
      slots: 4,
      skipCorrupt: corrupt === 'skip',
    })
  }

  async *batches(): AsyncGenerator<PassBatch, void, void> {
    for (let first = 0; first < this.#samples; first += this.#batch) {
      const held = await unlessAborted(this.#loader.acquire(first / this.#batch), this.#signal)
      if (held === null) throw new PreresnetError('ERR_INTERNAL', `expected the batch that begins with sample ${first}, got the end`)
      try {
        yield { images: held.images, labels: held.labels, first, count: Math.min(this.#batch, this.#samples - first) }
      } finally {
        this.#loader.release(held.ticket)
      }
    }
  }

  /** Of the batches so far; none unless they are skipped. Their pixels are zeros. */
  get corrupt(): readonly CorruptImage[] {
    return corruptImages(this.#loader.corrupt())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loader.close()
  }
}
