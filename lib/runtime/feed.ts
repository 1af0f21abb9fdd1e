/** Batches of a dataset as sessions read them: a loader of the addon and what the program has to know about its images. */
import { PreresnetError } from '../errors.js'
import { integer } from '../options.js'
import { loadBinding, type LoaderDescription, type NativeLoader } from './binding.js'

/** Labelled images; every dataset is one. */
export interface ImageSet {
  readonly name: string
  readonly length: number
  readonly classes: readonly string[]
  /** Of one image as the loader delivers it. */
  readonly shape: { readonly height: number; readonly width: number; readonly channels: number }
  readonly labels: Int32Array
  readonly source:
    { readonly kind: 'memory'; readonly images: Uint8Array } | { readonly kind: 'files'; readonly paths: readonly string[]; readonly resize: number }
  /** Per channel, of values in 0..1. */
  readonly normalisation: { readonly mean: readonly number[]; readonly deviation: readonly number[] }
}

export interface Feed extends AsyncDisposable {
  readonly dataset: ImageSet
  readonly mode: 'train' | 'evaluate'
  readonly batch: number
  /** Border of zeros in which the crop is placed. */
  readonly pad: number
  readonly native: NativeLoader
  close(): Promise<void>
}

export interface TrainingFeedOptions {
  readonly batch: number
  readonly seed: number
  /** @default 0 */
  readonly pad?: number
  /** @default false */
  readonly flip?: boolean
  /** Threads that decode and augment. @default 1 */
  readonly workers?: number
  /** Batches kept ready. @default 4 */
  readonly slots?: number
}

/** Endless; the order is a function of seed and epoch, crop and mirror of seed, epoch and place. Drops the last short batch. */
export function trainingFeed(dataset: ImageSet, options: TrainingFeedOptions): Feed {
  const { batch, seed, pad = 0, flip = false, workers = 1, slots = 4 } = options
  return openFeed(dataset, { mode: 'train', batch, seed, pad, flip, workers, slots })
}

/** One pass in order; the last batch is filled up with samples that do not count. `pad` is the training's: the crop is the centre. */
export function evaluationFeed(dataset: ImageSet, options: { readonly batch: number; readonly pad?: number; readonly workers?: number }): Feed {
  const { batch, pad = 0, workers = 1 } = options
  return openFeed(dataset, { mode: 'evaluate', batch, seed: 0, pad, flip: false, workers, slots: 4 })
}

function openFeed(dataset: ImageSet, options: Omit<LoaderDescription, 'source' | 'height' | 'width' | 'channels'>): Feed {
  integer('workers', options.workers, 1, 256)
  integer('batch', options.batch, 1)
  if (dataset.length === 0) throw new PreresnetError('ERR_DATASET', `${dataset.name}: expected at least one image, got none`)
  if (options.mode === 'train' && options.batch > dataset.length) {
    throw new PreresnetError('ERR_DATASET', `${dataset.name}: expected at least one batch of ${options.batch} images, got ${dataset.length} images`)
  }
  const { labels, source, shape } = dataset
  const native = loadBinding().createLoader({ ...options, ...shape, source: { ...source, labels } })
  const close = (): Promise<void> => native.close()
  return { dataset, mode: options.mode, batch: options.batch, pad: options.pad, native, close, [Symbol.asyncDispose]: close }
}
