/** Safetensors files that say what they are, in which version, and a checksum: what was cut off, damaged or is another program's is not believed. */
import { crc32 } from 'node:zlib'
import { SafetensorsFile, writeSafetensors, type Metadata, type SafetensorsTensor } from '../formats/safetensors.js'
import { malformed } from '../formats/files.js'

export type Columns = Readonly<Record<string, SafetensorsTensor>>

interface Sealed {
  readonly metadata: Metadata
  readonly columns: Columns
}

interface Kind {
  readonly format: string
  readonly version: number
}

/** CRC-32 of texts and columns with their names, in the order of the names. */
function checksumOf(metadata: Metadata, columns: Columns): string {
  let sum = 0
  const sorted = <T>(values: Readonly<Record<string, T>>): [string, T][] => Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [name, text] of sorted(metadata)) if (name !== 'checksum') sum = crc32(`${name}\0${text}\0`, sum)
  for (const [name, { data }] of sorted(columns)) sum = crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), crc32(`${name}\0`, sum))
  return sum.toString(16).padStart(8, '0')
}

/** `beside`: columns that the checksum is not of, since opening the file does not read them. */
export async function writeSealed(path: string, { format, version }: Kind, metadata: Metadata, columns: Columns, beside: Columns = {}): Promise<void> {
  const texts = { format, version: String(version), ...metadata }
  await writeSafetensors(path, new Map(Object.entries({ ...columns, ...beside })), { ...texts, checksum: checksumOf(texts, columns) })
}

/** ERR_FILE for what cannot be read, is of another format or version, or has another checksum than it says. */
export async function readSealed(path: string, { format, version }: Kind): Promise<Sealed> {
  await using file = await SafetensorsFile.open(path)
  const { metadata } = file
  checkKind(path, metadata, { format, version })
  const columns: Record<string, SafetensorsTensor> = {}
  for (const name of file.entries.keys()) columns[name] = await file.read(name)
  checkSeal(path, metadata, columns)
  return { metadata, columns }
}

export function checkKind(path: string, metadata: Metadata, { format, version }: Kind): void {
  if (metadata['format'] !== format) throw malformed(path, `expected the format ${format}, got ${JSON.stringify(metadata['format'] ?? 'none')}`)
  if (metadata['version'] !== String(version)) throw malformed(path, `expected version ${version} of ${format}, got ${String(metadata['version'])}`)
}

export function checkSeal(path: string, metadata: Metadata, columns: Columns): void {
  const sum = checksumOf(metadata, columns)
  if (metadata['checksum'] !== sum)
    throw malformed(path, `expected the checksum ${metadata['checksum'] ?? '(none)'}, got other bytes (${sum}); was it damaged?`)
}

/** ERR_FILE where the column is missing, of another type, or has another number of values. */
export function columnOf<T extends SafetensorsTensor['data']>(
  path: string,
  columns: Columns,
  name: string,
  type: new (length: number) => T,
  length?: number,
): T {
  const data = columns[name]?.data
  if (data instanceof type && (length === undefined || data.length === length)) return data
  const expected = `${type.name}${length === undefined ? '' : ` of ${length} values`}`
  throw malformed(path, `${JSON.stringify(name)}: expected a ${expected}, got ${data === undefined ? 'none' : `a ${data.constructor.name} of ${data.length}`}`)
}

/** A text of the metadata that is JSON and is what it should be. */
export function parsedText<T>(path: string, metadata: Metadata, key: string, expected: string, is: (value: unknown) => value is T): T {
  let value: unknown
  try {
    value = JSON.parse(metadata[key] ?? '')
  } catch {
    value = undefined
  }
  if (is(value)) return value
  throw malformed(path, `expected ${expected} in the metadata, as "${key}"`)
}
