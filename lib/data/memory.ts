import { PreresnetError } from '../errors.js'
import { describe, integer, invalid, knownKeys, string } from '../options/values.js'
import type { Dataset } from './dataset.js'
import { imagesFingerprint } from './fingerprint.js'

export interface MemoryDatasetOptions {
  /** [image][row][column][channel]; not copied, and not to be changed afterwards. */
  readonly images: Uint8Array
  /** One of 0 ... classes - 1 for each image. */
  readonly labels: Int32Array | readonly number[]
  readonly height: number
  readonly width: number
  readonly channels: number
  /** Names, or how many there are. */
  readonly classes: readonly string[] | number
  /** @default 'memory' */
  readonly name?: string
}

/** A dataset of one's own pixels. Throws ERR_OPTION, and ERR_DATASET for labels that are out of range or sizes that do not fit. */
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
