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

/** A batch that a loader gives has images, labels and where to crop. */
export interface LoadedBatch {
  /** Pixels are bytes as they are stored, [image][row][column][channel]: `crops` is still to be applied. */
  readonly images: Uint8Array
  /** The class of each image [batch] is from 0 to classes - 1; -1 is for images that do not count. */
  readonly labels: Int32Array
  /** Per image [batch, 3]: top and left of the crop in the padded image, in pixels, and 1 where it is mirrored. */
  readonly crops: Int32Array
  /** The number of images that count is from 1 to the batch. */
  readonly count: number
}

/** A loader gives batches for a loop of one's own. What batch `index` holds depends on the dataset and the options (but for workers and slots) alone. */
export interface Loader extends AsyncDisposable {
  /** The batches are of this dataset. */
  readonly dataset: Dataset
  /** The number of images of a batch is at least 1. */
  readonly batch: number
  /** For 'train' batches are shuffled and have no end, for 'evaluate' they are in order and count every image once. */
  readonly mode: 'train' | 'evaluate'
  /** The images have this size once they are cropped. */
  readonly input: ImageShape
  /** The images are prepared in this way. */
  readonly prepare: Preparation
  /** The border of zeros in which `crops` lies is at least 0 pixels wide. */
  readonly pad: number
  /** The number of batches of an epoch is at least 1. */
  readonly batches: number
  /** @internal What sessions read: batches in place, without copies. */
  readonly native: NativeLoader
  /**
   * Gives a copy of a batch; null after the last one of an evaluation.
   * @param index - The batch is counted over all epochs, from 0 up to 2^53 - 1.
   * @throws ERR_FILE where an image cannot be read.
   * @throws ERR_IMAGE where one cannot be decoded.
   * @throws ERR_DISPOSED after `close()`.
   */
  next(index: number): Promise<LoadedBatch | null>
  /**
   * Gives all batches from one on, one after another.
   * @param first - The first batch is counted over all epochs, from 0 up to 2^53 - 1.
   * @throws ERR_FILE where an image cannot be read.
   * @throws ERR_IMAGE where one cannot be decoded.
   * @throws ERR_DISPOSED after `close()`.
   */
  from(first: number): AsyncGenerator<LoadedBatch, void, void>
  /** Stops the threads and frees the batches. */
  close(): Promise<void>
}

/**
 * Makes a loader of a dataset, with threads of its own that decode and prepare.
 * @param dataset - Where the images come from.
 * @param options - The batch, whether it trains or evaluates, and how images are prepared.
 * @throws ERR_OPTION where an option is unknown or out of range, or the images do not have the size of the input.
 * @throws ERR_DATASET where training has fewer images than a batch.
 * @throws ERR_BINDING where the native addon is missing.
 */
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
