import { PreresnetError } from '../errors.js'
import { checkOptions, withDefaults } from '../options/check.js'
import { fields, integer, invalid } from '../options/values.js'
import { loadBinding } from '../native/load.js'
import type { ValuesOf } from '../options/spec.js'
import type { HeldBatch, NativeLoader } from '../native/types.js'
import { checkDataset } from './check.js'
import { corruptImages } from './corrupt.js'
import { shapeOf, type CorruptImage, type Dataset, type ImageShape } from './dataset.js'
import { HeldRingBatch } from './held_batch.js'
import type { LoadedBatch } from './loaded_batch.js'
import { nativeSource } from './native_source.js'
import { loaderOptions, type LoaderOptions } from './options.js'
import { nativeAugmentation } from './prepare/native_augmentations.js'
import { checkStored } from './prepare/complete.js'
import type { Preparation } from './prepare/preparation.js'
import { checkPreparation, padOf, sequenceFor } from './prepare/sequence.js'
import type { RingBatch } from './ring_batch.js'

/** A loader gives batches for a loop of one's own. What batch `index` holds depends on the dataset and the options (but for workers and slots) alone. */
export interface Loader extends AsyncDisposable {
  /** The batches are of this dataset. */
  readonly dataset: Dataset
  /** The number of images of a batch is at least 1; of several ranks, this one's share. */
  readonly batch: number
  /** For 'train' batches are shuffled and have no end, for 'evaluate' they are in order and count every image once. */
  readonly mode: 'train' | 'evaluate'
  /** The images have this size once they are cropped. */
  readonly input: ImageShape
  /** The images are prepared in this way. */
  readonly prepare: Preparation
  /** The border of zeros in which `crops` lies is at least 0 pixels wide. */
  readonly pad: number
  /** Whether batches say what is mixed into each image: with `mixup` or `cutmix`. */
  readonly mixes: boolean
  /** The number of groups of a batch of all ranks, of which images are mixed, is at least 1. */
  readonly groups: number
  /** The number of batches of an epoch is at least 1, and the same for all ranks. */
  readonly batches: number
  /** The number of images of an epoch that are this rank's is at least 0. */
  readonly samples: number
  /** The number of this loader among `ranks` is at least 0. */
  readonly rank: number
  /** The number of loaders that share each batch is at least 1. */
  readonly ranks: number
  /** A loop over the loader begins with this sample of the endless order, at least 0. */
  readonly firstSample: number
  /** A loop over the loader begins with this batch, at least 0: the one that has `firstSample`. */
  readonly firstBatch: number
  /** With `corrupt: 'skip'`, the images that could not be decoded, of the batches that were given so far: each once, in the order of the dataset. */
  readonly corruptImages: readonly CorruptImage[]
  /** @internal What sessions read: batches in place, without copies. */
  readonly native: NativeLoader
  /**
   * Gives a copy of a batch; null after the last one of an evaluation.
   * @param index - The batch is counted over all epochs, from 0 up to 2^53 - 1.
   * @throws ERR_FILE where an image cannot be read.
   * @throws ERR_IMAGE where one cannot be decoded, and `corrupt` is 'error'.
   * @throws ERR_DISPOSED after `close()`.
   */
  next(index: number): Promise<LoadedBatch | null>
  /**
   * Gives all batches from one on, one after another, where they lie in the ring. Each lasts until the loop asks for the next one or is left.
   * @param first - The first batch is counted over all epochs, from 0 up to 2^53 - 1.
   * @throws ERR_FILE where an image cannot be read.
   * @throws ERR_IMAGE where one cannot be decoded, and `corrupt` is 'error'.
   * @throws ERR_DISPOSED after `close()`.
   */
  from(first: number): AsyncGenerator<RingBatch, void, void>
  /** Gives `from(firstBatch)`: `for await (const batch of loader)`. */
  [Symbol.asyncIterator](): AsyncGenerator<RingBatch, void, void>
  /** Stops the threads, releases all batches and frees their memory. */
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
  const {
    batch,
    mode,
    input,
    prepare,
    seed,
    workers,
    slots,
    rank,
    ranks,
    firstSample,
    corrupt,
    sampling,
    repeatedAugmentation: repeats,
    mixup,
    cutmix,
    groups,
  } = validated(dataset, options)
  checkPreparation('loader: prepare', prepare, input)
  const sequence = sequenceFor('loader: prepare', prepare, mode, input)
  checkStored('loader', dataset, sequence, input)
  const pad = padOf(prepare)
  const native = loadBinding().createLoader({
    source: nativeSource(dataset.source, dataset.labels),
    decode: sequence.decode,
    augmentations: sequence.augmentations.map(nativeAugmentation),
    ...input,
    batch: batch / ranks,
    rank,
    ranks,
    firstSample,
    mode,
    seed,
    balanced: sampling === 'balanced',
    repeats,
    groups,
    mixup,
    cutmix,
    pad,
    flip: sequence.flip,
    workers,
    slots,
    skipCorrupt: corrupt === 'skip',
    poison: process.env['PRERESNET_POISON'] === '1',
  })
  return new BatchLoader({ dataset, mode, input, prepare, pad, mixes: mixup > 0 || cutmix > 0, groups, rank, ranks, firstSample, native })
}

function validated(dataset: Dataset, options: LoaderOptions): Required<LoaderOptions> {
  checkDataset('loader', dataset)
  const given = withDefaults(loaderOptions, checkOptions('loader', loaderOptions, options))
  const input = given.input ?? inputOf(dataset)
  const { batch, mode, rank, ranks, firstSample } = given
  if (batch % ranks !== 0) throw new PreresnetError('ERR_OPTION', `loader: batch: expected a multiple of ranks (${ranks}), got ${batch}`)
  if (mode === 'evaluate' && given.sampling === 'balanced') throw invalid('loader: sampling', "'shuffled': evaluation takes each image once", given.sampling)
  checkGroups(given)
  integer('loader: rank', rank, 0, ranks - 1)
  if (mode === 'evaluate') integer('loader: firstSample', firstSample, 0, dataset.length - 1)
  if (mode === 'train' && dataset.length < batch) {
    throw new PreresnetError('ERR_DATASET', `${dataset.name}: expected at least one batch of ${batch} images, got ${dataset.length} images`)
  }
  return { ...given, input }
}

/** Partners of a mix are of one group, and a group is of one rank. */
function checkGroups({ mode, batch, ranks, groups, mixup, cutmix, repeatedAugmentation: repeats }: ValuesOf<typeof loaderOptions>): void {
  const mixes = mixup > 0 || cutmix > 0
  for (const [name, value, none] of [
    ['mixup', mixup, 0],
    ['cutmix', cutmix, 0],
    ['repeatedAugmentation', repeats, 1],
  ] as const)
    // prettier-ignore
    if (mode === 'evaluate' && value !== none) throw invalid(`loader: ${name}`, `${none}: evaluation takes each image once, as it is`, value)
  if (batch % groups !== 0) throw invalid('loader: groups', `a divisor of the batch (${batch})`, groups)
  if ((mixes || repeats > 1) && groups % ranks !== 0) throw invalid('loader: groups', `a multiple of ranks (${ranks})`, groups)
  if (mixes && batch / groups < 2) throw invalid('loader: groups', `at most ${batch / 2}: the image that is mixed into another is of the same group`, groups)
}

function inputOf({ name, source }: Dataset): ImageShape {
  const shape = shapeOf(source)
  if (shape !== undefined) return shape
  throw new PreresnetError('ERR_OPTION', `loader: input: expected the network's input, which says what size the images of ${name} get, got none`)
}

/** ERR_OPTION for what is neither a dataset nor a loader. */
export function checkDatasetOrLoader(where: string, value: unknown): Dataset | Loader {
  const { native, dataset } = fields(value)
  return native === undefined || dataset === undefined ? checkDataset(where, value) : (value as Loader)
}

/** What a loader is made of. */
type Made = Pick<Loader, 'dataset' | 'mode' | 'input' | 'prepare' | 'pad' | 'mixes' | 'groups' | 'rank' | 'ranks' | 'firstSample' | 'native'>

class BatchLoader implements Loader {
  readonly dataset: Dataset
  readonly batch: number
  readonly mode: 'train' | 'evaluate'
  readonly input: ImageShape
  readonly prepare: Preparation
  readonly pad: number
  readonly mixes: boolean
  readonly groups: number
  readonly batches: number
  readonly samples: number
  readonly rank: number
  readonly ranks: number
  readonly firstSample: number
  readonly native: NativeLoader
  readonly #held = new Set<HeldRingBatch>()
  /** What was known when it was closed. */
  #corrupt: readonly CorruptImage[] | undefined

  constructor({ dataset, mode, input, prepare, pad, mixes, groups, rank, ranks, firstSample, native }: Made) {
    this.dataset = dataset
    this.batch = native.batch
    this.mode = mode
    this.input = input
    this.prepare = prepare
    this.pad = pad
    this.mixes = mixes
    this.groups = groups
    this.batches = native.batches
    this.samples = native.samples
    this.rank = rank
    this.ranks = ranks
    this.firstSample = firstSample
    this.native = native
  }

  get firstBatch(): number {
    return Math.floor(this.firstSample / this.#whole)
  }

  get corruptImages(): readonly CorruptImage[] {
    return this.#corrupt ?? corruptImages(this.native.corrupt())
  }

  next(index: number): Promise<LoadedBatch | null> {
    return this.#copy(integer('loader: batch index', index, 0))
  }

  async *from(first: number): AsyncGenerator<RingBatch, void, void> {
    for (let index = integer('loader: batch index', first, 0); this.mode === 'train' || index < this.batches; index++) {
      using batch = await this.#hold(index)
      yield batch
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<RingBatch, void, void> {
    return this.from(this.firstBatch)
  }

  async close(): Promise<void> {
    this.#corrupt ??= corruptImages(this.native.corrupt())
    for (const batch of this.#held) batch.release()
    return this.native.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Of all ranks. */
  get #whole(): number {
    return this.batch * this.ranks
  }

  async #copy(index: number): Promise<LoadedBatch | null> {
    const held = await this.#acquire(index)
    if (held === null) return null
    const { images, labels, crops, mixes, count, ticket } = held
    const copy = images.slice()
    this.native.release(ticket)
    return { images: copy, labels, crops, ...(mixes && { mixes }), count }
  }

  /** Null where there is none or the loader was closed, also if that was after the batch came and before it is seen here: its memory has gone. */
  async #acquire(index: number): Promise<HeldBatch | null> {
    const held = await this.native.acquire(index)
    return this.#corrupt === undefined ? held : null
  }

  async #hold(index: number): Promise<HeldRingBatch> {
    const held = await this.#acquire(index)
    if (held === null) throw new PreresnetError('ERR_DISPOSED', 'the loader was closed')
    const end = (index + 1) * this.#whole + (this.firstSample % this.#whole)
    const nextSample = this.mode === 'train' ? end : Math.min(end, this.dataset.length)
    const batch = new HeldRingBatch({ index, nextSample }, held, () => {
      this.#held.delete(batch)
      this.native.release(held.ticket)
    })
    this.#held.add(batch)
    return batch
  }
}
