/** The directory of a zip archive, and where the contents of its entries lie. They are read where they are: an entry that is compressed is refused. */
import { quoted } from '../visible.js'
import { readRange, type SizedFile } from './file_range.js'
import { malformed } from './files.js'

/** One file of an archive. */
interface ZipEntry {
  readonly bytes: number
  /** Of the header before the contents. */
  readonly header: number
  /** Why the contents cannot be read; undefined where they can. */
  readonly refusal: string | undefined
}

/** Where the contents of an entry lie in the archive. */
interface Contents {
  readonly begin: number
  readonly bytes: number
}

const signatures = { local: 0x04034b50, entry: 0x02014b50, end: 0x06054b50, end64: 0x06064b50, locator: 0x07064b50 } as const
const lengths = { local: 30, entry: 46, end: 22, end64: 56, locator: 20 } as const
const longestComment = 0xffff
/** A directory is read as a whole: that of a thousand layers takes less than a megabyte. */
const largestDirectory = 16 << 20

export const zipMagic = signatures.local

const readBuffer = async (file: SizedFile, position: number, length: number): Promise<Buffer> => Buffer.from((await readRange(file, position, length)).buffer)

export class ZipArchive {
  readonly entries: ReadonlyMap<string, ZipEntry>
  readonly #file: SizedFile
  /** Contents end here at the latest. */
  readonly #end: number

  private constructor(file: SizedFile, entries: ReadonlyMap<string, ZipEntry>, end: number) {
    this.#file = file
    this.entries = entries
    this.#end = end
  }

  /** Reads the directory of an open file, which stays the caller's. ERR_FILE where it is truncated or malformed. */
  static async open(file: SizedFile): Promise<ZipArchive> {
    const { path } = file
    const { begin, bytes, count } = await findDirectory(file)
    if (bytes > largestDirectory) throw malformed(path, `expected a zip directory of at most ${largestDirectory} bytes, got ${bytes}`)
    const entries = readEntries(path, await readBuffer(file, begin, bytes), count, begin)
    return new ZipArchive(file, entries, begin)
  }

  /** Where the contents lie; the header before them says how far it reaches itself. */
  async contents(name: string): Promise<Contents> {
    const { path } = this.#file
    const entry = this.entries.get(name)
    if (entry === undefined) throw malformed(path, `expected an entry ${quoted(name)}, got none`)
    if (entry.refusal !== undefined) throw malformed(path, `${quoted(name)} is ${entry.refusal}`)
    const header = await readBuffer(this.#file, entry.header, lengths.local)
    const where = `the header of ${quoted(name)} at byte ${entry.header}`
    if (header.readUInt32LE(0) !== signatures.local) throw malformed(path, `${where} is not one of a zip entry`)
    const begin = entry.header + lengths.local + header.readUInt16LE(26) + header.readUInt16LE(28)
    if (begin + entry.bytes > this.#end)
      throw malformed(path, `${where}: expected contents that end before the directory at byte ${this.#end}, got ${begin + entry.bytes}`)
    return { begin, bytes: entry.bytes }
  }
}

interface Directory {
  readonly begin: number
  readonly bytes: number
  readonly count: number
}

/** By the record at the end of the file, behind which only a comment may stand. */
async function findDirectory(file: SizedFile): Promise<Directory> {
  const { path, size } = file
  const tail = Math.min(size, lengths.end + longestComment + lengths.locator)
  const bytes = await readBuffer(file, size - tail, tail)
  const at = endOf(bytes)
  if (at < 0) throw malformed(path, `truncated: a zip archive without the end of its directory in the last ${tail} of ${size} bytes`)
  const end = size - tail + at
  const given =
    at >= lengths.locator && bytes.readUInt32LE(at - lengths.locator) === signatures.locator
      ? await directory64(file, Number(bytes.readBigUInt64LE(at - lengths.locator + 8)), end - lengths.locator)
      : { count: bytes.readUInt16LE(at + 10), bytes: bytes.readUInt32LE(at + 12), begin: bytes.readUInt32LE(at + 16), limit: end }
  const { count, bytes: length, begin, limit } = given
  if (begin + length > limit) throw malformed(path, `expected a zip directory that ends before byte ${limit}, got bytes ${begin} to ${begin + length}`)
  if (count * lengths.entry > length)
    throw malformed(path, `expected at most ${Math.floor(length / lengths.entry)} entries in a zip directory of ${length} bytes, got ${count}`)
  return { begin, bytes: length, count }
}

/** -1 where there is none. */
function endOf(bytes: Buffer): number {
  let at = bytes.length - lengths.end
  while (at >= 0 && !(bytes.readUInt32LE(at) === signatures.end && at + lengths.end + bytes.readUInt16LE(at + 20) === bytes.length)) at--
  return Math.max(at, -1)
}

/** The record of archives whose sizes may need 64 bits. */
async function directory64(file: SizedFile, at: number, limit: number): Promise<Directory & { readonly limit: number }> {
  const { path } = file
  if (at + lengths.end64 > limit) throw malformed(path, `expected the record of a zip64 archive before byte ${limit}, got it at ${at}`)
  const record = await readBuffer(file, at, lengths.end64)
  if (record.readUInt32LE(0) !== signatures.end64) throw malformed(path, `byte ${at} is not the record of a zip64 archive`)
  const number = (offset: number): number => Number(record.readBigUInt64LE(offset))
  return { count: number(32), bytes: number(40), begin: number(48), limit: at }
}

function readEntries(path: string, directory: Buffer, count: number, limit: number): ReadonlyMap<string, ZipEntry> {
  const entries = new Map<string, ZipEntry>()
  let at = 0
  for (let index = 0; index < count; index++) {
    const where = `entry ${index + 1} of the zip directory`
    if (at + lengths.entry > directory.length || directory.readUInt32LE(at) !== signatures.entry) throw malformed(path, `${where} is malformed`)
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => directory.readUInt16LE(at + offset)) as [number, number, number]
    const nameAt = at + lengths.entry
    const next = nameAt + nameLength + extraLength + commentLength
    if (next > directory.length) throw malformed(path, `${where} is longer than the directory`)
    const name = directory.toString('utf8', nameAt, nameAt + nameLength)
    const told = `${where}, ${quoted(name)},`
    if (entries.has(name)) throw malformed(path, `${told} stands twice`)
    const refusal = refusalOf(directory.readUInt16LE(at + 8), directory.readUInt16LE(at + 10))
    const extra = directory.subarray(nameAt + nameLength, nameAt + nameLength + extraLength)
    const [bytes, stored, header] = sizes(directory.subarray(at, nameAt), extra)
    if (refusal === undefined && bytes !== stored) throw malformed(path, `${told} is stored in ${stored} bytes and has ${bytes}`)
    if (!(header + lengths.local + stored <= limit))
      throw malformed(path, `truncated: ${told} needs ${stored} bytes from ${header} on, the directory begins at ${limit}`)
    entries.set(name, { bytes, header, refusal })
    at = next
  }
  return entries
}

function refusalOf(flags: number, method: number): string | undefined {
  if ((flags & 1) === 1) return 'encrypted'
  return method === 0 ? undefined : `compressed (method ${method}); expected an entry that is stored, as torch.save writes them`
}

const unsaid = 0xffffffff

/** Size, stored size and place of the header: what does not fit into 32 bits stands in this order in an extra field. */
function sizes(entry: Buffer, extra: Buffer): readonly [number, number, number] {
  let wide = wideField(extra)
  const read = (offset: number): number => {
    const value = entry.readUInt32LE(offset)
    if (value !== unsaid || wide.length < 8) return value
    const widened = Number(wide.readBigUInt64LE(0))
    wide = wide.subarray(8)
    return widened
  }
  return [read(24), read(20), read(42)]
}

/** The extra field of zip64; empty where there is none. */
function wideField(extra: Buffer): Buffer {
  for (let at = 0; at + 4 <= extra.length;) {
    const end = at + 4 + extra.readUInt16LE(at + 2)
    if (extra.readUInt16LE(at) === 1) return extra.subarray(at + 4, end)
    at = end
  }
  return Buffer.alloc(0)
}
