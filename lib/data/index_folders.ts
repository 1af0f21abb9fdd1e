/** Indexes beside folders of images. */
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { throwIfAborted, unlessAborted } from '../abort.js'
import { subfolders } from './class_folders.js'
import { writeFolderIndex, type FolderIndex } from './folder_index.js'
import { setNames } from './image_splits.js'
import { folderIndexPath, indexOfFolder, isSettled, settled } from './open_folder.js'

interface WrittenIndex {
  readonly folder: string
  readonly index: string
  readonly images: number
  readonly bytes: number
}

/** Lists a folder of classes, or the sets in a folder that has train, and writes what was found beside each. */
export async function indexFolders(directory: string, signal: AbortSignal): Promise<readonly WrittenIndex[]> {
  const within = await subfolders(directory)
  const folders = within.includes('train') ? within.filter((name) => setNames.includes(name)).map((name) => join(directory, name)) : [directory]
  const written: WrittenIndex[] = []
  for (const folder of folders) {
    throwIfAborted(signal)
    const index = await settledIndexOf(folder, signal)
    const path = folderIndexPath(folder)
    await writeFolderIndex(path, index)
    written.push({ folder, index: path, images: index.labels.length, bytes: index.bytes.reduce((sum, size) => sum + size, 0) })
  }
  return written
}

/** A folder that was changed a moment ago is listed again later: another change in the same tick of the clock would not show. */
async function settledIndexOf(folder: string, signal: AbortSignal): Promise<FolderIndex> {
  for (;;) {
    const began = Date.now()
    const index = await indexOfFolder(folder, undefined, signal)
    if (isSettled(index.directories, began)) return index
    await unlessAborted(wait(settled), signal)
  }
}
