import { relative } from 'node:path'
import { PreresnetError } from '../errors.js'
import { fields, string } from '../options/values.js'
import { readSourceOptions } from './check.js'
import { listClassFolders, fileSizes, type ClassFolders, type LeftOut } from './class_folders.js'
import { wholeFiles, type Dataset, type SourceOptions } from './dataset.js'
import { filesFingerprint } from './fingerprint.js'
import { warn } from './warn.js'

/**
 * Reads a folder that has one folder of JPEG, PNG or WebP files for each class, which may lie in folders within it; sorted names give the classes. Where a
 * file's name does not tell what it is, its first bytes are read. Of what is left out (other formats, no images, images outside of the classes, not what begins with a dot) process warnings
 * (PRERESNET_DATASET) give the number and a name; a class without images is an error, and so is a link that leads nowhere. Nothing is decoded.
 * Pixels will be those that are stored: an orientation in EXIF data is not obeyed, here as by `Classifier`.
 * @param directory - The folder of folders.
 * @param options - Names of the classes, and a signal.
 * @throws ERR_FILE where a folder cannot be read; the message has the path.
 * @throws ERR_DATASET where a class has no image, or is none of `classes`.
 * @throws ERR_OPTION where an option is unknown.
 * @throws ERR_ABORTED where `signal` ended it.
 */
export async function imageFolder(directory: string, options: SourceOptions = {}): Promise<Dataset> {
  const { classes, signal } = checked(directory, options)
  return readClassFolders(directory, await listClassFolders(directory, classes), signal)
}

/** What says how files become images went to where they are used. */
const moved: Readonly<Record<string, string>> = {
  height: "the network's input",
  width: "the network's input",
  channels: "the network's input",
  resize: '`prepare`, as [resize(256), centerCrop()]',
  cache: '`cache` of fit',
  workers: '`workers` of fit',
}

/** Options of what reads a folder of images, checked. */
export function checked(directory: string, options: SourceOptions): SourceOptions {
  string('imageFolder: directory', directory)
  for (const [key, successor] of Object.entries(moved))
    if (Object.hasOwn(fields(options), key)) throw new PreresnetError('ERR_OPTION', `imageFolder: unknown option "${key}": that is said by ${successor}`)
  return readSourceOptions('imageFolder', options)
}

/** The dataset of folders that were listed. */
export async function readClassFolders(directory: string, folders: ClassFolders, signal: AbortSignal | undefined): Promise<Dataset> {
  const { classes, labels, paths, left } = folders
  tellLeftOut(directory, left)
  if (classes.length === 1) warn(`${directory}: there is one class only (${classes[0]!}), from which nothing can be learned`)
  const sizes = await fileSizes(paths, signal)
  const files = paths.map((path, index) => ({ name: relative(directory, path), bytes: sizes[index]! }))
  const fingerprint = await filesFingerprint(files, labels)
  return { name: directory, length: labels.length, classes, labels, source: wholeFiles(paths), fingerprint }
}

/** A dataset that is smaller than the folder is none that anybody wants. */
function tellLeftOut(directory: string, { otherFormats, noImages, noClass }: LeftOut): void {
  const told = [
    [otherFormats, 'images are neither JPEG, PNG nor WebP'],
    [noImages, 'files are no images'],
    [noClass, 'images are in no folder of a class'],
  ] as const
  for (const [paths, what] of told)
    if (paths.length > 0) warn(`${directory}: ${paths.length} ${what} and are passed over: ${paths[0]!}${paths.length > 1 ? ' ...' : ''}`)
}
