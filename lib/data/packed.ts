/** Archives that `pack` wrote, by the index beside them. */
import { stat } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { throwIfAborted } from '../abort.js'
import { PreresnetError } from '../errors.js'
import { readAtMost } from '../formats/file_range.js'
import { mapLimited } from '../limited.js'
import { bytesOfName } from '../name_bytes.js'
import { string } from '../options/values.js'
import { hintIfMissing, openFile, unreadable } from '../regular_file.js'
import { checkClasses, readSourceOptions } from './check.js'
import type { Dataset, SourceOptions } from './dataset.js'
import { portions, sampleReader } from './sample_bytes.js'
import { readIndex, readPackedIndex, type SampleIndex } from './sample_index.js'
import { datasetOf } from './shards.js'
import { tarBlock } from './tar_header.js'

/** Where the index of an archive lies. */
export function indexPath(path: string): string {
  return `${path}.index`
}

/**
 * Opens an archive that `pack` wrote. Only its index is read, and three headers of the archive, which tell whether the two belong together. Where the files were packed as they were, a run on the folder can be
 * resumed on the archive.
 * @param path - The archive's path; the index is expected beside it, with .index behind the name.
 * @param options - Names of the classes, which must be those of the archive, and a signal.
 * @throws ERR_FILE where the archive or its index cannot be read, or the index is malformed.
 * @throws ERR_DATASET where the index is of another archive, or the classes are others.
 * @throws ERR_OPTION where an option is unknown.
 * @throws ERR_ABORTED where `signal` ended it.
 */
export async function packedDataset(path: string, options: SourceOptions = {}): Promise<Dataset> {
  string('packedDataset: path', path)
  const { classes, signal, rescan = false } = readSourceOptions('packedDataset', options)
  if (rescan) throw new PreresnetError('ERR_OPTION', 'packedDataset: rescan: expected none, since the index of a packed file is what `pack` wrote, got true')
  throwIfAborted(signal)
  const index = await indexOf(path, readIndex)
  await checkBelongs(path, index)
  checkClasses(path, index.classes, 'the names that are given', classes)
  return datasetOf(path, [path], index)
}

/** Whoever gave the path did not name the index, so its error says what it is. */
async function indexOf<T>(path: string, read: (path: string) => Promise<T>): Promise<T> {
  try {
    return await read(indexPath(path))
  } catch (error) {
    throw hintIfMissing(error, 'this is the index that `pack` writes beside an archive')
  }
}

async function checkBelongs(path: string, { shards, offset, length }: SampleIndex): Promise<void> {
  const [shard, ...more] = shards
  const fail = (reason: string): PreresnetError =>
    new PreresnetError(
      'ERR_DATASET',
      `${path}: ${reason}; the index ${indexPath(path)} is not of this archive: pack it again, or read it with tarDataset, which needs none`,
    )
  try {
    const { size } = await stat(bytesOfName(path))
    if (more.length > 0 || size !== shard!.bytes) throw fail(`expected ${shard!.bytes} bytes, got ${size}`)
    await using file = await openFile(path)
    const last = offset.length - 1
    for (const sample of new Set([0, Math.floor(last / 2), last])) {
      const header = await readAtMost(file, Math.max(offset[sample]! - tarBlock, 0), tarBlock)
      const isHeader = header.toString('latin1', 257, 262) === 'ustar' && parseInt(header.toString('latin1', 124, 135), 8) === length[sample]
      if (!isHeader) throw fail(`expected the header of sample ${sample} before byte ${offset[sample]!}, got other bytes`)
    }
  } catch (error) {
    throw unreadable(path, error)
  }
}

/** What `pack` has written. */
export interface PackedArchive {
  /** The archive has this path; its index has the same with .index behind it. */
  readonly path: string
  /** The number of samples is at least 1. */
  readonly samples: number
  /** The archive has at least 1024 bytes. */
  readonly bytes: number
  /** What is in it is said in words: 'files as they were', 'JPEG, shorter side 256, quality 90', 'pixels, 256 x 256 x 3'. */
  readonly contents: string
}

/** How far a pass over an archive is. */
export interface PackProgress {
  /** The number of samples that are done is at least 1. */
  readonly done: number
  /** The number of all samples is at least 1. */
  readonly total: number
  /** The number of bytes that were written or read is at least 0. */
  readonly bytes: number
}

/** The options of `verifyPacked` are these. */
export interface VerifyOptions {
  /** This signal ends it with ERR_ABORTED. @default undefined */
  readonly signal?: AbortSignal
  /** This function is told how far it is. @default undefined */
  readonly onProgress?: (progress: PackProgress) => void
}

/**
 * Reads every sample of an archive and compares it with the checksum in the index.
 * @param path - The archive's path.
 * @param options - A signal, and who is told how far it is.
 * @throws ERR_FILE where a sample is not what was packed; the message names it and its first byte.
 * @throws ERR_DATASET where the index is of another archive.
 * @throws ERR_ABORTED where `signal` ended it.
 */
export async function verifyPacked(path: string, { signal, onProgress }: VerifyOptions = {}): Promise<PackedArchive> {
  string('verifyPacked: path', path)
  const index = await indexOf(path, readPackedIndex)
  await checkBelongs(path, index)
  const { checksums, names, offset, length } = index
  const read = sampleReader(datasetOf(path, [path], index).source)
  const total = checksums.length
  let bytes = 0
  for (const samples of portions(total)) {
    throwIfAborted(signal)
    await mapLimited(samples, async (sample) => {
      if (crc32(await read(sample)) === checksums[sample]) return
      throw new PreresnetError(
        'ERR_FILE',
        `${path} at byte ${offset[sample]!}: ${names[sample]!}: expected the checksum of the index, got other bytes (sample ${sample})`,
      )
    })
    for (const sample of samples) bytes += length[sample]!
    onProgress?.({ done: samples.at(-1)! + 1, total, bytes })
  }
  return { path, samples: total, bytes: index.shards[0]!.bytes, contents: index.contents }
}
