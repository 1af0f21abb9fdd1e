import { join, relative } from 'node:path'
import { abortSignal } from '../abort.js'
import { PreresnetError } from '../errors.js'
import { integer, knownKeys, oneOf, string } from '../options.js'
import { listClassFolders, fileSizes, subfolders, type ClassFolders } from './class_folders.js'
import type { Dataset, DataSplit, FileSource } from './dataset.js'
import { decodeAll, decodeSample } from './decode_all.js'
import { filesFingerprint } from './fingerprint.js'
import { allHaveSize, storedSize } from './image_sizes.js'
import { memoryDataset } from './memory.js'
import { normalisationOf } from './normalisation.js'
import { usualResize } from './preparation.js'

export interface ImageFolderOptions {
  /** Of the images as the network gets them: both or neither. @default that of the first image, and every image must have it */
  readonly height?: number
  readonly width?: number
  /**
   * Shorter side after resizing, before the centre is cut out. @default where height and width are given: no resizing if every file has that size,
   * else the larger of them / 0.875. Which it is, the files' headers say: as long as all have that size they are all read, at every start. With `resize`
   * named none are.
   */
  readonly resize?: number
  /** 3: RGB, 1: grey. @default 3 */
  readonly channels?: 1 | 3
  /** memory: decode every image once, now. files: at every use. @default 'auto': memory up to 1 GiB of pixels */
  readonly cache?: 'auto' | 'memory' | 'files'
  /** Threads that decode into the cache. @default 2 */
  readonly workers?: number
  /** Ends the reading and decoding with ERR_ABORTED. */
  readonly signal?: AbortSignal
}

/** For a test set: what it takes from its training set. */
interface Inherited {
  readonly classes: readonly string[]
  readonly shape: Dataset['shape']
  readonly normalisation: Dataset['normalisation']
}

const cacheLimit = 2 ** 30
/** Images that mean and deviation are taken over, evenly spaced, where they stay files. */
const sampleSize = 2048

/**
 * A folder with one folder of JPEG or PNG files for each class; sorted names give the classes. Of images in other formats a process
 * warning (PRERESNET_DATASET) says how many are passed over; a class with no others is an error. Mean and deviation are taken over all pixels where
 * the images are kept in memory, else over 2,048 images that are evenly spaced. Throws ERR_FILE, ERR_DATASET or ERR_IMAGE, each with the path.
 */
export async function imageFolder(directory: string, options: ImageFolderOptions = {}): Promise<Dataset> {
  const settings = checked(directory, options)
  const folders = await listClassFolders(directory)
  return read(directory, folders, settings, await resizeOf(settings, [folders]))
}

/**
 * The same for `directory`/train and `directory`/test or /val. The test set has the classes, shape and normalisation of the training set, and
 * both are resized or neither is.
 */
export async function imageFolders(directory: string, options: ImageFolderOptions = {}): Promise<DataSplit> {
  const settings = checked(directory, options)
  const folders = await subfolders(directory)
  const tests = ['test', 'val', 'validation'].filter((name) => folders.includes(name))
  if (!folders.includes('train') || tests.length !== 1) {
    throw new PreresnetError(
      'ERR_DATASET',
      `${directory}: expected the folders train and one of test, val and validation, got ${folders.slice(0, 10).join(', ') || 'no folder'}`,
    )
  }
  const [training, testing] = [join(directory, 'train'), join(directory, tests[0]!)]
  const first = await listClassFolders(training)
  const second = await listClassFolders(testing, first.classes)
  const resize = await resizeOf(settings, [first, second])
  const train = await read(training, first, settings, resize)
  return { train, test: await read(testing, second, settings, resize, train) }
}

type Settings = Required<Omit<ImageFolderOptions, 'height' | 'width' | 'resize' | 'signal'>> & {
  readonly size: { readonly height: number; readonly width: number } | undefined
  readonly resize: number | undefined
  readonly signal: AbortSignal | undefined
}

function checked(directory: string, options: ImageFolderOptions): Settings {
  const where = 'imageFolder'
  string(`${where}: directory`, directory)
  knownKeys(where, options, ['height', 'width', 'resize', 'channels', 'cache', 'workers', 'signal'])
  const { height, width, channels = 3, cache = 'auto', workers = 2 } = options
  const signal = abortSignal(`${where}: signal`, options.signal)
  oneOf(`${where}: cache`, cache, ['auto', 'memory', 'files'])
  integer(`${where}: workers`, workers, 1, 256)
  if (integer(`${where}: channels`, channels, 1, 3) === 2) throw new PreresnetError('ERR_OPTION', `${where}: channels: expected 1 or 3, got 2`)
  if (height === undefined && width === undefined) {
    if (options.resize !== undefined) throw new PreresnetError('ERR_OPTION', `${where}: resize: expected height and width with it, got neither`)
    return { size: undefined, resize: undefined, channels, cache, workers, signal }
  }
  const size = { height: integer(`${where}: height`, height, 1), width: integer(`${where}: width`, width, 1) }
  const resize = options.resize === undefined ? undefined : integer(`${where}: resize`, options.resize, Math.max(size.height, size.width))
  return { size, resize, channels, cache, workers, signal }
}

/** 0: the files of all these folders have the size that the network gets. */
async function resizeOf({ size, resize, signal }: Settings, folders: readonly ClassFolders[]): Promise<number> {
  if (size === undefined) return 0
  if (resize !== undefined) return resize
  for (const { paths } of folders) if (!(await allHaveSize(paths, size, signal))) return usualResize(size)
  return 0
}

async function read(directory: string, folders: ClassFolders, settings: Settings, resize: number, inherited?: Inherited): Promise<Dataset> {
  tellPassedOver(directory, folders)
  const shape = inherited?.shape ?? { ...(settings.size ?? (await storedSize(folders.paths[0]!))), channels: settings.channels }
  const bytes = folders.paths.length * shape.height * shape.width * shape.channels
  const source: FileSource = { kind: 'files', paths: folders.paths, resize }
  const inMemory = settings.cache === 'memory' || (settings.cache === 'auto' && bytes <= cacheLimit)
  return inMemory ? cached(directory, folders, source, shape, settings, inherited) : uncached(directory, folders, source, shape, settings, inherited)
}

/** A dataset that is smaller than the folder is none that anybody wants: a warning of the process, which Node prints where nobody listens. */
function tellPassedOver(directory: string, { passedOver }: ClassFolders): void {
  const [first] = passedOver
  if (first === undefined) return
  process.emitWarning(
    `${directory}: ${passedOver.length} images are neither .jpg, .jpeg nor .png and are passed over: ${first}${passedOver.length > 1 ? ' ...' : ''}`,
    {
      code: 'PRERESNET_DATASET',
    },
  )
}

async function cached(
  name: string,
  { classes, labels }: ClassFolders,
  source: FileSource,
  shape: Dataset['shape'],
  settings: Settings,
  inherited?: Inherited,
): Promise<Dataset> {
  const images = await decodeAll(source, shape, settings)
  const options = { name, images, labels, ...shape, classes }
  const dataset = await memoryDataset(inherited === undefined ? options : { ...options, normalisation: inherited.normalisation })
  return { ...dataset, source: { kind: 'memory', images, resize: source.resize } }
}

async function uncached(
  name: string,
  { classes, labels, paths }: ClassFolders,
  source: FileSource,
  shape: Dataset['shape'],
  settings: Settings,
  inherited?: Inherited,
): Promise<Dataset> {
  const sizes = await fileSizes(paths)
  const files = paths.map((path, index) => ({ name: relative(name, path), bytes: sizes[index]! }))
  const normalisation = inherited?.normalisation ?? (await normalisationOf(await decodeSample(source, shape, settings, sampleSize), shape.channels))
  const fingerprint = await filesFingerprint(files, labels, shape, source.resize)
  return { name, length: labels.length, classes, shape, labels, source, normalisation, fingerprint }
}
