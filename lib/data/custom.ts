/** Images that a function of one's own gives. */
import { createHash } from 'node:crypto'
import { PreresnetError } from '../errors.js'
import { checkOptions, pick, withDefaults } from '../options/check.js'
import type { Given } from '../options/spec.js'
import { integer, invalid, knownKeys, string } from '../options/values.js'
import { readInput } from './check.js'
import type { Dataset, ImageShape, ReadSample } from './dataset.js'
import { labelsFingerprint } from './fingerprint.js'
import { checkedLabels, classNames } from './labels.js'
import { customOptions } from './options.js'

/** The options of `customDataset` are these. */
export interface CustomDatasetOptions extends Given<typeof customOptions> {
  /** The number of samples is at least 1. */
  readonly length: number
  /** The class of each sample [length] is an index from 0 to classes - 1. */
  readonly labels: Int32Array | readonly number[]
  /** This function gives the bytes of a sample. */
  readonly read: ReadSample
  /** The names of the classes, or the number of classes, at least 1. @default the largest label + 1 */
  readonly classes?: readonly string[] | number
  /** `read` gives pixels of this size, of 1 or 3 channels. @default undefined: it gives JPEG, PNG or WebP files */
  readonly pixels?: ImageShape
  /** The name of the dataset, for people, errors and manifests. @default 'custom' */
  readonly name?: string
  /** Another text says that these are other images: a run is only resumed with the same name, version and labels. @default '' */
  readonly version?: string
}

const where = 'customDataset'
const own = ['length', 'labels', 'read', 'classes', 'pixels', 'name', 'version']

/**
 * Makes a dataset of images that a function gives, one at a time, wherever it has them from. They are decoded, shuffled and prepared as files are, and a run that
 * stops goes on with the same batches. A read that rejects, gives too little or takes longer than `timeout` ends the batch with an error that names the sample.
 * @param options - The number of samples, their labels, and the function that reads one.
 * @throws ERR_OPTION where an option is unknown or malformed.
 * @throws ERR_DATASET where a label is out of range, or there are not as many as samples.
 */
export function customDataset(options: CustomDatasetOptions): Dataset {
  knownKeys(where, options, [...own, ...Object.keys(customOptions)])
  const { read, name = 'custom', version = '' } = options
  const { reads, timeout } = withDefaults(customOptions, checkOptions(where, customOptions, pick(customOptions, options)))
  const length = integer(`${where}: length`, options.length, 1, 2 ** 31 - 1)
  if (typeof read !== 'function') throw invalid(`${where}: read`, 'a function', read)
  string(`${where}: name`, name)
  if (typeof version !== 'string') throw invalid(`${where}: version`, 'a string', version)
  const { classes, labels } = labeled(name, options)
  if (labels.length !== length) throw new PreresnetError('ERR_DATASET', `${name}: expected ${length} labels, as there are samples, got ${labels.length}`)
  const pixels = options.pixels === undefined ? undefined : readPixels(options.pixels)
  const index = Int32Array.from({ length }, (_, sample) => sample)
  const fingerprint = labelsFingerprint(createHash('sha256').update(`custom\0${name}\0${version}\0`), labels)
  return { name, length, classes, labels, source: { kind: 'custom', name, read, index, ...(pixels && { pixels }), reads, timeout }, fingerprint }
}

/** Without names, classes are as many as the largest label says. */
const mostClasses = 2 ** 20

function labeled(name: string, { labels, classes }: CustomDatasetOptions): { classes: readonly string[]; labels: Int32Array } {
  const given = classes === undefined ? undefined : classNames(where, classes)
  const checked = checkedLabels(where, name, labels, given?.length ?? mostClasses)
  return { classes: given ?? classNames(where, checked.reduce((most, label) => Math.max(most, label), 0) + 1), labels: checked }
}

function readPixels(value: ImageShape): ImageShape {
  const shape = readInput(`${where}: pixels`, value)
  if (shape.channels !== 1 && shape.channels !== 3) throw invalid(`${where}: pixels.channels`, '1 or 3', shape.channels)
  return shape
}
