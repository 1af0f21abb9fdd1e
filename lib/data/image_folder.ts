import { join, relative } from 'node:path'
import { PreresnetError } from '../errors.js'
import { fields, string } from '../options/values.js'
import { readSourceOptions } from './check.js'
import { listClassFolders, fileSizes, subfolders, type ClassFolders } from './class_folders.js'
import { wholeFiles, type Dataset, type DataSplit, type SourceOptions } from './dataset.js'
import { filesFingerprint } from './fingerprint.js'

/**
 * Reads a folder that has one folder of JPEG or PNG files for each class; sorted names give the classes. Of images in other formats a process warning
 * (PRERESNET_DATASET) says how many are passed over; a class with no others is an error. Nothing is decoded.
 * @param directory - The folder of folders.
 * @param options - Names of the classes, and a signal.
 * @throws ERR_FILE where a folder cannot be read; the message has the path.
 * @throws ERR_DATASET where a class has no image, or is none of `classes`.
 * @throws ERR_OPTION where an option is unknown.
 * @throws ERR_ABORTED where `signal` ended it.
 */
export async function imageFolder(directory: string, options: SourceOptions = {}): Promise<Dataset> {
  const { classes, signal } = checked(directory, options)
  return read(directory, await listClassFolders(directory, classes), signal)
}

/**
 * Reads `directory`/train and `directory`/test or /val as `imageFolder` does. The test set has the classes of the training set.
 * @param directory - The folder that has both.
 * @param options - Names of the classes, and a signal.
 * @throws ERR_FILE where a folder cannot be read; the message has the path.
 * @throws ERR_DATASET where the folders are not there, a class has no image, or the classes differ.
 * @throws ERR_OPTION where an option is unknown.
 * @throws ERR_ABORTED where `signal` ended it.
 */
export async function imageFolderSplits(directory: string, options: SourceOptions = {}): Promise<DataSplit> {
  const { classes, signal } = checked(directory, options)
  const folders = await subfolders(directory)
  const tests = ['test', 'val', 'validation'].filter((name) => folders.includes(name))
  if (!folders.includes('train') || tests.length !== 1) {
    throw new PreresnetError(
      'ERR_DATASET',
      `${directory}: expected the folders train and one of test, val and validation, got ${folders.slice(0, 10).join(', ') || 'no folder'}`,
    )
  }
  const [training, testing] = [join(directory, 'train'), join(directory, tests[0]!)]
  const first = await listClassFolders(training, classes)
  const second = await listClassFolders(testing, first.classes)
  return { train: await read(training, first, signal), test: await read(testing, second, signal) }
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

function checked(directory: string, options: SourceOptions): SourceOptions {
  string('imageFolder: directory', directory)
  for (const [key, successor] of Object.entries(moved))
    if (Object.hasOwn(fields(options), key)) throw new PreresnetError('ERR_OPTION', `imageFolder: unknown option "${key}": that is said by ${successor}`)
  return readSourceOptions('imageFolder', options)
}

async function read(directory: string, { classes, labels, paths, passedOver }: ClassFolders, signal: AbortSignal | undefined): Promise<Dataset> {
  tellPassedOver(directory, passedOver)
  const sizes = await fileSizes(paths, signal)
  const files = paths.map((path, index) => ({ name: relative(directory, path), bytes: sizes[index]! }))
  const fingerprint = await filesFingerprint(files, labels)
  return { name: directory, length: labels.length, classes, labels, source: wholeFiles(paths), fingerprint }
}

/** A dataset that is smaller than the folder is none that anybody wants: a warning of the process, which Node prints where nobody listens. */
function tellPassedOver(directory: string, passedOver: readonly string[]): void {
  const [first] = passedOver
  if (first === undefined) return
  process.emitWarning(
    `${directory}: ${passedOver.length} images are neither .jpg, .jpeg nor .png and are passed over: ${first}${passedOver.length > 1 ? ' ...' : ''}`,
    {
      code: 'PRERESNET_DATASET',
    },
  )
}
