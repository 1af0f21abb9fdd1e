/** Images in Parquet files, as Hugging Face's datasets write them. */
import { throwIfAborted } from '../../abort.js'
import { PreresnetError } from '../../errors.js'
import { mapLimited } from '../../limited.js'
import { boolean, knownKeys, string } from '../../options/values.js'
import { openLocal } from '../byte_file.js'
import { checkClasses, readSourceOptions, sourceKeys } from '../check.js'
import type { Dataset, SourceOptions } from '../dataset.js'
import { filesFingerprint } from '../fingerprint.js'
import { usualCache } from '../remembered_index.js'
import type { SampleIndex, Shard } from '../sample_index.js'
import { datasetOf, indexOfShards, shardPaths } from '../shards.js'
import { numbersOf, placesOf, type Place } from './columns.js'
import { decompressed } from './decompressed.js'
import { columnsOf, type ColumnNames } from './features.js'
import { readFooter } from './footer.js'

/** The options of `parquetDataset` are these. */
export interface ParquetOptions extends SourceOptions {
  /** The name of the column of images. @default the one that the file's features say, else "image" */
  readonly image?: string
  /** The name of the column of classes. @default the one that the file's features say, else "label" */
  readonly label?: string
  /** Whether images that are compressed in the file are decompressed each time they are read: slow, and meant for `pack`. @default false: they are refused */
  readonly decompress?: boolean
}

/** What one file holds. */
interface Part {
  readonly shard: Shard
  readonly places: readonly Place[]
  readonly numbers: readonly number[]
  readonly names: readonly string[] | undefined
}

const where = 'parquetDataset'
/** Files that are looked at at once: each waits for the disk again and again. */
const atOnce = 4

/**
 * Reads images in Parquet files, as Hugging Face's datasets write them: a column of image files, and one with the number of the class of each. Which these are, and the names of the classes, the file's
 * metadata say. Images stay where they are and are read from there, in any order; the order of the samples is that of the paths and of the rows. That takes images that lie in the file as they
 * are, as `datasets` writes them today. Where an image is compressed the file is refused, and `preresnet pack` (in code `decompress: true` and `pack`) makes one of it that can be read. Where the
 * images are is remembered in the cache folder for files of thousands of images, as long as they have the same sizes and times.
 * @param paths - A Parquet file, or several; braces stand for several, as in 'train-{00000..00293}-of-00294.parquet'.
 * @param options - Names of the classes and of the columns, a signal, and whether images may be compressed.
 * @throws ERR_FILE where a file cannot be read or is malformed; the message has the path.
 * @throws ERR_DATASET where there is no image, one has no class, or one is compressed.
 * @throws ERR_OPTION where an option is unknown.
 * @throws ERR_ABORTED where `signal` ended it.
 */
export async function parquetDataset(paths: string | readonly string[], options: ParquetOptions = {}): Promise<Dataset> {
  return openParquet(paths, options)
}

/**
 * `cache`: where indexes are remembered, and of how many samples.
 * @internal
 */
export async function openParquet(paths: string | readonly string[], options: ParquetOptions, cache = usualCache()): Promise<Dataset> {
  const files = shardPaths(where, paths)
  const { image, label, decompress = false, ...source } = readOptions(options)
  const { classes, signal, rescan = false } = source
  const columns = { ...(image !== undefined && { image }), ...(label !== undefined && { label }) }
  const partsOf = (): Promise<Part[]> => mapLimited(files, (path) => partOf(path, columns, signal), atOnce)
  if (decompress) {
    const parts = await partsOf()
    if (parts.some(({ places }) => places.some(({ page }) => page !== undefined)))
      return decompressed(
        datasetOf(files[0]!, files, await indexOf(files[0]!, parts, classes)),
        parts.flatMap(({ places }) => places),
      )
  }
  const make = async (): Promise<SampleIndex> => {
    const parts = await partsOf()
    for (const part of parts) expectStored(part)
    return indexOf(files[0]!, parts, classes)
  }
  const index = await indexOfShards({ readAs: 'parquet', files, settings: [classes ?? null, columns], rescan, cache, make })
  return datasetOf(files[0]!, files, index, rescan)
}

function readOptions(options: ParquetOptions): ParquetOptions {
  knownKeys(where, options, [...sourceKeys, 'image', 'label', 'decompress'])
  const { image, label, decompress, ...source } = options
  if (image !== undefined) string(`${where}: image`, image)
  if (label !== undefined) string(`${where}: label`, label)
  if (decompress !== undefined) boolean(`${where}: decompress`, decompress)
  return { ...options, ...readSourceOptions(where, source) }
}

async function partOf(path: string, names: ColumnNames, signal: AbortSignal | undefined): Promise<Part> {
  const ended = (): void => throwIfAborted(signal)
  ended()
  await using file = await openLocal(path)
  const footer = await readFooter(file)
  const columns = columnsOf(path, footer, names)
  const numbers = await numbersOf(file, columns.label, ended)
  const places = await placesOf(file, columns.image, ended)
  for (const { length } of [numbers, places])
    if (length !== footer.rows) throw new PreresnetError('ERR_FILE', `${path}: expected an image and a class in each of ${footer.rows} rows, got ${length}`)
  if (places.length === 0) throw new PreresnetError('ERR_DATASET', `${path}: expected at least one image, got none`)
  return { shard: { name: path, bytes: file.size, modified: file.modified }, places, numbers, names: columns.names }
}

/** That each image lies in the file as it is. */
function expectStored({ shard: { name }, places }: Part): void {
  const row = places.findIndex(({ page }) => page !== undefined)
  if (row < 0) return
  const { codec } = places[row]!.page!
  throw new PreresnetError(
    'ERR_DATASET',
    `${name}: expected images that lie in the file as they are, got one that ${codec} has compressed (row ${row}); convert it: preresnet pack 'parquet:${name}' train.tar, in code decompress: true and pack`,
  )
}

async function indexOf(name: string, parts: readonly Part[], given: readonly string[] | undefined): Promise<SampleIndex> {
  const places = parts.flatMap((part) => part.places)
  const length = Float64Array.from(places, (place) => place.length)
  const { classes, labels } = labeled(name, parts, given)
  // Rows have no names of their own.
  const rows = parts.flatMap((part) => part.places.map((_, row) => String(row)))
  return {
    shards: parts.map(({ shard }) => shard),
    classes,
    fingerprint: await filesFingerprint(rows, length, labels, 'parquet\0'),
    labels,
    file: Int32Array.from(parts.flatMap((part, index) => part.places.map(() => index))),
    offset: Float64Array.from(places, ({ offset, page }) => page?.offset ?? offset),
    length,
  }
}

function labeled(
  name: string,
  parts: readonly Part[],
  given: readonly string[] | undefined,
): { readonly classes: readonly string[]; readonly labels: Int32Array } {
  const { names } = parts[0]!
  for (const part of parts) checkClasses(part.shard.name, part.names ?? [], name, names ?? [])
  const most = names?.length ?? given?.length ?? 2 ** 20
  for (const { shard, numbers } of parts) {
    const row = numbers.findIndex((number) => !(number >= 0 && number < most))
    if (row >= 0) throw new PreresnetError('ERR_DATASET', `${shard.name}: row ${row}: expected a class from 0 to ${most - 1}, got ${numbers[row]!}`)
  }
  const labels = Int32Array.from(parts.flatMap(({ numbers }) => numbers))
  const own = names ?? given ?? Array.from({ length: labels.reduce((last, label) => Math.max(last, label), 0) + 1 }, (_, index) => String(index))
  if (given === undefined) return { classes: own, labels }
  const indices = new Map(given.map((label, index) => [label, index]))
  if (own.some((label) => !indices.has(label))) checkClasses(name, own, 'the names that are given', given)
  return { classes: given, labels: labels.map((label) => indices.get(own[label]!)!) }
}
