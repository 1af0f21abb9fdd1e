/** Sizes of image files, by their headers. */
import { throwIfAborted, unlessAborted } from '../abort.js'
import { PreresnetError } from '../errors.js'
import { readAtMost } from '../formats/file_range.js'
import { eachIndex } from '../limited.js'
import { loadBinding } from '../native/load.js'
import { CustomReads } from './custom_reads.js'
import { sampleCount, sampleName, shapeOf, type FileSource, type RangeSource } from './dataset.js'
import type { HeaderReading } from './reading.js'
import { withRange } from './sample_bytes.js'

export interface Size {
  readonly height: number
  readonly width: number
}

/** A header is mostly shorter than this. */
const prefixBytes = 4096

/** As stored. ERR_FILE, ERR_DATASET or ERR_IMAGE with the name of the sample. */
export function storedSize(source: FileSource, sample: number): Promise<Size> {
  return sizeReader(source, undefined)(sample)
}

function sizeReader(source: FileSource, signal: AbortSignal | undefined): (sample: number) => Promise<Size> {
  if (source.kind === 'ranges') return (sample) => sizeOfRange(source, sample)
  const { pixels } = source
  if (pixels !== undefined) return () => Promise.resolve(pixels)
  const reads = new CustomReads(source)
  return async (sample) => loadBinding().imageSize(await unlessAborted(reads.read(sample), signal), { name: sampleName(source, sample) })
}

function sizeOfRange(source: RangeSource, sample: number): Promise<Size> {
  return withRange(source, sample, async (handle, first, size) => {
    const bytes = Math.max(size, 0)
    const prefix = await readAtMost(handle, first, Math.min(bytes, prefixBytes))
    return sizeOf(prefix) ?? loadBinding().imageSize(await readAtMost(handle, first, bytes), { name: sampleName(source, sample) })
  })
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

function isCorrupt(error: unknown): boolean {
  return error instanceof PreresnetError && error.code === 'ERR_IMAGE'
}

/** Tells `take` the size of each sample, in no order, until that is enough. What is no image has none, where it is skipped. Pixels all have the same: one is told. */
export async function eachSize(
  source: FileSource,
  { signal, corrupt = 'error' }: HeaderReading,
  take: (size: Size | undefined, sample: number) => 'enough' | undefined,
): Promise<void> {
  const read = sizeReader(source, signal)
  await eachIndex(shapeOf(source) === undefined ? sampleCount(source) : 1, async (sample) => {
    throwIfAborted(signal)
    const size = await read(sample).catch((error: unknown) => {
      if (corrupt === 'skip' && isCorrupt(error)) return undefined
      throw error
    })
    return take(size, sample)
  })
}

/** The first sample (about) that has another size; undefined where all have this one. */
export async function sampleOfOtherSize(
  source: FileSource,
  { height, width }: Size,
  reading: HeaderReading = {},
): Promise<(Size & { sample: number }) | undefined> {
  let other: (Size & { sample: number }) | undefined
  await eachSize(source, reading, (size, sample) => {
    if (size === undefined || (size.height === height && size.width === width)) return undefined
    other ??= { ...size, sample }
    return 'enough'
  })
  return other
}
