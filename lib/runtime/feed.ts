/** Where a session takes batches of images from. Loaders and datasets of lib/data are both; this room only says what it needs of them. */
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
    | { readonly kind: 'memory'; readonly images: Uint8Array; readonly resize?: number }
    | { readonly kind: 'files'; readonly paths: readonly string[]; readonly resize: number }
  /** Per channel, of values in 0..1. */
  readonly normalisation: { readonly mean: readonly number[]; readonly deviation: readonly number[] }
}

/** Batches of images; every loader is one. */
export interface Feed {
  readonly dataset: ImageSet
  readonly mode: 'train' | 'evaluate'
  readonly batch: number
  /** Border of zeros in which the crop is placed. */
  readonly pad: number
  readonly native: NativeLoader
}

/** One pass in order; the last batch is filled up with samples that do not count. `pad` is the training's: the crop is the centre. */
export function evaluationFeed(dataset: ImageSet, { batch, pad, workers }: Pick<LoaderDescription, 'batch' | 'pad' | 'workers'>): Feed {
  integer('workers', workers, 1, 256)
  if (dataset.length === 0) throw new PreresnetError('ERR_DATASET', `${dataset.name}: expected at least one image, got none`)
  const { labels, source, shape } = dataset
  const mode = 'evaluate'
  const native = loadBinding().createLoader({ ...shape, source: { ...source, labels }, batch, mode, seed: 0, pad, flip: false, workers, slots: 4 })
  return { dataset, mode, batch, pad, native }
}
