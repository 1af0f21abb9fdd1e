/** Sizes of image files, by their headers. */
import { throwIfAborted, unlessAborted } from '../abort.js'
import { PreresnetError } from '../errors.js'
import { readAtMost } from '../formats/file_range.js'
import { eachIndex } from '../limited.js'
import { loadBinding } from '../native/load.js'
import { CustomReads } from './custom_reads.js'
import { sampleCount, sampleName, shapeOf, type Dataset, type FileSource, type RangeSource } from './dataset.js'
import type { HeaderReading } from './reading.js'
import { rememberedFact } from './remembered_facts.js'
import type { IndexCache } from './remembered_index.js'
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
    const found = sizeOf(prefix)
    if (found !== undefined) return found
    const file = await readAtMost(handle, first, bytes)
    // To find the name takes time: only what is refused needs one.
    return sizeOf(file) ?? loadBinding().imageSize(file, { name: sampleName(source, sample) })
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

/** The first sample that has another size; undefined where all have this one. */
export async function sampleOfOtherSize(
  dataset: Pick<Dataset, 'fingerprint'> & { readonly source: FileSource },
  { height, width }: Size,
  reading: HeaderReading = {},
  cache?: IndexCache,
): Promise<(Size & { sample: number }) | undefined> {
  const count = sampleCount(dataset.source)
  const find = async (): Promise<{ numbers: Float64Array; read: number }> => {
    let other = [-1, height, width]
    let read = 0
    await eachSize(dataset.source, reading, (size, sample) => {
      read++
      if (size === undefined || (size.height === height && size.width === width)) return undefined
      // Those before it were begun before it, and come here too.
      if (other[0]! < 0 || sample < other[0]!) other = [sample, size.height, size.width]
      return 'enough'
    })
    return { numbers: Float64Array.from(other), read }
  }
  const isRight = (numbers: Float64Array): boolean => numbers.length === 3 && numbers.every(Number.isInteger) && numbers[0]! >= -1 && numbers[0]! < count
  const fact = ['other size', { height, width, corrupt: reading.corrupt ?? 'error' }] as const
  const [sample, ...size] = await rememberedFact(dataset, fact, isRight, find, cache)
  return sample! < 0 ? undefined : { sample: sample!, height: size[0]!, width: size[1]! }
}
