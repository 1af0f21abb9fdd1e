/** A folder of classes as a dataset: by an index beside it, by what was remembered, or by looking at each file. */
import { stat } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { mapLimited } from '../limited.js'
import { bytesOfName, isUtf8Name } from '../name_bytes.js'
import { fileStates, listClassFolders } from './class_folders.js'
import type { Dataset, SourceOptions } from './dataset.js'
import { filesFingerprint } from './fingerprint.js'
import { datasetOfFolder, readFolderIndex, writeFolderIndex, type FolderIndex, type LeftOutCounts } from './folder_index.js'
import { packNames } from './path_list.js'
import { remembered, usualCache, type Findings } from './remembered_index.js'
import { warn } from './warn.js'

/** The clocks of file systems tick in steps of up to two seconds: a folder that was changed so shortly before may be changed again with the same time. */
export const settled = 2000

/** This text is changed whenever what counts as an image changes, so that what was remembered before is made again. */
const readAs = 'folder, with WebP'

/** Where the index of a folder lies that `preresnet data index` writes. */
export function folderIndexPath(directory: string): string {
  return `${resolve(directory)}.index`
}

export async function openFolder(directory: string, { classes, signal, rescan = false }: SourceOptions, cache = usualCache()): Promise<Dataset> {
  const index =
    (await indexBeside(directory, classes, rescan)) ??
    (await remembered(folderFindings(directory, classes, signal), isUtf8Name(resolve(directory)) ? cache : undefined, rescan))
  tellLeftOut(directory, index.left)
  if (index.classes.length === 1) warn(`${directory}: there is one class only (${index.classes[0]!}), from which nothing can be learned`)
  return datasetOfFolder(directory, index, rescan)
}

/** Lists a folder and looks at each file. */
export async function indexOfFolder(directory: string, classes: readonly string[] | undefined, signal: AbortSignal | undefined): Promise<FolderIndex> {
  const folders = await listClassFolders(directory, classes)
  const { paths, labels, left, directories } = folders
  const { bytes, modified } = await fileStates(paths, signal)
  const names = paths.map((path) => relative(directory, path))
  const fingerprint = await filesFingerprint(names, bytes, labels)
  const counted = (list: readonly string[]) => ({ count: list.length, first: list.length === 0 ? '' : relative(directory, list[0]!) })
  return {
    directory: resolve(directory),
    classes: folders.classes,
    fingerprint,
    labels,
    ...packNames(names),
    bytes,
    modified,
    directories,
    left: { otherFormats: counted(left.otherFormats), noImages: counted(left.noImages), noClass: counted(left.noClass) },
  }
}

function folderFindings(directory: string, classes: readonly string[] | undefined, signal: AbortSignal | undefined): Findings<FolderIndex> {
  const absolute = resolve(directory)
  let began = 0
  return {
    key: [readAs, absolute, classes ?? null],
    read: readFolderIndex,
    isCurrent: (found) => found.directory === absolute && isUnchanged(directory, found),
    make() {
      began = Date.now()
      return indexOfFolder(directory, classes, signal)
    },
    isWorth: ({ labels, directories }, { least }) => labels.length >= least && isSettled(directories, began),
    write: writeFolderIndex,
  }
}

/** Whether a change after this moment would give some folder another time than it has. */
export function isSettled(directories: FolderIndex['directories'], moment: number): boolean {
  return directories.every(({ modified }) => modified < moment - settled)
}

/** A change of names shows in the times of folders; one of a file itself when it is read. */
async function isUnchanged(directory: string, { directories }: FolderIndex): Promise<boolean> {
  const same = await mapLimited(directories, async ({ name, modified }) => {
    const status = await stat(bytesOfName(join(directory, name))).catch(() => undefined)
    return status?.mtimeMs === modified
  })
  return same.every(Boolean)
}

/** Undefined where there is none, or it is of other classes or of an earlier state of the folder. */
async function indexBeside(directory: string, classes: readonly string[] | undefined, rescan: boolean): Promise<FolderIndex | undefined> {
  const path = folderIndexPath(directory)
  const isThere = await stat(bytesOfName(path)).then(
    (status) => status.isFile(),
    () => false,
  )
  if (!isThere) return undefined
  const again = `; \`preresnet data index\` writes it again`
  if (rescan) {
    warn(`${path}: is not used, since all files are looked at again${again}`)
    return undefined
  }
  try {
    const found = await readFolderIndex(path)
    if (classes !== undefined && JSON.stringify(classes) !== JSON.stringify(found.classes)) return undefined
    if (await isUnchanged(directory, found)) return found
    warn(`${path}: is not used, since the folder has changed${again}`)
  } catch (error) {
    warn(`${(error as Error).message}; it is not used${again}`)
  }
  return undefined
}

/** A dataset that is smaller than the folder is none that anybody wants. */
function tellLeftOut(directory: string, { otherFormats, noImages, noClass }: LeftOutCounts): void {
  const told = [
    [otherFormats, 'images are neither JPEG, PNG nor WebP'],
    [noImages, 'files are no images'],
    [noClass, 'images are in no folder of a class'],
  ] as const
  for (const [{ count, first }, what] of told)
    if (count > 0) warn(`${directory}: ${count} ${what} and are passed over: ${join(directory, first)}${count > 1 ? ' ...' : ''}`)
}
