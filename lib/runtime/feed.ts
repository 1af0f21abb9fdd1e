/** Where a session takes batches of images from. Loaders and datasets of lib/data are both; this room only says what it needs of them. */
import { PreresnetError } from '../errors.js'
import { fields, integer, invalid } from '../options.js'
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

/** ERR_OPTION for what is no dataset; says what to do where it can be told what it is. */
export function checkDataset(where: string, value: unknown): ImageSet {
  const { labels, source, shape, classes, train, test } = fields(value)
  if (train !== undefined && test !== undefined) throw new PreresnetError('ERR_OPTION', `${where}: expected a dataset, got { train, test }: choose one of them`)
  if (!(labels instanceof Int32Array) || !Array.isArray(classes) || source === undefined || shape === undefined) throw invalid(where, 'a dataset', value)
  return value as ImageSet
}

/** The same of what may be a loader instead. */
export function checkDatasetOrFeed(where: string, value: unknown): ImageSet | Feed {
  const { native, dataset } = fields(value)
  return native === undefined || dataset === undefined ? checkDataset(where, value) : (value as Feed)
}

/**
 * Classes are compared by name: a class that another data set calls otherwise, or has at another place, would be counted as wrong, or worse, as right.
 * `whose`: what the expected ones are of; `remedy`: the end of the message.
 */
export function checkClasses(name: string, classes: readonly string[], whose: string, expected: readonly string[] | undefined, remedy = ''): void {
  if (expected === undefined) return
  const length = Math.max(classes.length, expected.length)
  const at = Array.from({ length }, (_, index) => index).find((index) => classes[index] !== expected[index])
  if (at === undefined) return
  const shown = (names: readonly string[]): string => (names.length > 10 ? `${names.slice(0, 10).join(', ')} ... (${names.length})` : names.join(', '))
  const first = `${JSON.stringify(expected[at] ?? 'none')} and ${JSON.stringify(classes[at] ?? 'none')}`
  throw new PreresnetError(
    'ERR_DATASET',
    `${name}: expected the classes of ${whose} (${shown(expected)}), got ${shown(classes)}; the first that differs is class ${at}: ${first}${remedy}`,
  )
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
