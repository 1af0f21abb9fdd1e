/** The bytes of single samples, for what reads them all once and in order. */
import { PreresnetError } from '../errors.js'
import { readAtMost } from '../formats/file_range.js'
import { openFile, unreadable } from '../regular_file.js'
import { CustomReads } from './custom_reads.js'
import { sampleName, type Dataset, type MemorySource, type RangeSource } from './dataset.js'
import { pnmHeader } from './pnm.js'

/** The ending of a file's name, by its first bytes. Undefined for what is no image that is read. */
export function endingOf(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 12)).toString('latin1')
  if (start.startsWith('\xff\xd8\xff')) return 'jpg'
  if (start.startsWith('\x89PNG\r\n\x1a\n')) return 'png'
  if (/^P[56]\s/.test(start)) return start[1] === '5' ? 'pgm' : 'ppm'
  return undefined
}

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

async function readRange(source: RangeSource, sample: number): Promise<Uint8Array> {
  const { files, file, offset, length } = source
  const path = files[file[sample]!]!
  try {
    await using handle = await openFile(path)
    const first = offset[sample]!
    const size = length[sample]! < 0 ? (await handle.stat()).size - first : length[sample]!
    const bytes = await readAtMost(handle, first, Math.max(size, 0))
    if (bytes.length === size) return bytes
    throw new PreresnetError('ERR_FILE', `${sampleName(source, sample)}: expected ${size} bytes, got ${bytes.length}`)
  } catch (error) {
    throw unreadable(path, error)
  }
}
