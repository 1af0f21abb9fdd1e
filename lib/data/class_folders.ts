import type { Dirent } from 'node:fs'
import { readdir, readlink, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { throwIfAborted } from '../abort.js'
import { PreresnetError } from '../errors.js'
import { eachIndex, mapLimited } from '../limited.js'
import { bytesOfName, isUtf8Name, nameOf, shownName } from '../name_bytes.js'
import { expectFile, unreadable } from '../regular_file.js'
import type { ListedFiles } from './dataset.js'
import { isImageName, kindOfFile } from './image_names.js'

interface ClassFolders {
  /** Sorted by code units, as every machine sorts them. */
  readonly classes: readonly string[]
  /** Sorted within each class, the classes one after another. */
  readonly paths: readonly string[]
  readonly labels: Int32Array
  readonly left: LeftOut
  /** All folders that were looked into, each with the time that it had before. */
  readonly directories: readonly ListedDirectory[]
}

export interface ListedDirectory {
  /** As seen from the folder; empty for itself. */
  readonly name: string
  /** When an entry was last added, removed or renamed, in milliseconds. */
  readonly modified: number
}

/** Paths of files that are not read. */
interface LeftOut {
  /** Images in other formats. */
  readonly otherFormats: readonly string[]
  /** Files in the folders of classes that are no images. */
  readonly noImages: readonly string[]
  /** Images beside the folders of classes. */
  readonly noClass: readonly string[]
}

/**
 * Lists `directory`/CLASS/IMAGE, also where the images lie in folders within CLASS. What begins with a dot is passed over. With `classes` given, folders of other names are
 * an error; names that differ only in how Unicode composes their letters are the same.
 * Throws ERR_FILE for a folder that cannot be read or a link that leads nowhere, ERR_DATASET for one without classes or images.
 */
export async function listClassFolders(directory: string, classes?: readonly string[]): Promise<ClassFolders> {
  const root = { name: '', modified: await modifiedAt(directory) }
  const found = await subfolders(directory)
  if (found.length === 0) throw new PreresnetError('ERR_DATASET', `${directory}: expected one folder for each class, got no folder`)
  const strange = found.find((name) => !isUtf8Name(name))
  if (strange !== undefined)
    throw new PreresnetError(
      'ERR_DATASET',
      `${directory}: expected names of classes in UTF-8, which model files hold, got "${shownName(strange)}"; rename the folder`,
    )
  checkDistinct(directory, found)
  const names = classes ?? found
  const labelOf = new Map(names.map((name, label) => [name.normalize(), label]))
  const unknown = found.filter((name) => !labelOf.has(name.normalize()))
  if (unknown.length > 0)
    throw new PreresnetError('ERR_DATASET', `${directory}: expected folders of the training set's classes, got ${unknown.slice(0, 5).join(', ')}`)
  const lists = await mapLimited(found, (name) => images(join(directory, name)), 4)
  const noClass = (await list(directory)).filter((entry) => entry.isFile() && !entry.name.startsWith('.') && isImageName(entry.name))
  const at = (kind: 'images' | 'otherFormats' | 'noImages'): string[] =>
    lists.flatMap((each, index) => each[kind].map((file) => join(directory, found[index]!, file)))
  return {
    classes: names,
    paths: at('images'),
    labels: Int32Array.from(lists.flatMap(({ images }, index) => new Array<number>(images.length).fill(labelOf.get(found[index]!.normalize())!))),
    left: { otherFormats: at('otherFormats'), noImages: at('noImages'), noClass: noClass.map(({ name }) => join(directory, name)) },
    directories: [root, ...lists.flatMap((each, index) => each.directories.map(({ name, modified }) => ({ name: join(found[index]!, name), modified })))],
  }
}

/** Two folders whose names look the same would be two classes, or one. */
function checkDistinct(directory: string, names: readonly string[]): void {
  const seen = new Map<string, string>()
  for (const name of names) {
    const other = seen.get(name.normalize())
    if (other !== undefined)
      throw new PreresnetError(
        'ERR_DATASET',
        `${directory}: two folders differ only in how Unicode composes their letters: ${escaped(other)} and ${escaped(name)}`,
      )
    seen.set(name.normalize(), name)
  }
}

/** With everything but ASCII as escapes, which shows what looks the same. */
function escaped(name: string): string {
  return JSON.stringify(name).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Names of the folders in it, links to folders included. ERR_FILE for a link that leads nowhere: it may stand for a folder that is not mounted. */
export async function subfolders(directory: string): Promise<string[]> {
  const names: string[] = []
  for (const entry of await list(directory)) {
    if (entry.name.startsWith('.')) continue
    if ((await linked(directory, entry)).isDirectory()) names.push(entry.name)
  }
  return names.sort()
}

/** What an entry is, or what its link leads to. */
async function linked(directory: string, entry: Dirent): Promise<Pick<Dirent, 'isDirectory' | 'isFile'>> {
  if (!entry.isSymbolicLink()) return entry
  const path = join(directory, entry.name)
  try {
    return await stat(bytesOfName(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(path, error)
    const target = nameOf(await readlink(bytesOfName(path), { encoding: 'buffer' }))
    throw new PreresnetError('ERR_FILE', `${path}: a link that leads nowhere (to ${target})`, { cause: error })
  }
}

/** Names of files, with the path from the folder of their class. */
interface Found {
  readonly images: string[]
  readonly otherFormats: string[]
  readonly noImages: string[]
  readonly directories: ListedDirectory[]
}

async function images(directory: string): Promise<Found> {
  const found: Found = { images: [], otherFormats: [], noImages: [], directories: [] }
  await walk(directory, '', [], found)
  const { images, otherFormats, noImages } = found
  for (const names of [images, otherFormats, noImages]) names.sort()
  if (images.length === 0) {
    const got =
      otherFormats.length === 0 ? 'none' : `${otherFormats.length} in other formats (${otherFormats[0]!}${otherFormats.length > 1 ? ' ...' : ''}); convert them`
    throw new PreresnetError('ERR_DATASET', `${directory}: expected at least one image (JPEG, PNG or WebP), got ${got}`)
  }
  return found
}

/** `within`: where it is, from the folder of the class; `above`: the real paths of the folders that it lies in. */
async function walk(directory: string, within: string, above: readonly string[], found: Found): Promise<void> {
  const folders: string[] = []
  const unknown: string[] = []
  // Before it is read: what is added meanwhile shows as a change.
  found.directories.push({ name: within, modified: await modifiedAt(directory) })
  for (const entry of await list(directory)) {
    const { name } = entry
    if (name.startsWith('.')) continue
    const kind = await linked(directory, entry)
    if (kind.isDirectory()) folders.push(name)
    else if (isImageName(name)) found.images.push(join(within, name))
    else if (kind.isFile()) unknown.push(name)
    else found.noImages.push(join(within, name))
  }
  const kinds = await mapLimited(unknown, (name) => kindOfFile(join(directory, name)), 4)
  const listOf = { image: found.images, other: found.otherFormats, none: found.noImages }
  unknown.forEach((name, index) => listOf[kinds[index]!].push(join(within, name)))
  if (folders.length === 0) return
  const chain = [...above, await realPath(directory)]
  for (const name of folders) {
    const path = join(directory, name)
    if (chain.includes(await realPath(path))) throw new PreresnetError('ERR_FILE', `${path}: a link that leads back to a folder that it lies in`)
    await walk(path, join(within, name), chain, found)
  }
}

async function modifiedAt(directory: string): Promise<number> {
  try {
    return (await stat(bytesOfName(directory))).mtimeMs
  } catch (error) {
    throw unreadable(directory, error)
  }
}

async function realPath(path: string): Promise<string> {
  return nameOf(await realpath(bytesOfName(path), { encoding: 'buffer' }))
}

async function list(directory: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(bytesOfName(directory), { withFileTypes: true, encoding: 'buffer' })
    return entries.map((entry) => Object.assign(entry, { name: nameOf(entry.name) }))
  } catch (error) {
    throw unreadable(directory, error)
  }
}

/** Sizes and times of files. */
export async function fileStates(paths: readonly string[], signal?: AbortSignal): Promise<ListedFiles> {
  const bytes = new Float64Array(paths.length)
  const modified = new Float64Array(paths.length)
  await eachIndex(paths.length, async (index) => {
    throwIfAborted(signal)
    const path = paths[index]!
    try {
      const status = await stat(bytesOfName(path))
      expectFile(status)
      bytes[index] = status.size
      modified[index] = status.mtimeMs
    } catch (error) {
      throw unreadable(path, error)
    }
  })
  return { bytes, modified }
}
