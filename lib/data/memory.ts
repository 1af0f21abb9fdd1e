import { PreresnetError } from '../errors.js'
import { describe, integer, invalid, knownKeys, string } from '../options/values.js'
import type { Dataset } from './dataset.js'
import { imagesFingerprint } from './fingerprint.js'

/** The options of `memoryDataset` are these. */
export interface MemoryDatasetOptions {
  /** Pixels are bytes [image][row][column][channel]; they are not copied, and not to be changed afterwards. */
  readonly images: Uint8Array
  /** The class of each image [samples] is an index from 0 to classes - 1. */
  readonly labels: Int32Array | readonly number[]
  /** The number of rows is at least 1, in pixels. */
  readonly height: number
  /** The number of columns is at least 1, in pixels. */
  readonly width: number
  /** The number of channels is at least 1. */
  readonly channels: number
  /** The names of the classes, or the number of classes, at least 1. */
  readonly classes: readonly string[] | number
  /** The name of the dataset, for people and manifests. @default 'memory' */
  readonly name?: string
}

/**
 * Makes a dataset of one's own pixels.
 * @param options - The pixels, their size, labels and classes.
 * @throws ERR_OPTION where an option is unknown or malformed.
 * @throws ERR_DATASET where a label is out of range, or sizes do not fit.
 */
export async function memoryDataset(options: MemoryDatasetOptions): Promise<Dataset> {
  const where = 'memoryDataset'
  knownKeys(where, options, ['images', 'labels', 'height', 'width', 'channels', 'classes', 'name'])
  const { images, name = 'memory' } = options
  string(`${where}: name`, name)
  if (!(images instanceof Uint8Array)) throw invalid(`${where}: images`, 'a Uint8Array', images)
  const shape = {
    height: integer(`${where}: height`, options.height, 1),
    width: integer(`${where}: width`, options.width, 1),
    channels: integer(`${where}: channels`, options.channels, 1),
  }
  const classes = classNames(where, options.classes)
  if (!Array.isArray(options.labels) && !ArrayBuffer.isView(options.labels))
    throw invalid(`${where}: labels`, 'an Int32Array or an array of numbers', options.labels)
  const labels = checkedLabels(name, options.labels, classes.length)
  if (labels.length === 0) throw new PreresnetError('ERR_DATASET', `${name}: expected at least one image, got none`)
  const expected = labels.length * shape.height * shape.width * shape.channels
  if (images.length !== expected) {
    throw new PreresnetError(
      'ERR_DATASET',
      `${name}: expected ${expected} bytes for ${labels.length} images of ${shape.height} x ${shape.width} x ${shape.channels}, got ${images.length}`,
    )
  }
  const fingerprint = await imagesFingerprint(images, labels, shape)
  return { name, length: labels.length, classes, labels, source: { kind: 'memory', images, shape }, fingerprint }
}

function classNames(where: string, classes: unknown): readonly string[] {
  if (typeof classes === 'number') return Array.from({ length: integer(`${where}: classes`, classes, 1) }, (_, index) => String(index))
  if (Array.isArray(classes) && classes.length > 0 && classes.every((name) => typeof name === 'string')) return classes
  throw invalid(`${where}: classes`, 'names or a number', classes)
}

/** A copy as Int32Array. Throws ERR_DATASET for a label that is no class. */
function checkedLabels(name: string, labels: ArrayLike<number>, classes: number): Int32Array {
  const bad = Array.prototype.findIndex.call(labels, (label) => !(Number.isInteger(label) && label >= 0 && label < classes))
  if (bad >= 0) throw new PreresnetError('ERR_DATASET', `${name}: label of image ${bad}: expected 0 to ${classes - 1}, got ${describe(labels[bad])}`)
  return Int32Array.from(labels)
}
