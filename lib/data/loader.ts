import { PreresnetError } from '../errors.js'
import { boolean, fields, integer, knownKeys, oneOf } from '../options.js'
import { loadBinding } from '../native/load.js'
import type { NativeLoader } from '../native/types.js'
import { checkDataset } from './check.js'
import { described } from './described.js'
import type { Dataset } from './dataset.js'

export interface LoaderOptions {
  readonly batch: number
  /**
   * train: shuffled anew in every epoch, cropped and mirrored at random, the short last batch dropped, endless.
   * evaluate: in order, the last batch filled up with images that do not count. @default 'train'
   */
  readonly mode?: 'train' | 'evaluate'
  /** @default 0 */
  readonly seed?: number
  /** Border of zeros in which the crop is placed. @default 0 */
  readonly pad?: number
  /** Mirror half of the images. @default false */
  readonly flip?: boolean
  /** Threads that decode and augment. @default 1 */
  readonly workers?: number
  /** Batches kept ready. @default 4 */
  readonly slots?: number
}

export interface LoadedBatch {
  /** Pixels as they are stored, [image][row][column][channel]: `placement` is still to be applied. */
  readonly images: Uint8Array
  /** -1 for images that do not count. */
  readonly labels: Int32Array
  /** Per image: top and left of the crop in the padded image, and 1 where it is mirrored. */
  readonly placement: Int32Array
  /** Images that count. */
  readonly count: number
}

/** Batches for a loop of one's own. What batch `index` holds depends on the dataset and the options (but for workers and slots) alone. */
export interface Loader extends AsyncDisposable {
  readonly dataset: Dataset
  readonly batch: number
  readonly mode: 'train' | 'evaluate'
  /** Border of zeros in which `placement` places the crop. */
  readonly pad: number
  /** Of an epoch. */
  readonly batches: number
  /** @internal What sessions read: batches in place, without copies. */
  readonly native: NativeLoader
  /** Batch `index`, counted from 0 over all epochs; null after the last one of an evaluation. Copies. */
  next(index: number): Promise<LoadedBatch | null>
  /** All batches from `first` on, one after another. */
  from(first: number): AsyncGenerator<LoadedBatch, void, void>
  close(): Promise<void>
}

/** Throws ERR_OPTION, and ERR_DATASET when training has fewer images than a batch. */
export function loader(dataset: Dataset, options: LoaderOptions): Loader {
  const { batch, mode, seed, pad, flip, workers, slots } = validated(dataset, options)
  const { shape, labels, source } = dataset
  const native = loadBinding().createLoader({ ...described(source, labels), ...shape, batch, mode, seed, pad, flip, workers, slots })
  const batches = mode === 'train' ? Math.floor(dataset.length / batch) : Math.ceil(dataset.length / batch)
  return new BatchLoader(dataset, batch, mode, pad, batches, native)
}

function validated(dataset: Dataset, options: LoaderOptions): Required<LoaderOptions> {
  checkDataset('loader', dataset)
  knownKeys('loader', options, ['batch', 'mode', 'seed', 'pad', 'flip', 'workers', 'slots'])
  const { mode = 'train', seed = 0, pad = 0, flip = false, workers = 1, slots = 4 } = options
  const result = {
    batch: integer('loader: batch', options.batch, 1),
    mode: oneOf('loader: mode', mode, ['train', 'evaluate'] as const),
    seed: integer('loader: seed', seed, 0),
    pad: integer('loader: pad', pad, 0, 4096),
    flip: boolean('loader: flip', flip),
    workers: integer('loader: workers', workers, 1, 256),
    slots: integer('loader: slots', slots, 2, 1024),
  }
  if (result.mode === 'train' && dataset.length < result.batch) {
    throw new PreresnetError('ERR_DATASET', `${dataset.name}: expected at least one batch of ${result.batch} images, got ${dataset.length} images`)
  }
  return result
}

/** ERR_OPTION for what is neither a dataset nor a loader. */
export function checkDatasetOrLoader(where: string, value: unknown): Dataset | Loader {
  const { native, dataset } = fields(value)
  return native === undefined || dataset === undefined ? checkDataset(where, value) : (value as Loader)
}

class BatchLoader implements Loader {
  constructor(
    readonly dataset: Dataset,
    readonly batch: number,
    readonly mode: 'train' | 'evaluate',
    readonly pad: number,
    readonly batches: number,
    readonly native: NativeLoader,
  ) {}

  next(index: number): Promise<LoadedBatch | null> {
    return this.native.next(integer('loader: batch index', index, 0))
  }

  async *from(first: number): AsyncGenerator<LoadedBatch, void, void> {
    for (let index = first; ; index++) {
      const batch = await this.next(index)
      if (batch === null) return
      yield batch
    }
  }

  close(): Promise<void> {
    return this.native.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
