import { basename, dirname } from 'node:path'
import { PreresnetError } from '../errors.js'
import { isUtf8Name, shownName as shownWhole } from '../name_bytes.js'
import { describe } from '../options/values.js'
import { checkClasses, readSourceOptions } from './check.js'
import type { Dataset, SourceOptions } from './dataset.js'
import { filesFingerprint } from './fingerprint.js'
import { isImageName, isOtherImageName, isPnmName } from './image_names.js'
import { usualCache } from './remembered_index.js'
import type { SampleIndex, Shard } from './sample_index.js'
import { datasetOf, indexOfShards, shardPaths } from './shards.js'
import { TarBytes, tarEntries, type TarEntry } from './tar_entries.js'
import { warn } from './warn.js'

interface Sample {
  readonly entry: TarEntry
  readonly tar: number
  /** A number from key.cls, or the name of the folder. */
  readonly label: number | string
}

/**
 * Reads images in tar files, as WebDataset's shards: `key.jpg` (or another ending of JPEG, .png, .webp, .ppm, .pgm) beside `key.cls`, a class's number as text. Where no tar has a .cls file, the
 * image's folder is its class. Without `classes`, folders give them by their sorted names, .cls files as 0 to the largest number. Images stay where they are
 * and are read from there, in any order; the order of the samples is that of the paths and of the entries. Where the images are is remembered in the cache folder for tars of
 * thousands of images, as long as the files have the same sizes and times. Compressed tars are refused, and so is one that is cut off or has two images of one key.
 * Pixels will be those that are stored: an orientation in EXIF data is not obeyed.
 * @param paths - A tar file, or several; braces stand for several, as in 'train-{0000..0146}.tar'.
 * @param options - Names of the classes, and a signal.
 * @throws ERR_FILE where a tar cannot be read or is malformed; the message has the path.
 * @throws ERR_DATASET where there is no image, or an image has no class.
 * @throws ERR_OPTION where an option is unknown.
 * @throws ERR_ABORTED where `signal` ended it.
 */
export async function tarDataset(paths: string | readonly string[], options: SourceOptions = {}): Promise<Dataset> {
  return openTars(paths, options)
}

/** As that of open_folder.ts: changed whenever what counts as an image changes. */
const readAs = 'tar, with WebP'

/**
 * `cache`: where indexes are remembered, and of how many samples.
 * @internal
 */
export async function openTars(paths: string | readonly string[], options: SourceOptions, cache = usualCache()): Promise<Dataset> {
  const files = shardPaths('tarDataset', paths)
  const { classes, signal, rescan = false } = readSourceOptions('tarDataset', options)
  const index = await indexOfShards({ readAs, files, settings: classes ?? null, rescan, cache, make: () => indexOf(files, classes, signal) })
  for (const { name, passedOver = 0 } of index.shards)
    if (passedOver > 0) warn(`${name}: ${passedOver} images are neither JPEG, PNG nor WebP and are passed over`)
  return datasetOf(files[0]!, files, index, rescan)
}

async function indexOf(files: readonly string[], given: readonly string[] | undefined, signal: AbortSignal | undefined): Promise<SampleIndex> {
  const samples: Sample[] = []
  const shards: Shard[] = []
  for (const [tar, path] of files.entries()) {
    await using bytes = await TarBytes.open(path)
    const found = await samplesIn(bytes, tar, signal)
    for (const sample of found.samples) samples.push(sample)
    shards.push({ name: path, bytes: bytes.size, modified: bytes.file.modified, passedOver: found.passedOver })
  }
  const { classes, labels } = labeled(files[0]!, samples, given)
  const length = Float64Array.from(samples, ({ entry }) => entry.length)
  const names = samples.map(({ entry }) => entry.name)
  const fingerprint = await filesFingerprint(names, length, labels, 'tar\0')
  return {
    shards,
    classes,
    fingerprint,
    labels,
    file: Int32Array.from(samples, ({ tar }) => tar),
    offset: Float64Array.from(samples, ({ entry }) => entry.offset),
    length,
  }
}

/** A name may be as long as a header lets it be, and an error is one line. */
function shownName(name: string): string {
  return shownWhole(name.slice(0, 200))
}

/** Up to the first dot of the file's name, as WebDataset has it. */
function keyOf(name: string): string {
  const [stem] = basename(name).split('.', 1)
  return `${dirname(name)}/${stem!}`
}

async function samplesIn(bytes: TarBytes, tar: number, signal: AbortSignal | undefined): Promise<{ readonly samples: Sample[]; readonly passedOver: number }> {
  const { path } = bytes
  const images: TarEntry[] = []
  const numbers = new Map<string, number>()
  let others = 0
  let passedOver = 0
  for await (const entry of tarEntries(bytes, signal)) {
    const isImage = isImageName(entry.name) || isPnmName(entry.name)
    const hidden = basename(entry.name).startsWith('.')
    if (hidden || !(isImage || entry.name.endsWith('.cls'))) {
      others++
      if (!hidden && isOtherImageName(entry.name)) passedOver++
      continue
    }
    checkName(path, entry)
    if (isImage) images.push(entry)
    else {
      const key = keyOf(entry.name)
      if (numbers.has(key)) throw twice(path, key, entry.name, 'file with its class')
      numbers.set(key, await classIn(bytes, entry))
    }
  }
  if (images.length === 0)
    throw new PreresnetError('ERR_DATASET', `${path}: expected at least one image (JPEG, PNG, WebP, .ppm or .pgm), got ${others + numbers.size} other files`)
  checkDistinct(path, images, numbers.size > 0 ? keyOf : (name) => name)
  const samples = images.map((entry) => {
    const label = numbers.size > 0 ? numbers.get(keyOf(entry.name)) : basename(dirname(entry.name))
    if (label !== undefined && label !== '.') return { entry, tar, label }
    const beside = `${shownName(basename(keyOf(entry.name)))}.cls`
    throw new PreresnetError(
      'ERR_DATASET',
      `${path}: ${shownName(entry.name)}: expected its class in ${beside}${numbers.size > 0 ? '' : ', or a folder named after it'}, got none`,
    )
  })
  return { samples, passedOver }
}

/** Nothing is unpacked, so such names do no harm here; but whoever unpacks the archive trusts them, and a class cannot be called '..'. */
function checkName(path: string, { name, kind }: TarEntry): void {
  const shown = shownName(name)
  if (name.startsWith('/') || name.split('/').includes('..'))
    throw new PreresnetError('ERR_FILE', `${path}: ${shown}: expected a name within the archive, got one that leads out of it`)
  if (kind === 'link')
    throw new PreresnetError('ERR_FILE', `${path}: ${shown}: expected a file, got a link; make the tar with --dereference --hard-dereference`)
}

async function classIn(bytes: TarBytes, { name, offset, length }: TarEntry): Promise<number> {
  const text = Buffer.from(await bytes.read(offset, Math.min(length, 32))).toString('latin1')
  if (!/^\s*\d{1,6}\s*$/.test(text))
    throw new PreresnetError('ERR_DATASET', `${bytes.path}: ${shownName(name)}: expected the number of a class, got ${describe(text)}`)
  return Number(text)
}

/** Of two images of one key the class would count twice; of two files of one name tar's own programs take the last. */
function checkDistinct(path: string, images: readonly TarEntry[], keyOf: (name: string) => string): void {
  const seen = new Set<string>()
  for (const { name } of images) {
    const key = keyOf(name)
    if (seen.has(key)) throw twice(path, key, name, 'image')
    seen.add(key)
  }
}

function twice(path: string, key: string, name: string, what: string): PreresnetError {
  const shown = shownName(key.replace(/^\.\//, ''))
  return new PreresnetError('ERR_DATASET', `${path}: ${shownName(name)}: expected one ${what} of the key ${shown}, got another one`)
}

function labeled(name: string, samples: readonly Sample[], given: readonly string[] | undefined): { classes: readonly string[]; labels: Int32Array } {
  const found = [...new Set(samples.map(({ label }) => label))]
  const numbered = found.every((label) => typeof label === 'number')
  if (!numbered && found.some((label) => typeof label === 'number'))
    throw new PreresnetError('ERR_DATASET', `${name}: expected .cls files in all tars, or in none`)
  const own = numbered ? Array.from({ length: Math.max(...found) + 1 }, (_, index) => String(index)) : (found as string[]).sort()
  const strange = own.find((label) => !isUtf8Name(label))
  if (strange !== undefined)
    throw new PreresnetError('ERR_DATASET', `${name}: expected names of classes in UTF-8, which model files hold, got "${shownName(strange)}"`)
  const classes = given ?? own
  if (numbered) {
    if (own.length > classes.length)
      throw new PreresnetError('ERR_DATASET', `${name}: expected classes 0 to ${classes.length - 1}, as names are given, got class ${own.length - 1}`)
    return { classes, labels: Int32Array.from(samples, ({ label }) => label as number) }
  }
  const indices = new Map(classes.map((label, index) => [label, index]))
  if (own.some((label) => !indices.has(label))) checkClasses(name, own, 'the names that are given', classes)
  return { classes, labels: Int32Array.from(samples, ({ label }) => indices.get(label as string)!) }
}
