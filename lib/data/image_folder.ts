import { PreresnetError } from '../errors.js'
import { fields, string } from '../options/values.js'
import { readSourceOptions } from './check.js'
import type { Dataset, SourceOptions } from './dataset.js'
import { openFolder } from './open_folder.js'

/**
 * Reads a folder that has one folder of JPEG, PNG or WebP files for each class, which may lie in folders within it; sorted names give the classes. Where a
 * file's name does not tell what it is, its first bytes are read. Of what is left out (other formats, no images, images outside of the classes, not what begins with a dot) process warnings
 * (PRERESNET_DATASET) give the number and a name; a class without images is an error, and so is a link that leads nowhere. Nothing is decoded.
 * What was found in a folder of thousands of images is remembered in the cache folder, and holds as long as no folder in it has changed; an index that `preresnet data index`
 * wrote beside the folder goes before that. A file that is not what it was when it was listed is an error when it is read.
 * Pixels will be those that are stored: an orientation in EXIF data is not obeyed, here as by `Classifier`.
 * @param directory - The folder of folders.
 * @param options - Names of the classes, whether to list anew, and a signal.
 * @throws ERR_FILE where a folder cannot be read; the message has the path.
 * @throws ERR_DATASET where a class has no image, or is none of `classes`.
 * @throws ERR_OPTION where an option is unknown.
 * @throws ERR_ABORTED where `signal` ended it.
 */
export async function imageFolder(directory: string, options: SourceOptions = {}): Promise<Dataset> {
  return openFolder(directory, checked(directory, options))
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
