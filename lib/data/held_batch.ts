/** A batch where it lies in a loader's ring, for as long as it is held. */
import { PreresnetError } from '../errors.js'
import type { HeldBatch } from '../native/types.js'
import type { LoadedBatch } from './loaded_batch.js'
import type { RingBatch } from './ring_batch.js'

interface Place {
  readonly index: number
  readonly nextSample: number
}

/** Members are getters, not keys of its own: calls that take a batch refuse keys that they do not know. */
export class HeldRingBatch implements RingBatch {
  readonly #place: Place
  #held: HeldBatch | undefined
  readonly #release: () => void

  constructor(place: Place, held: HeldBatch, release: () => void) {
    this.#place = place
    this.#held = held
    this.#release = release
  }

  get #alive(): HeldBatch {
    if (this.#held === undefined)
      throw new PreresnetError(
        'ERR_DISPOSED',
        `batch ${this.index}: expected a batch that is held, got one that was released; a batch of a loop lasts one turn of it: copy() gives one that stays`,
      )
    return this.#held
  }

  get index(): number {
    return this.#place.index
  }

  get nextSample(): number {
    return this.#place.nextSample
  }

  get images(): Uint8Array {
    return this.#alive.images
  }

  get labels(): Int32Array {
    return this.#alive.labels
  }

  get crops(): Int32Array {
    return this.#alive.crops
  }

  get mixes(): Int32Array | undefined {
    return this.#alive.mixes
  }

  get indices(): Int32Array {
    return this.#alive.indices
  }

  get count(): number {
    return this.#alive.count
  }

  get released(): boolean {
    return this.#held === undefined
  }

  copy(): LoadedBatch {
    const { images, labels, crops, mixes, count } = this.#alive
    return { images: images.slice(), labels: labels.slice(), crops: crops.slice(), ...(mixes && { mixes: mixes.slice() }), count }
  }

  release(): void {
    if (this.#held === undefined) return
    this.#held = undefined
    this.#release()
  }

  [Symbol.dispose](): void {
    this.release()
  }
}
