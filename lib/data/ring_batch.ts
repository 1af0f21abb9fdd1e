import type { LoadedBatch } from './loaded_batch.js'

/**
 * A batch lies in the memory that the loader's threads fill: nothing was copied. It is released by `release()`, by `using`, by the next turn of the loop that gave it and
 * by leaving the loop. From then on its members and every call that takes it throw ERR_DISPOSED, and a `Uint8Array` taken before shows what the threads
 * write there next.
 */
export interface RingBatch extends LoadedBatch, Disposable {
  /** The number of the batch, counted over all epochs, is at least 0. */
  readonly index: number
  /** The number of each image [batch] in the dataset is from 0 to length - 1; -1 is for places that have none. */
  readonly indices: Int32Array
  /** A loader with this `firstSample` goes on behind the batch, whatever its ranks; at least 1. */
  readonly nextSample: number
  /** Whether it was released. */
  readonly released: boolean
  /** Gives a copy, which stays. */
  copy(): LoadedBatch
  /** Hands the memory back to the threads. Once more does nothing. */
  release(): void
}
