/** Where the files in a tar lie: ustar headers, with pax records and GNU's long names. Reads the headers alone, and trusts none of them. */
import { throwIfAborted } from '../abort.js'
import { PreresnetError } from '../errors.js'
import { ByteWindow } from '../formats/file_range.js'
import { nameOf } from '../name_bytes.js'
import { unreadable } from '../regular_file.js'
import { openLocal, type ByteFile } from './byte_file.js'
import { tarBlock as block } from './tar_header.js'

export interface TarEntry {
  readonly name: string
  /** Of its first byte in the tar. */
  readonly offset: number
  readonly length: number
  /** A link has no bytes of its own. */
  readonly kind: 'file' | 'link'
}

/** Of names and pax records: no path is longer. */
const longest = 1 << 20
/** Small entries, as labels are, lie in one piece with the headers around them. */
const windowBytes = 1 << 15

interface Following {
  readonly name?: string
  readonly size?: number
}

/** Entries that are files or links, in the order of the tar. ERR_FILE with path and byte for what is no tar, or not a whole one. */
export async function* tarEntries(bytes: TarBytes, signal: AbortSignal | undefined): AsyncGenerator<TarEntry, void, void> {
  const { path } = bytes
  let next: Following = {}
  let position = 0
  for (;;) {
    throwIfAborted(signal)
    if (position + block > bytes.size) fail(path, `expected a block of zeros at its end, got the end at byte ${bytes.size}; was it cut off?`)
    const header = Buffer.from(await bytes.read(position, block))
    if (header.every((byte) => byte === 0)) return
    checkHeader(path, header, position)
    const kind = String.fromCharCode(header[156]!)
    if (kind === 'S') fail(path, `the entry at byte ${position} is sparse; make the tar without --sparse`)
    const size = next.size !== undefined && !'xgL'.includes(kind) ? next.size : numberIn(path, header, position)
    const offset = position + block
    if (offset + size > bytes.size) fail(path, `the entry at byte ${position} has ${size} bytes, more than the file has left; was it cut off?`)
    if (kind === 'L') next = { ...next, name: text(await bytes.read(offset, checkedLength(path, size))) }
    else if (kind === 'x') next = { ...next, ...paxRecords(path, Buffer.from(await bytes.read(offset, checkedLength(path, size)))) }
    else if (kind !== 'g') {
      const name = next.name ?? nameIn(header)
      if (kind === '0' || kind === '\0' || kind === '7') yield { name, offset, length: size, kind: 'file' }
      else if (kind === '1' || kind === '2') yield { name, offset, length: 0, kind: 'link' }
      next = {}
    }
    position = offset + Math.ceil(size / block) * block
  }
}

/** A tar that is read here and there, through a window. */
export class TarBytes implements AsyncDisposable {
  readonly file: ByteFile
  readonly #window: ByteWindow

  private constructor(file: ByteFile) {
    this.file = file
    this.#window = new ByteWindow(file, windowBytes)
  }

  static async open(path: string, open = openLocal): Promise<TarBytes> {
    const file = await open(path)
    try {
      const bytes = new TarBytes(file)
      const [first, second] = await bytes.read(0, Math.min(2, file.size))
      if (first === 0x1f && second === 0x8b)
        fail(path, `the tar is compressed, and images are read from addresses in it; unpack it first: gunzip --keep '${path.replaceAll("'", `'\\''`)}'`)
      if (file.size < block) fail(path, `expected a tar, got ${file.size} bytes`)
      return bytes
    } catch (error) {
      await file.close()
      throw unreadable(path, error)
    }
  }

  get path(): string {
    return this.file.path
  }

  get size(): number {
    return this.file.size
  }

  /** Bytes that lie inside the file's size. */
  read(position: number, length: number): Promise<Uint8Array> {
    return this.#window.read(position, length)
  }

  close(): Promise<void> {
    return this.file.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function fail(path: string, reason: string): never {
  throw new PreresnetError('ERR_FILE', `${path}: ${reason}`)
}

function checkHeader(path: string, header: Buffer, position: number): void {
  // The sum is taken with spaces in its own field.
  let sum = 0
  for (let index = 0; index < block; index++) sum += index >= 148 && index < 156 ? 32 : header[index]!
  if (parseInt(text(header.subarray(148, 156)), 8) !== sum) fail(path, `expected the header of a tar's entry at byte ${position}, got other bytes`)
}

/** Octal digits, or binary where the first bit is set: files of 8 GiB and more. */
function numberIn(path: string, header: Buffer, position: number): number {
  const field = header.subarray(124, 136)
  const digits = text(field).trim() || '0'
  const size = (field[0]! & 0x80) === 0 ? (/^[0-7]+$/.test(digits) ? parseInt(digits, 8) : NaN) : binary(field)
  return checkedSize(path, size, `the entry at byte ${position}`)
}

/** Of twelve bytes; the first bit says that they are a number, the second that it is negative. */
function binary(field: Buffer): number {
  const upper = field.subarray(1, 4).some((byte) => byte !== 0) || (field[0]! & 0x7f) !== 0
  return upper ? NaN : Number(field.readBigUInt64BE(4))
}

function checkedSize(path: string, size: number, what: string): number {
  return Number.isSafeInteger(size) && size >= 0 ? size : fail(path, `${what}: expected a size in bytes, got another text or number`)
}

function checkedLength(path: string, size: number): number {
  return size <= longest ? size : fail(path, `expected names of at most ${longest} bytes, got ${size}`)
}

function nameIn(header: Buffer): string {
  const name = text(header.subarray(0, 100))
  const prefix = header.toString('latin1', 257, 262) === 'ustar' && header[263] === 0x30 ? text(header.subarray(345, 500)) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

function paxRecords(path: string, records: Buffer): Following {
  const found: { name?: string; size?: number } = {}
  for (let position = 0; position < records.length;) {
    const space = records.indexOf(0x20, position)
    const digits = records.toString('latin1', position, Math.max(space, position))
    const length = /^\d{1,9}$/.test(digits) ? Number(digits) : NaN
    if (!(length >= 5) || position + length > records.length || space + 1 >= position + length) fail(path, 'a pax record is malformed')
    const [key, ...value] = nameOf(records.subarray(space + 1, position + length - 1)).split('=')
    if (key === 'path') found.name = value.join('=')
    if (key === 'size') found.size = checkedSize(path, /^\d+$/.test(value.join('=')) ? Number(value.join('=')) : NaN, 'a pax record')
    if (key!.startsWith('GNU.sparse.')) fail(path, 'an entry is sparse; make the tar without --sparse')
    position += length
  }
  return found
}

/** To the first zero. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return nameOf(Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)))
}
