/** Datasets as one plain tar that WebDataset reads, with an index beside it. docs/sources.md describes both. */
import { basename } from 'node:path'
import { crc32 } from 'node:zlib'
import { throwIfAborted } from '../abort.js'
import { PreresnetError } from '../errors.js'
import { checkReplaceable, replaceFileBy } from '../formats/files.js'
import { writeAll } from '../formats/write_chunks.js'
import { mapLimited } from '../limited.js'
import { loadBinding } from '../native/load.js'
import { checkOptions, withDefaults } from '../options/check.js'
import type { ValuesOf } from '../options/spec.js'
import { checkDataset } from './check.js'
import { sampleAddress, sampleName, type Dataset } from './dataset.js'
import { derivedFingerprint } from './fingerprint.js'
import { endingOf } from './image_names.js'
import { packOptions, type PackOptions } from './options.js'
import { indexPath, type PackedArchive } from './packed.js'
import { pnmHeader } from './pnm.js'
import { portions, sampleReader } from './sample_bytes.js'
import { writeIndex, type PackedIndex } from './sample_index.js'
import { endOfTar, paddingOf, tarHeader } from './tar_header.js'

/** Digits of a key: more samples than there are numbers cannot be. */
const keyDigits = 10

/**
 * Writes a dataset as one tar that WebDataset reads, `KEY.jpg` and `KEY.cls` for each sample, in the order of the dataset, and an index beside it (`path` with .index behind it). `packedDataset` opens
 * both. Image files are taken as they are, or with `side` encoded anew as JPEG, or with `raw` stored as pixels. Both files replace older ones when they are whole.
 * @param dataset - What is packed: of any source.
 * @param path - The path of the archive.
 * @param options - What images become, and who is told how far it is.
 * @throws ERR_FILE where a file cannot be read or written.
 * @throws ERR_IMAGE where an image is none, or cannot be decoded; the message names it.
 * @throws ERR_OPTION where an option is unknown or out of range.
 * @throws ERR_ABORTED where `signal` ended it.
 */
export async function pack(dataset: Dataset, path: string, options: PackOptions = {}): Promise<PackedArchive> {
  checkDataset('pack', dataset)
  const given = withDefaults(packOptions, checkOptions('pack', packOptions, options))
  checkUseful(options)
  if (given.side !== undefined && given.raw !== undefined) throw new PreresnetError('ERR_OPTION', 'pack: expected either side or raw, got both')
  const { contents, encode } = encoding(given)
  const { length, labels, classes, source } = dataset
  if (source.kind === 'memory' && source.shape.channels !== 1 && source.shape.channels !== 3)
    throw new PreresnetError('ERR_DATASET', `${dataset.name}: expected images of 1 or 3 channels, got ${source.shape.channels}`)
  const read = sampleReader(source)
  const offset = new Float64Array(length)
  const bytes = new Float64Array(length)
  const checksums = new Uint32Array(length)
  const nameOf = namesOf(dataset, sampleAddress)
  const nameInErrors = namesOf(dataset, sampleName)
  const sampleOf = async (sample: number): Promise<Encoded> => {
    throwIfAborted(given.signal)
    try {
      return await encode(await read(sample))
    } catch (error) {
      throw named(nameInErrors(sample), error)
    }
  }
  // Before an hour of work: an archive without its index is of little use.
  for (const file of [path, indexPath(path)]) await checkReplaceable(file)
  const size = await replaceFileBy(path, async (file) => {
    let position = 0
    for (const samples of portions(length)) {
      const parts: Uint8Array[] = []
      const put = (...chunks: Uint8Array[]): void => {
        for (const chunk of chunks) {
          parts.push(chunk)
          position += chunk.length
        }
      }
      for (const [index, image] of (await mapLimited(samples, sampleOf)).entries()) {
        const sample = samples[index]!
        const key = String(sample).padStart(keyDigits, '0')
        const label = Buffer.from(String(labels[sample]!))
        put(tarHeader(`${key}.${image.ending}`, image.bytes.length))
        offset[sample] = position
        bytes[sample] = image.bytes.length
        checksums[sample] = crc32(image.bytes)
        put(image.bytes, paddingOf(image.bytes.length), tarHeader(`${key}.cls`, label.length), label, paddingOf(label.length))
      }
      const chunk = Buffer.concat(parts)
      await writeAll(file, chunk)
      given.onProgress?.({ done: samples.at(-1)! + 1, total: length, bytes: position })
    }
    await file.write(endOfTar)
    return position + endOfTar.length
  })
  const index: PackedIndex = {
    shards: [{ name: basename(path), bytes: size, modified: 0 }],
    classes,
    // Files as they were are the same data, wherever they lie.
    fingerprint: given.side === undefined && given.raw === undefined ? dataset.fingerprint : derivedFingerprint(dataset.fingerprint, `pack: ${contents}`),
    labels,
    file: new Int32Array(length),
    offset,
    length: bytes,
    contents,
    checksums,
    names: Array.from({ length }, (_, sample) => nameOf(sample)),
  }
  await writeIndex(indexPath(path), index)
  return { path, samples: length, bytes: size, contents }
}

/** ERR_OPTION for an option that would change nothing, which is a mistake. */
function checkUseful({ side, raw, quality, gray }: PackOptions): void {
  if (quality !== undefined && side === undefined) throw new PreresnetError('ERR_OPTION', 'pack: quality: expected side with it, got none')
  if (gray === true && side === undefined && raw === undefined) throw new PreresnetError('ERR_OPTION', 'pack: gray: expected side or raw with it, got neither')
}

interface Encoded {
  readonly bytes: Uint8Array
  readonly ending: string
}

interface Encoding {
  readonly contents: string
  readonly encode: (file: Uint8Array) => Promise<Encoded>
}

function encoding({ side, raw, quality, gray }: Pick<ValuesOf<typeof packOptions>, 'side' | 'raw' | 'quality' | 'gray'>): Encoding {
  const native = loadBinding()
  const channels = gray ? 1 : 3
  if (side !== undefined) {
    const encode = async (file: Uint8Array): Promise<Encoded> => {
      const { height, width } = native.imageSize(file, {})
      const ending = endingOf(file)
      if (Math.min(height, width) <= side && ending !== undefined && !gray) return { bytes: file, ending }
      const image = await native.decodeImage(file, { channels, ...(Math.min(height, width) > side && { resize: side }) })
      return { bytes: await native.encodeJpeg({ ...image, quality }), ending: 'jpg' }
    }
    return { contents: `JPEG, shorter side ${side}, quality ${quality}${gray ? ', gray' : ''}`, encode }
  }
  if (raw !== undefined) {
    const encode = async (file: Uint8Array): Promise<Encoded> => {
      const image = await native.decodeImage(file, { channels, resize: raw, height: raw, width: raw })
      return { bytes: Buffer.concat([Buffer.from(pnmHeader(image)), image.pixels]), ending: gray ? 'pgm' : 'ppm' }
    }
    return { contents: `pixels, ${raw} x ${raw} x ${channels}`, encode }
  }
  const encode = async (file: Uint8Array): Promise<Encoded> => {
    const ending = endingOf(file)
    if (ending === undefined) throw new PreresnetError('ERR_IMAGE', 'expected a JPEG, PNG, WebP or PNM file, got other contents')
    return { bytes: file, ending }
  }
  return { contents: 'files as they were', encode }
}

/** Of files in a folder, from there on. */
function namesOf({ name, source }: Dataset, nameIn: typeof sampleName): (sample: number) => string {
  if (source.kind === 'memory') return (sample) => String(sample)
  return (sample) => {
    const text = nameIn(source, sample)
    return text.startsWith(`${name}/`) ? text.slice(name.length + 1) : text
  }
}

/** Native errors of an image do not know what it is called. */
function named(name: string, error: unknown): unknown {
  if (!(error instanceof PreresnetError) || error.code !== 'ERR_IMAGE') return error
  return new PreresnetError(error.code, `${name}: ${error.message.replace(/^image: /, '')}`, { cause: error })
}
