/** What a listing of a folder of classes found, as one file: docs/sources.md describes it. */
import { malformed } from '../formats/files.js'
import { isObject } from '../options/values.js'
import type { ListedDirectory } from './class_folders.js'
import { wholeFiles, type Dataset } from './dataset.js'
import { PackedPaths } from './path_list.js'
import { columnOf, parsedText, readSealed, writeSealed } from './sealed_file.js'

/** Files that are not read. */
interface LeftOutFiles {
  readonly count: number
  /** As seen from the folder; empty where there is none. */
  readonly first: string
}

const leftKinds = ['otherFormats', 'noImages', 'noClass'] as const

export type LeftOutCounts = Readonly<Record<(typeof leftKinds)[number], LeftOutFiles>>

export interface FolderIndex {
  /** Where it was listed, as an absolute path. */
  readonly directory: string
  readonly classes: readonly string[]
  readonly fingerprint: string
  readonly labels: Int32Array
  /** Of the images as seen from the folder, each with a zero byte behind it. */
  readonly names: Uint8Array
  /** Where these zero bytes are. */
  readonly ends: Int32Array
  readonly bytes: Float64Array
  readonly modified: Float64Array
  readonly directories: readonly ListedDirectory[]
  readonly left: LeftOutCounts
}

const kind = { format: 'preresnet-folder', version: 1 }

export function writeFolderIndex(path: string, index: FolderIndex): Promise<void> {
  const { directory, classes, fingerprint, labels, names, ends, bytes, modified, directories, left } = index
  const shape = [labels.length]
  const metadata = {
    directory,
    fingerprint,
    classes: JSON.stringify(classes),
    directories: JSON.stringify(directories.map(({ name, modified }) => [name, modified])),
    left: JSON.stringify(left),
  }
  return writeSealed(path, kind, metadata, {
    bytes: { dtype: 'F64', shape, data: bytes },
    modified: { dtype: 'F64', shape, data: modified },
    label: { dtype: 'I32', shape, data: labels },
    end: { dtype: 'I32', shape, data: ends },
    names: { dtype: 'U8', shape: [names.length], data: names },
  })
}

export async function readFolderIndex(path: string): Promise<FolderIndex> {
  const { metadata, columns } = await readSealed(path, kind)
  const labels = columnOf(path, columns, 'label', Int32Array)
  const count = labels.length
  const index: FolderIndex = {
    directory: metadata['directory'] ?? '',
    classes: parsedText(path, metadata, 'classes', 'names of classes', isNames),
    fingerprint: metadata['fingerprint'] ?? '',
    labels,
    names: columnOf(path, columns, 'names', Uint8Array),
    ends: columnOf(path, columns, 'end', Int32Array, count),
    bytes: columnOf(path, columns, 'bytes', Float64Array, count),
    modified: columnOf(path, columns, 'modified', Float64Array, count),
    directories: parsedText(path, metadata, 'directories', 'folders and their times', isDirectories).map(([name, modified]) => ({ name, modified })),
    left: parsedText(path, metadata, 'left', 'what is not read', isLeft),
  }
  if (!/^[0-9a-f]{64}$/.test(index.fingerprint)) throw malformed(path, 'expected a fingerprint of 64 hex digits')
  checkNames(path, index)
  return index
}

/** Whoever wrote the file says which files are opened: none outside of the folder. */
function checkNames(path: string, { names, ends, labels, classes, bytes, modified, directories }: FolderIndex): void {
  const count = labels.length
  if (count === 0) throw malformed(path, 'expected at least one image')
  if (ends[count - 1] !== names.length - 1) throw malformed(path, 'expected as many names as images')
  let first = 0
  for (let index = 0; index < count; index++) {
    const end = ends[index]!
    if (!(end > first) || names[end] !== 0) throw malformed(path, `image ${index}: expected a name with a zero byte behind it`)
    first = end + 1
    if (!(labels[index]! >= 0 && labels[index]! < classes.length)) throw malformed(path, `image ${index}: expected a class, got ${labels[index]!}`)
    if (!(Number.isSafeInteger(bytes[index]) && bytes[index]! >= 0 && Number.isFinite(modified[index])))
      throw malformed(path, `image ${index}: expected its size and time`)
  }
  const text = Buffer.from(names.buffer, names.byteOffset, names.byteLength)
  const leading = ['/', '../'].some((start) => text.subarray(0, start.length).equals(Buffer.from(start)) || text.includes(`\0${start}`))
  const outside = leading || text.includes('/../') || directories.some(({ name }) => name.startsWith('/') || name.split('/').includes('..'))
  if (outside) throw malformed(path, 'expected names within the folder, got one that leads out of it')
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string')
}

function isDirectories(value: unknown): value is readonly (readonly [string, number])[] {
  const isPair = (pair: unknown): boolean => Array.isArray(pair) && typeof pair[0] === 'string' && Number.isFinite(pair[1])
  return Array.isArray(value) && value.length > 0 && value.every(isPair)
}

function isLeft(value: unknown): value is LeftOutCounts {
  if (!isObject(value)) return false
  return leftKinds.every((key) => {
    const entry = value[key]
    return isObject(entry) && Number.isSafeInteger(entry['count']) && typeof entry['first'] === 'string'
  })
}

/** The dataset of a folder that lies at `directory` now. */
export function datasetOfFolder(directory: string, { labels, classes, fingerprint, names, ends, bytes, modified }: FolderIndex, rescanned: boolean): Dataset {
  const listed = { bytes, modified, ...(rescanned && { rescanned }) }
  const source = { ...wholeFiles(new PackedPaths(directory, names, ends)), listed }
  return { name: directory, length: labels.length, classes, labels, source, fingerprint }
}
