import { PreresnetError } from '../errors.js'
import { checkOptions, withDefaults } from '../options/check.js'
import { fields, integer } from '../options/values.js'
import { loadBinding } from '../native/load.js'
import type { NativeLoader } from '../native/types.js'
import { checkDataset } from './check.js'
import type { Dataset, ImageShape } from './dataset.js'
import { loaderOptions, type LoaderOptions } from './options.js'
import { checkStored } from './prepare/complete.js'
import type { Preparation } from './prepare/preparation.js'
import { checkPreparation, padOf, sequenceFor } from './prepare/sequence.js'

export interface LoadedBatch {
  /** Pixels as they are stored, [image][row][column][channel]: `crops` is still to be applied. */
  readonly images: Uint8Array
  /** -1 for images that do not count. */
  readonly labels: Int32Array
  /** Per image: top and left of the crop in the padded image, and 1 where it is mirrored. */
  readonly crops: Int32Array
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
  /** Border of zeros in which `crops` lies. */
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
  const given = withDefaults(loaderOptions, checkOptions('loader', loaderOptions, options))
  const input = given.input ?? inputOf(dataset)
  if (given.mode === 'train' && dataset.length < given.batch) {
    throw new PreresnetError('ERR_DATASET', `${dataset.name}: expected at least one batch of ${given.batch} images, got ${dataset.length} images`)
  }
  return { ...given, input }
}

/** Images in memory have a size. */
function inputOf({ name, source }: Dataset): ImageShape {
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
