import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { throwIfAborted } from '../abort.js'
import { PreresnetError } from '../errors.js'
import { mapLimited } from '../limited.js'
import { expectFile, reasonOf } from '../regular_file.js'

export interface ClassFolders {
  /** Sorted by code units, as every machine sorts them. */
  readonly classes: readonly string[]
  /** Sorted within each class, the classes one after another. */
  readonly paths: readonly string[]
  readonly labels: Int32Array
  /** Images in formats that are not read. */
  readonly passedOver: readonly string[]
}

const imageName = /\.(jpe?g|png)$/i
const otherImageName = /\.(webp|bmp|gif|tiff?|avif|heic|heif|jxl|jp2|ppm|pgm|svg)$/i

/**
 * Lists `directory`/CLASS/IMAGE. What is no image, or one in another format, and what begins with a dot, is passed over. With `classes` given, folders of other names are an error.
 * Throws ERR_FILE for a folder that cannot be read, ERR_DATASET for one without classes or images.
 */
export async function listClassFolders(directory: string, classes?: readonly string[]): Promise<ClassFolders> {
  const found = await subfolders(directory)
  if (found.length === 0) throw new PreresnetError('ERR_DATASET', `${directory}: expected one folder for each class, got no folder`)
  const names = classes ?? found
  const unknown = found.filter((name) => !names.includes(name))
  if (unknown.length > 0)
    throw new PreresnetError('ERR_DATASET', `${directory}: expected folders of the training set's classes, got ${unknown.slice(0, 5).join(', ')}`)
  const lists = await mapLimited(found, (name) => images(join(directory, name)))
  const paths: string[] = []
  const labels: number[] = []
  const passedOver: string[] = []
  found.forEach((name, index) => {
    const label = names.indexOf(name)
    for (const file of lists[index]!.others) passedOver.push(join(directory, name, file))
    for (const file of lists[index]!.images) {
      paths.push(join(directory, name, file))
      labels.push(label)
    }
  })
  return { classes: names, paths, labels: Int32Array.from(labels), passedOver }
}

/** Names of the folders in it, links to folders included. */
export async function subfolders(directory: string): Promise<string[]> {
  const entries = await list(directory)
  const names: string[] = []
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue
    const isFolder = entry.isSymbolicLink() ? (await stat(join(directory, entry.name)).catch(() => undefined))?.isDirectory() : entry.isDirectory()
    if (isFolder === true) names.push(entry.name)
  }
  return names.sort()
}

async function images(directory: string): Promise<{ readonly images: readonly string[]; readonly others: readonly string[] }> {
  const entries = await list(directory)
  const names = entries.filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name)
  const others = names.filter((name) => otherImageName.test(name)).sort()
  const images = names.filter((name) => imageName.test(name)).sort()
  if (images.length === 0) {
    const got = others.length === 0 ? 'none' : `${others.length} in other formats (${others[0]!}${others.length > 1 ? ' ...' : ''}); convert them`
    throw new PreresnetError('ERR_DATASET', `${directory}: expected at least one image (.jpg, .jpeg or .png), got ${got}`)
  }
  return { images, others }
}

async function list(directory: string): Promise<import('node:fs').Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true })
  } catch (error) {
    throw new PreresnetError('ERR_FILE', `${directory}: cannot be read: ${reasonOf(error)}`, { cause: error })
  }
}

/** Sizes in bytes. */
export function fileSizes(paths: readonly string[], signal?: AbortSignal): Promise<number[]> {
  return mapLimited(paths, async (path) => {
    throwIfAborted(signal)
    try {
      const status = await stat(path)
      expectFile(status)
      return status.size
    } catch (error) {
      throw new PreresnetError('ERR_FILE', `${path}: cannot be read: ${reasonOf(error)}`, { cause: error })
    }
  })
}
