import { PreresnetError } from '../errors.js'
import { integer, invalid, knownKeys, string } from '../options/values.js'
import type { Dataset } from './dataset.js'
import { imagesFingerprint } from './fingerprint.js'
import { checkedLabels, classNames } from './labels.js'

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
  const labels = checkedLabels(where, name, options.labels, classes.length)
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
