/** The bytes of single samples, for what reads them all once and in order. */
import type { FileHandle } from 'node:fs/promises'
import { PreresnetError } from '../errors.js'
import { readAtMost } from '../formats/file_range.js'
import { openFile, unreadable } from '../regular_file.js'
import { CustomReads } from './custom_reads.js'
import { sampleName, type Dataset, type ListedFiles, type MemorySource, type RangeSource } from './dataset.js'
import { pnmHeader } from './pnm.js'

/** Reads sample by sample, several at once; each is an image file. */
export function sampleReader(source: Dataset['source']): (sample: number) => Promise<Uint8Array> {
  if (source.kind === 'ranges') return (sample) => readRange(source, sample)
  if (source.kind === 'memory') return async (sample) => pnmOf(source, sample)
  const reads = new CustomReads(source)
  const { pixels } = source
  if (pixels === undefined) return (sample) => reads.read(sample)
  return async (sample) => Buffer.concat([Buffer.from(pnmHeader(pixels)), await reads.read(sample)])
}

function pnmOf({ images, shape }: MemorySource, sample: number): Uint8Array {
  const bytes = shape.height * shape.width * shape.channels
  return Buffer.concat([Buffer.from(pnmHeader(shape)), images.subarray(sample * bytes, (sample + 1) * bytes)])
}

/** What `use` makes of the file that a sample's bytes lie in, of the first and of their number. ERR_FILE with the path. */
export async function withRange<T>(
  { files, file, offset, length, listed }: RangeSource,
  sample: number,
  use: (handle: FileHandle, first: number, bytes: number) => Promise<T>,
): Promise<T> {
  const path = files.at(file[sample]!)!
  try {
    await using handle = await openFile(path)
    const { size, mtimeMs } = await handle.stat()
    if (listed !== undefined) checkUnchanged(path, { bytes: size, modified: mtimeMs }, listed, file[sample]!)
    const first = offset[sample]!
    return await use(handle, first, length[sample]! < 0 ? size - first : length[sample]!)
  } catch (error) {
    throw unreadable(path, error)
  }
}

interface FileState {
  readonly bytes: number
  readonly modified: number
}

/** As the native reader does. */
function checkUnchanged(path: string, state: FileState, listed: ListedFiles, file: number): void {
  const expected = { bytes: listed.bytes[file]!, modified: listed.modified[file]! }
  if (state.bytes === expected.bytes && (expected.modified === 0 || state.modified === expected.modified)) return
  throw new PreresnetError(
    'ERR_FILE',
    `${path}: the file has changed since it was listed: expected ${shownState(expected)}, got ${shownState(state)}; --rescan, in code rescan: true, lists it anew`,
  )
}

function shownState({ bytes, modified }: FileState): string {
  return `${bytes} bytes${modified === 0 ? '' : ` of ${new Date(modified).toISOString().replace('T', ' ').replace('Z', ' UTC')}`}`
}

function readRange(source: RangeSource, sample: number): Promise<Uint8Array> {
  return withRange(source, sample, async (handle, first, size) => {
    const bytes = await readAtMost(handle, first, Math.max(size, 0))
    if (bytes.length === size) return bytes
    throw new PreresnetError('ERR_FILE', `${sampleName(source, sample)}: expected ${size} bytes, got ${bytes.length}`)
  })
}

/** Samples that are read and worked on at a time. */
const portion = 64

/** The numbers of all samples, in portions. */
export function* portions(count: number): Generator<readonly number[], void, void> {
  for (let first = 0; first < count; first += portion) yield Array.from({ length: Math.min(portion, count - first) }, (_, index) => first + index)
}
