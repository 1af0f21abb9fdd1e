/** Where the samples of archives lie, as one pass over them found: a safetensors file, which other programs read too. docs/sources.md describes it. */
import { malformed } from '../formats/files.js'
import { SafetensorsFile, type SafetensorsTensor } from '../formats/safetensors.js'
import { isObject } from '../options/values.js'
import { checkKind, checkSeal, columnOf, parsedText, writeSealed, type Columns } from './sealed_file.js'

/** An archive that an index is of. */
export interface Shard {
  /** As it was given, or of an index beside its archive, the name alone. */
  readonly name: string
  readonly bytes: number
  /** When it was last written, in milliseconds; 0 where that says nothing. */
  readonly modified: number
  /** Images in it that are in a format that is not read. @default 0 */
  readonly passedOver?: number
}

export interface SampleIndex {
  readonly shards: readonly Shard[]
  readonly classes: readonly string[]
  readonly fingerprint: string
  readonly labels: Int32Array
  readonly file: Int32Array
  readonly offset: Float64Array
  readonly length: Float64Array
}

/** What an archive that was packed has beside that. */
export interface PackedIndex extends SampleIndex {
  /** What is in it, in words. */
  readonly contents: string
  /** CRC-32 of each sample's bytes. */
  readonly checksums: Uint32Array
  /** Of each sample, as its source called it. */
  readonly names: readonly string[]
}

const kind = { format: 'preresnet-index', version: 1 }

export function writeIndex(path: string, index: SampleIndex | PackedIndex): Promise<void> {
  const { shards, classes, fingerprint } = index
  const contents = 'contents' in index && { contents: index.contents }
  const metadata = { fingerprint, shards: JSON.stringify(shards), classes: JSON.stringify(classes), ...contents }
  return writeSealed(path, kind, metadata, placesOf(index), 'checksums' in index ? checksColumns(index) : {})
}

function checksColumns({ checksums, names }: PackedIndex): Columns {
  const bytes = new TextEncoder().encode(names.map((name) => `${name}\0`).join(''))
  return {
    crc32: { dtype: 'U32', shape: [checksums.length], data: checksums },
    names: { dtype: 'U8', shape: [bytes.length], data: bytes },
  }
}

/** What the index's own checksum is of, beside its texts. */
function placesOf({ labels, file, offset, length }: Pick<SampleIndex, 'labels' | 'file' | 'offset' | 'length'>): Columns {
  const shape = [labels.length]
  return {
    offset: { dtype: 'F64', shape, data: offset },
    bytes: { dtype: 'F64', shape, data: length },
    label: { dtype: 'I32', shape, data: labels },
    shard: { dtype: 'I32', shape, data: file },
  }
}

/** Names and checksums are not read: opening a million samples needs neither. ERR_FILE for what is no index, or of another version. */
export async function readIndex(path: string): Promise<SampleIndex> {
  await using file = await SafetensorsFile.open(path)
  return await checked(path, file)
}

/** The same of one that must have a checksum. */
export async function readSealedIndex(path: string): Promise<SampleIndex> {
  await using file = await SafetensorsFile.open(path)
  if (file.metadata['checksum'] === undefined) throw malformed(path, 'expected a checksum, got none')
  return await checked(path, file)
}

/** The same with all that a packed archive's index holds. */
export async function readPackedIndex(path: string): Promise<PackedIndex> {
  await using file = await SafetensorsFile.open(path)
  const index = await checked(path, file)
  const count = index.labels.length
  const checksums = await column(path, file, 'crc32', Uint32Array)
  const names = new TextDecoder().decode(await column(path, file, 'names', Uint8Array)).split('\0')
  if (checksums.length !== count) throw malformed(path, 'expected a checksum for each sample')
  if (names.length !== count + 1) throw malformed(path, `expected ${count} names, got ${names.length - 1}`)
  return { ...index, contents: file.metadata['contents'] ?? '', checksums, names: names.slice(0, count) }
}

async function checked(path: string, safetensors: SafetensorsFile): Promise<SampleIndex> {
  const { metadata } = safetensors
  checkKind(path, metadata, kind)
  const shards = parsedText(path, metadata, 'shards', 'a list of archives', (value) => isList(value, isShard))
  const classes = parsedText(path, metadata, 'classes', 'names of classes', (value) => isList(value, (name): name is string => typeof name === 'string'))
  const labels = await column(path, safetensors, 'label', Int32Array)
  const index = {
    shards,
    classes,
    fingerprint: metadata['fingerprint'] ?? '',
    labels,
    file: await column(path, safetensors, 'shard', Int32Array),
    offset: await column(path, safetensors, 'offset', Float64Array),
    length: await column(path, safetensors, 'bytes', Float64Array),
  }
  // Those that earlier versions packed have none.
  if (metadata['checksum'] !== undefined) checkSeal(path, metadata, placesOf(index))
  if (!/^[0-9a-f]{64}$/.test(index.fingerprint)) throw malformed(path, 'expected a fingerprint of 64 hex digits')
  checkRanges(path, index)
  return index
}

function checkRanges(path: string, { shards, classes, labels, file, offset, length }: SampleIndex): void {
  const count = labels.length
  if (count === 0) throw malformed(path, 'expected at least one sample')
  if (file.length !== count || offset.length !== count || length.length !== count) throw malformed(path, 'expected as many places as labels')
  for (let sample = 0; sample < count; sample++) {
    const shard = shards[file[sample]!]
    const [first, bytes] = [offset[sample]!, length[sample]!]
    const label = labels[sample]!
    const inside = shard !== undefined && Number.isSafeInteger(first) && Number.isSafeInteger(bytes) && first >= 0 && bytes >= 0 && first + bytes <= shard.bytes
    if (!inside) throw malformed(path, `sample ${sample}: expected a place within its shard, got bytes ${first} to ${first + bytes}`)
    if (label < 0 || label >= classes.length) throw malformed(path, `sample ${sample}: expected a label from 0 to ${classes.length - 1}, got ${label}`)
  }
}

function isShard(value: unknown): value is Shard {
  if (!isObject(value)) return false
  const { name, bytes, modified, passedOver = 0 } = value
  if (!Number.isSafeInteger(passedOver)) return false
  return typeof name === 'string' && name !== '' && Number.isSafeInteger(bytes) && (bytes as number) >= 0 && Number.isFinite(modified)
}

function isList<T>(value: unknown, is: (entry: unknown) => entry is T): value is readonly T[] {
  return Array.isArray(value) && value.length > 0 && value.every(is)
}

async function column<T extends SafetensorsTensor['data']>(path: string, file: SafetensorsFile, name: string, type: new (length: number) => T): Promise<T> {
  return columnOf(path, file.entries.has(name) ? { [name]: await file.read(name) } : {}, name, type)
}
