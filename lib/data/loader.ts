import { PreresnetError } from '../errors.js'
import { fields, integer, knownKeys, oneOf } from '../options/values.js'
import { runOptions, trainingOptions } from '../options/table.js'
import { loadBinding } from '../native/load.js'
import type { NativeLoader } from '../native/types.js'
import { checkDataset, readInput } from './check.js'
import type { Dataset, ImageShape } from './dataset.js'
import { checkStored } from './prepare/complete.js'
import { readPreparation, type Preparation } from './prepare/preparation.js'
import { checkPreparation, padOf, sequenceFor } from './prepare/sequence.js'

export interface LoaderOptions {
  readonly batch: number
  /** The network's input: what size its images have. @default that of images in memory */
  readonly input?: ImageShape
  /**
   * train: shuffled anew in every epoch, prepared by `prepare.train`, the short last batch dropped, endless.
   * evaluate: in order, prepared by `prepare.evaluate`, the last batch filled up with images that do not count. @default 'train'
   */
  readonly mode?: 'train' | 'evaluate'
  /** A list that is missing is empty: files have the size of the input. @default {} */
  readonly prepare?: Preparation
  /** @default 0 */
  readonly seed?: number
  /** Threads that decode and prepare. @default 1 */
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
  /** Of the images. */
  readonly input: ImageShape
  readonly prepare: Preparation
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
  const { batch, mode, input, prepare, seed, workers, slots } = validated(dataset, options)
  checkPreparation('loader: prepare', prepare, input)
  const sequence = sequenceFor('loader: prepare', prepare, mode, input)
  checkStored('loader', dataset, sequence.fixed, input)
  const { labels, source } = dataset
  const pad = padOf(prepare)
  const native = loadBinding().createLoader({
    source: { ...source, labels },
    decode: sequence.decode,
    ...input,
    batch,
    mode,
    seed,
    pad,
    flip: sequence.flip,
    workers,
    slots,
  })
  const batches = mode === 'train' ? Math.floor(dataset.length / batch) : Math.ceil(dataset.length / batch)
  return new BatchLoader(dataset, batch, mode, input, prepare, pad, batches, native)
}

function validated(dataset: Dataset, options: LoaderOptions): Required<LoaderOptions> {
  checkDataset('loader', dataset)
  knownKeys('loader', options, ['batch', 'input', 'mode', 'prepare', 'seed', 'workers', 'slots'])
  const { mode = 'train', prepare = {}, seed = 0, workers = 1, slots = 4 } = options
  const input = inputOf(dataset, options.input)
  const result = {
    batch: runOptions.batch.read('loader: batch', options.batch),
    mode: oneOf('loader: mode', mode, ['train', 'evaluate'] as const),
    input,
    prepare: readPreparation('loader: prepare', prepare),
    seed: trainingOptions.seed.read('loader: seed', seed),
    workers: runOptions.workers.read('loader: workers', workers),
    slots: integer('loader: slots', slots, 2, 1024),
  }
  if (result.mode === 'train' && dataset.length < result.batch) {
    throw new PreresnetError('ERR_DATASET', `${dataset.name}: expected at least one batch of ${result.batch} images, got ${dataset.length} images`)
  }
  return result
}

function inputOf({ name, source }: Dataset, given: ImageShape | undefined): ImageShape {
  if (given !== undefined) return readInput('loader: input', given)
  if (source.kind === 'memory') return source.shape
  throw new PreresnetError('ERR_OPTION', `loader: input: expected the network's input, which says what size the images of ${name} get, got none`)
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
    readonly input: ImageShape,
    readonly prepare: Preparation,
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
