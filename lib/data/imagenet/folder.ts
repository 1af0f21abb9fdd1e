/** ImageNet as it is handed out: its folders, its 1,000 classes in the usual order, and labels of the validation images from its devkit. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { throwIfAborted } from '../../abort.js'
import { PreresnetError } from '../../errors.js'
import { checkOptions, withDefaults } from '../../options/check.js'
import { string } from '../../options/values.js'
import { unreadable } from '../../regular_file.js'
import { fileStates, subfolders } from '../class_folders.js'
import { wholeFiles, type Dataset } from '../dataset.js'
import { derivedFrom, filesFingerprint } from '../fingerprint.js'
import { imageFolder } from '../image_folder.js'
import { imageNetOptions, type ImageNetFolderOptions } from '../options.js'
import { validationList } from './devkit.js'

/** As the archives of 2012 unpack. */
const folders = { train: 'train', validation: 'val' } as const

interface Classes {
  /** A WNID and its words, in the order of the WNIDs, which is the usual one. */
  readonly names: readonly string[]
  /** The class of each WNID. */
  readonly labelOf: ReadonlyMap<string, number>
}

/**
 * Reads the images of ILSVRC 2012: `directory`/train has one folder for each WNID; `directory`/val has such folders too, or all images, whose labels are then
 * those of the devkit. All 1,000 classes are there, in the order of their WNIDs and named by WNID and words, as 'n01440764 tench, Tinca tinca', whatever
 * part of them has images.
 * @param directory - The folder that has train and val.
 * @param options - Which images, where the devkit is, whether to list anew, and a signal.
 * @throws ERR_FILE where a folder or the devkit cannot be read; the message has the path.
 * @throws ERR_DATASET where a folder is none of a WNID of the 1,000, or the list of labels is not of these images.
 * @throws ERR_OPTION where an option is unknown or missing.
 * @throws ERR_ABORTED where `signal` ended it.
 */
export async function imageNetFolder(directory: string, options: ImageNetFolderOptions): Promise<Dataset> {
  string('imageNetFolder: directory', directory)
  const { split, devkit, signal, rescan } = withDefaults(imageNetOptions, checkOptions('imageNetFolder', imageNetOptions, options))
  const images = join(directory, folders[split])
  const classes = await readClasses()
  throwIfAborted(signal)
  if ((await subfolders(images)).length > 0) {
    const found = await imageFolder(images, { rescan, ...(signal && { signal }) })
    return labeledByFolder(found, classes)
  }
  if (split === 'train') throw new PreresnetError('ERR_DATASET', `${images}: expected one folder for each WNID, got no folder`)
  return labeledByList(images, devkit ?? join(directory, 'ILSVRC2012_devkit_t12'), classes, { signal, rescan })
}

/** The 1,000 names are read where they are asked for. */
async function readClasses(): Promise<Classes> {
  const { synsets } = await import('./synsets.js')
  const names = synsets()
  return { names, labelOf: new Map(names.map((name, label) => [name.slice(0, name.indexOf(' ')), label])) }
}

function labelOf({ labelOf }: Classes, wnid: string, where: string): number {
  const label = labelOf.get(wnid)
  if (label !== undefined) return label
  throw new PreresnetError('ERR_DATASET', `${where}: expected one of the 1,000 WNIDs of ILSVRC 2012, as n01440764, got ${wnid}`)
}

function labeledByFolder(found: Dataset, classes: Classes): Dataset {
  const labels = found.classes.map((wnid) => labelOf(classes, wnid, found.name))
  return derivedFrom(found, 'ImageNet', { classes: classes.names, labels: found.labels.map((label) => labels[label]!) })
}

async function labeledByList(
  directory: string,
  devkit: string,
  classes: Classes,
  { signal, rescan }: { readonly signal: AbortSignal | undefined; readonly rescan: boolean },
): Promise<Dataset> {
  const { path, wnids } = await validationList(devkit)
  const names = await validationNames(directory, path, wnids.length)
  const labels = Int32Array.from(wnids, (wnid) => labelOf(classes, wnid, path))
  const paths = names.map((name) => join(directory, name))
  const { bytes, modified } = await fileStates(paths, signal)
  const fingerprint = await filesFingerprint(names, bytes, labels)
  return {
    name: directory,
    length: labels.length,
    classes: classes.names,
    labels,
    source: { ...wholeFiles(paths), listed: { bytes, modified, rescanned: rescan } },
    fingerprint,
  }
}

/** By the number at the end of each name, which is that of its line. ERR_DATASET where they are not as many, one by one. */
async function validationNames(directory: string, list: string, count: number): Promise<readonly string[]> {
  const names: string[] = []
  let found = 0
  for (const name of await namesIn(directory)) {
    if (name.startsWith('.')) continue
    const number = Number(/_(\d{8})\.jpe?g$/i.exec(name)?.[1] ?? 0)
    if (number < 1 || number > count || names[number - 1] !== undefined)
      throw new PreresnetError(
        'ERR_DATASET',
        `${directory}: expected one image for each of the ${count} lines of ${list}, as ILSVRC2012_val_00000001.JPEG, got ${name}`,
      )
    names[number - 1] = name
    found++
  }
  if (found !== count) throw new PreresnetError('ERR_DATASET', `${directory}: expected ${count} images, as ${list} has lines, got ${found}`)
  return names
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort()
  } catch (error) {
    throw unreadable(directory, error)
  }
}
