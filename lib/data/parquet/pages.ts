/** Pages of a column, one after another: what their headers say, and their bytes as they were before they were compressed. */
import { PreresnetError } from '../../errors.js'
import { ByteWindow } from '../../formats/file_range.js'
import type { ByteFile } from '../byte_file.js'
import { decompress, SnappyLiterals } from './compression.js'
import type { Chunk } from './footer.js'
import { MalformedPage } from './levels.js'
import { EndOfBytes, readThrift, type ThriftStruct, type ThriftValue } from './thrift.js'

/** Where the compressed bytes lie, and what they are. */
export interface StoredPage {
  readonly codec: string
  readonly offset: number
  readonly bytes: number
  /** When they are decompressed. */
  readonly length: number
}

export interface Page {
  /** A dictionary's values are those that pages behind it have by their numbers. */
  readonly kind: 'dictionary' | 'data'
  /** Of a value that is missing there is none, but a level. */
  readonly values: number
  readonly encoding: 'PLAIN' | 'dictionary'
  /** Which values are there, packed; empty where none may be missing. */
  readonly levels: Uint8Array
  /** Of the values: how many bytes they have, and any of these. */
  readonly size: number
  read(position: number, length: number): Promise<Uint8Array>
  /** The first byte of these in the file, where they lie there as they are. Asked in their order. */
  place(position: number, length: number): number | undefined
  readonly stored: StoredPage
  /** Where the values begin in the stored page. */
  readonly begin: number
}

/** Of a header, mostly; and of any: it may have values in it. */
const headerBytes = 4096
const mostHeaderBytes = 1 << 20
/** A value has its length before it. */
const windowBytes = 4096

const encodings: Readonly<Record<number, Page['encoding']>> = { 0: 'PLAIN', 2: 'dictionary', 8: 'dictionary' }
const encodingNames = ['PLAIN', 'GROUP_VAR_INT', 'PLAIN_DICTIONARY', 'RLE', 'BIT_PACKED', 'DELTA_BINARY_PACKED', 'DELTA_LENGTH_BYTE_ARRAY', 'DELTA_BYTE_ARRAY']

/** `level`: of a value that is there. ERR_FILE with the path and the first byte of the page. */
export async function* pagesOf(file: ByteFile, { begin, end, values, codec }: Chunk, level: number): AsyncGenerator<Page, void, void> {
  let position = begin
  for (let left = values; left > 0;) {
    const at = position
    try {
      const { value: header, end: headerEnd } = await readHeader(file, position, end)
      const bytes = numberOf(header, 3)
      position += headerEnd + bytes
      if (position > end) throw new MalformedPage(`expected a page within its column, got ${bytes} bytes`)
      const kind = numberOf(header, 1)
      // Of indexes: nothing has ever been said of what is in them.
      if (kind === 1) continue
      const stored = { codec, offset: at + headerEnd, bytes, length: numberOf(header, 2) }
      const page = await pageOf(file, kind, header, stored, level)
      if (page.kind === 'data') left -= page.values
      if (left < 0 || (page.kind === 'data' && page.values === 0)) throw new MalformedPage(`expected pages of ${values} values together, got others`)
      yield page
    } catch (error) {
      if (!(error instanceof MalformedPage)) throw error
      throw new PreresnetError('ERR_FILE', `${file.path}: the page at byte ${at}: ${error.message}`)
    }
  }
}

async function readHeader(file: ByteFile, position: number, end: number): Promise<{ value: ThriftStruct; end: number }> {
  for (let length = headerBytes; ; length = mostHeaderBytes) {
    const bytes = await file.read(position, Math.min(length, Math.max(end - position, 0)))
    try {
      return readThrift(bytes)
    } catch (error) {
      if (!(error instanceof EndOfBytes)) throw new MalformedPage((error as Error).message)
      if (bytes.length < length || length === mostHeaderBytes) throw new MalformedPage('expected its header, got the end')
    }
  }
}

function numberOf(struct: ThriftStruct, field: number): number {
  const value = struct.get(field)
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value < 2 ** 31) return value
  throw new MalformedPage(`expected a number from 0 on in field ${field} of its header`)
}

function structOf(struct: ThriftStruct, field: number): ThriftStruct {
  const value: ThriftValue | undefined = struct.get(field)
  if (value instanceof Map) return value as ThriftStruct
  throw new MalformedPage(`expected a structure in field ${field} of its header`)
}

function encodingOf(number: number): Page['encoding'] {
  const encoding = encodings[number]
  if (encoding !== undefined) return encoding
  throw new MalformedPage(`expected the encoding PLAIN or a dictionary, got ${encodingNames[number] ?? `number ${number}`}; write the file anew with PLAIN`)
}

const noLevels = new Uint8Array(0)

async function pageOf(file: ByteFile, kind: number, header: ThriftStruct, stored: StoredPage, level: number): Promise<Page> {
  if (kind === 2) {
    const values = numberOf(structOf(header, 7), 1)
    const body = await bodyOf(file, stored)
    return { kind: 'dictionary', values, encoding: 'PLAIN', levels: noLevels, ...body, stored, begin: 0 }
  }
  if (kind === 3) return pageOfVersion2(file, structOf(header, 8), stored)
  if (kind !== 0) throw new MalformedPage(`expected a page of data or a dictionary, got kind ${kind}`)
  const own = structOf(header, 5)
  const body = await bodyOf(file, stored)
  const { levels, begin } = level === 0 ? { levels: noLevels, begin: 0 } : await levelsBefore(body)
  return { kind: 'data', values: numberOf(own, 1), encoding: encodingOf(numberOf(own, 2)), levels, ...from(body, begin), stored, begin }
}

type Body = Pick<Page, 'size' | 'read' | 'place'>

/** Levels stand before the values, with their length. */
async function levelsBefore({ size, read }: Body): Promise<{ readonly levels: Uint8Array; readonly begin: number }> {
  if (size < 4) throw new MalformedPage('expected levels before the values, got the end')
  const length = new DataView((await read(0, 4)).slice().buffer).getUint32(0, true)
  if (length > size - 4) throw new MalformedPage(`expected levels within the page, got ${length} bytes`)
  return { levels: (await read(4, length)).slice(), begin: 4 + length }
}

/** Without the bytes before `begin`. */
function from({ size, read, place }: Body, begin: number): Body {
  return {
    size: size - begin,
    read: (position, length) => read(begin + position, length),
    place: (position, length) => place(begin + position, length),
  }
}

/** Levels are never compressed there. */
async function pageOfVersion2(file: ByteFile, own: ThriftStruct, stored: StoredPage): Promise<Page> {
  const [definition, repetition] = [numberOf(own, 5), numberOf(own, 6)]
  const before = definition + repetition
  if (before > stored.bytes || before > stored.length) throw new MalformedPage('expected levels within the page')
  const levels = (await file.read(stored.offset + repetition, definition)).slice()
  const codec = own.get(7) === false ? 'UNCOMPRESSED' : stored.codec
  const behind = { codec, offset: stored.offset + before, bytes: stored.bytes - before, length: stored.length - before }
  const body = await bodyOf(file, behind)
  return { kind: 'data', values: numberOf(own, 1), encoding: encodingOf(numberOf(own, 4)), levels, ...body, stored: behind, begin: 0 }
}

async function bodyOf(file: ByteFile, { codec, offset, bytes, length }: StoredPage): Promise<Body> {
  if (codec === 'UNCOMPRESSED') {
    if (length !== bytes) throw new MalformedPage(`expected as many bytes as are stored (${bytes}), got ${length}`)
    const window = new ByteWindow({ size: bytes, read: (position, count) => file.read(offset + position, count) }, windowBytes)
    return { size: bytes, read: (position, count) => window.read(position, count), place: (position) => offset + position }
  }
  const compressed = await file.read(offset, bytes)
  const page = decompress(codec, compressed, length)
  const literals = codec === 'SNAPPY' ? new SnappyLiterals(compressed, length) : undefined
  return {
    size: length,
    read: (position, count) => Promise.resolve(page.subarray(position, position + count)),
    place(position, count) {
      const place = literals?.place(position, count)
      return place === undefined ? undefined : offset + place
    },
  }
}

/** The bytes of a stored page, decompressed. ERR_FILE. */
export async function readStored(file: ByteFile, { codec, offset, bytes, length }: StoredPage): Promise<Uint8Array> {
  try {
    return decompress(codec, await file.read(offset, bytes), length)
  } catch (error) {
    throw error instanceof MalformedPage ? new PreresnetError('ERR_FILE', `${file.path}: the page at byte ${offset}: ${error.message}`) : error
  }
}
