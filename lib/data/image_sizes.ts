/** Sizes of image files, by their headers. */
import type { FileHandle } from 'node:fs/promises'
import { throwIfAborted, unlessAborted } from '../abort.js'
import { PreresnetError } from '../errors.js'
import { readAtMost } from '../formats/file_range.js'
import { mapLimited } from '../limited.js'
import { loadBinding } from '../native/load.js'
import { openFile, unreadable } from '../regular_file.js'
import { CustomReads } from './custom_reads.js'
import { sampleCount, sampleName, type CustomSource, type FileSource, type RangeSource } from './dataset.js'
import type { HeaderReading } from './reading.js'

interface Size {
  readonly height: number
  readonly width: number
}

/** A header is mostly shorter than this. */
const prefixBytes = 4096

/** As stored. ERR_FILE, ERR_DATASET or ERR_IMAGE with the name of the sample. */
export async function storedSize(source: FileSource, sample: number): Promise<Size> {
  if (source.kind === 'ranges') return sizeOfRange(source, sample)
  return sizeOfRead(source, new CustomReads(source), sample)
}

async function sizeOfRead(source: CustomSource, reads: CustomReads, sample: number): Promise<Size> {
  return source.pixels ?? loadBinding().imageSize(await reads.read(sample), { name: sampleName(source, sample) })
}

async function sizeOfRange(source: RangeSource, sample: number): Promise<Size> {
  const { files, file, offset, length } = source
  const path = files[file[sample]!]!
  const first = offset[sample]!
  const where = sampleName(source, sample)
  let handle: FileHandle | undefined
  try {
    handle = await openFile(path)
    const size = Math.max(length[sample]! < 0 ? (await handle.stat()).size - first : length[sample]!, 0)
    const prefix = await readAtMost(handle, first, Math.min(size, prefixBytes))
    return sizeOf(prefix) ?? loadBinding().imageSize(await readAtMost(handle, first, size), { name: where })
  } catch (error) {
    throw unreadable(path, error)
  } finally {
    await handle?.close()
  }
}

/** Undefined where the header is not whole. */
function sizeOf(prefix: Uint8Array): Size | undefined {
  try {
    return loadBinding().imageSize(prefix, {})
  } catch (error) {
    if (isCorrupt(error)) return undefined
    throw error
  }
}

export function isCorrupt(error: unknown): boolean {
  return error instanceof PreresnetError && error.code === 'ERR_IMAGE'
}

/** The first sample (about) that has another size; undefined where all have this one. What is no image has none, where that is skipped. */
export async function sampleOfOtherSize(
  source: FileSource,
  { height, width }: Size,
  { signal, corrupt = 'error' }: HeaderReading = {},
): Promise<(Size & { sample: number }) | undefined> {
  let other: (Size & { sample: number }) | undefined
  // Lanes over indices: a list of a million of them would be made for nothing.
  let next = 0
  const count = source.kind === 'custom' && source.pixels !== undefined ? 1 : sampleCount(source)
  const reads = source.kind === 'custom' ? new CustomReads(source) : undefined
  const lane = async (): Promise<void> => {
    while (next < count && other === undefined) {
      const sample = next++
      throwIfAborted(signal)
      const size = source.kind === 'ranges' ? sizeOfRange(source, sample) : unlessAborted(sizeOfRead(source, reads!, sample), signal)
      const stored = await size.catch((error: unknown) => {
        if (corrupt === 'skip' && isCorrupt(error)) return { height, width }
        throw error
      })
      if (stored.height !== height || stored.width !== width) other ??= { ...stored, sample }
    }
  }
  await mapLimited(Array.from({ length: 16 }), lane)
  return other
}
