import { basename, dirname } from 'node:path'
import { PreresnetError } from '../errors.js'
import { isUtf8Name, shownName } from '../name_bytes.js'
import { describe, invalid, string } from '../options/values.js'
import { checkClasses, readSourceOptions } from './check.js'
import type { Dataset, SourceOptions } from './dataset.js'
import { filesFingerprint } from './fingerprint.js'
import { readTar, type TarBytes, type TarEntry } from './tar_entries.js'

interface Sample {
  readonly entry: TarEntry
  readonly tar: number
  /** A number from key.cls, or the name of the folder. */
  readonly label: number | string
}

const imageName = /\.(jpe?g|png)$/i

/**
 * Reads images in tar files, as WebDataset's shards: `key.jpg` (or .jpeg, .png) beside `key.cls`, a class's number as text. Where no tar has a .cls file, the
 * image's folder is its class. Without `classes`, folders give them by their sorted names, .cls files as 0 to the largest number. Images stay where they are
 * and are read from there, in any order. Compressed tars are refused. Pixels will be those that
 * are stored: an orientation in EXIF data is not obeyed.
 * @param paths - A tar file, or several.
 * @param options - Names of the classes, and a signal.
 * @throws ERR_FILE where a tar cannot be read or is malformed; the message has the path.
 * @throws ERR_DATASET where there is no image, or an image has no class.
 * @throws ERR_OPTION where an option is unknown.
 * @throws ERR_ABORTED where `signal` ended it.
 */
export async function tarDataset(paths: string | readonly string[], options: SourceOptions = {}): Promise<Dataset> {
  const files = typeof paths === 'string' ? [paths] : paths
  if (!Array.isArray(files) || files.length === 0) throw invalid('tarDataset', 'a path, or a list of paths', paths)
  files.forEach((path, index) => string(`tarDataset: path ${index}`, path))
  const { classes: given, signal } = readSourceOptions('tarDataset', options)
  const samples: Sample[] = []
  for (const [tar, path] of (files as readonly string[]).entries()) {
    const { entries, bytes } = await readTar(path, signal)
    try {
      for (const sample of await samplesIn(entries, bytes, tar)) samples.push(sample)
    } finally {
      await bytes.close()
    }
  }
  const name = (files as readonly string[])[0]!
  const { classes, labels } = labeled(name, samples, given)
  const fingerprint = await filesFingerprint(
    samples.map(({ entry }) => ({ name: entry.name, bytes: entry.length })),
    labels,
    'tar\0',
  )
  return {
    name,
    length: samples.length,
    classes,
    labels,
    source: {
      kind: 'ranges',
      files,
      file: Int32Array.from(samples, ({ tar }) => tar),
      offset: Float64Array.from(samples, ({ entry }) => entry.offset),
      length: Float64Array.from(samples, ({ entry }) => entry.length),
    },
    fingerprint,
  }
}

/** Up to the first dot of the file's name, as WebDataset has it. */
function keyOf(name: string): string {
  const [stem] = basename(name).split('.', 1)
  return `${dirname(name)}/${stem!}`
}

async function samplesIn(entries: readonly TarEntry[], bytes: TarBytes, tar: number): Promise<Sample[]> {
  const { path } = bytes
  const shown = entries.filter(({ name }) => !basename(name).startsWith('.'))
  const numbers = new Map<string, number>()
  for (const entry of shown) {
    if (!entry.name.endsWith('.cls')) continue
    const text = Buffer.from(await bytes.read(entry.offset, Math.min(entry.length, 32))).toString('latin1')
    if (!/^\s*\d{1,6}\s*$/.test(text)) throw new PreresnetError('ERR_DATASET', `${path}: ${entry.name}: expected the number of a class, got ${describe(text)}`)
    numbers.set(keyOf(entry.name), Number(text))
  }
  const images = shown.filter(({ name }) => imageName.test(name))
  if (images.length === 0)
    throw new PreresnetError('ERR_DATASET', `${path}: expected at least one image (.jpg, .jpeg or .png), got ${entries.length} other files`)
  return images.map((entry) => {
    const label = numbers.size > 0 ? numbers.get(keyOf(entry.name)) : basename(dirname(entry.name))
    if (label !== undefined && label !== '.') return { entry, tar, label }
    const beside = `${basename(keyOf(entry.name))}.cls`
    throw new PreresnetError(
      'ERR_DATASET',
      `${path}: ${entry.name}: expected its class in ${beside}${numbers.size > 0 ? '' : ', or a folder named after it'}, got none`,
    )
  })
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
