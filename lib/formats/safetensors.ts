/**
 * Safetensors: u64 little-endian length of a JSON header, the header, then the data of all tensors without holes. Read whole or
 * tensor by tensor; everything that a header claims is checked before anything is read by it.
 */
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { PreresnetError } from '../errors.js'
import { path as checkPath } from '../options/values.js'
import { duplicateName } from './duplicate_names.js'
import { openSized, readInto, readRange, type SizedFile } from './file_range.js'
import { fileError, malformed, replaceFileBy } from './files.js'
import { decodeTensor, elementsOf, tensorType, type SafetensorsType, type TensorValues } from './tensor_types.js'
import { writeAll } from './write_chunks.js'

/** A tensor has a type, a shape and values. */
export interface SafetensorsTensor {
  /** The numbers are stored in this type; of a type that the format's table does not have, `data` are the bytes in the file. */
  readonly dtype: SafetensorsType | (string & Record<never, never>)
  /** The sizes [dimensions] are at least 0 each; a scalar has none. */
  readonly shape: readonly number[]
  /** The values are in row-major order [elements]. */
  readonly data: TensorValues
}

/** A file's metadata are texts by their names. */
export type Metadata = Readonly<Record<string, string>>

/** The header of a file says of a tensor what it is and where it lies. */
export interface SafetensorsEntry {
  /** The numbers are stored in this type. */
  readonly dtype: SafetensorsType | (string & Record<never, never>)
  /** The sizes [dimensions] are at least 0 each; a scalar has none. */
  readonly shape: readonly number[]
  /** The first byte, counted from the start of the data, is at least 0. */
  readonly begin: number
  /** The first byte behind it, counted from the start of the data, is at least `begin`. */
  readonly end: number
}

const maximalHeader = 100_000_000
/** Bytes per slice of work on the event loop. */
const chunkBytes = 1 << 20
/** Bytes that are read at once for several tensors; a larger tensor is read alone. */
const spanBytes = 8 << 20
/** Bytes of the widest type's values. */
const alignment = 8

/** A file that is open: its header is read, its tensors when they are asked for. */
export class SafetensorsFile implements AsyncDisposable {
  /** The file has this path. */
  readonly path: string
  /** The file carries these texts. */
  readonly metadata: Metadata
  /** What tensors there are, in the file's order of names. */
  readonly entries: ReadonlyMap<string, SafetensorsEntry>
  readonly #file: SizedFile
  readonly #start: number

  private constructor(file: SizedFile, header: Header, start: number) {
    this.path = file.path
    this.#file = file
    this.#start = start
    this.metadata = header.metadata
    this.entries = header.entries
  }

  /**
   * Opens a file and reads its header.
   * @param path - The file's path.
   * @throws ERR_FILE where it is missing, truncated or malformed.
   */
  static async open(path: string): Promise<SafetensorsFile> {
    checkPath('file to read', path)
    let file
    try {
      file = await openSized(path)
      const { size } = file
      if (size < 8) throw malformed(path, `expected at least 8 bytes, got ${size}`)
      const length = new DataView((await readRange(file, 0, 8)).buffer).getBigUint64(0, true)
      if (length > BigInt(maximalHeader)) throw malformed(path, `expected a header of at most ${maximalHeader} bytes, got ${length}; is it a safetensors file?`)
      const start = 8 + Number(length)
      if (start > size) throw malformed(path, `truncated: the header needs ${start} bytes, the file has ${size}`)
      const header = parseHeader(path, await readRange(file, 8, Number(length)), size - start)
      return new SafetensorsFile(file, header, start)
    } catch (error) {
      await file?.handle.close()
      throw fileError('could not read', path, error)
    }
  }

  /**
   * Reads one tensor.
   * @param name - The tensor's name.
   * @throws ERR_PARAMETER where there is no tensor of that name.
   * @throws ERR_FILE where it cannot be read.
   */
  async read(name: string): Promise<SafetensorsTensor> {
    const { dtype, shape, begin, end } = this.#entry(name)
    const bytes = await readRange(this.#file, this.#start + begin, end - begin)
    return { dtype, shape, data: decodeTensor(dtype, bytes) }
  }

  /**
   * @internal Gives tensors in the order in which they lie in the file. The file is read in large pieces into two buffers: the next piece is read while the tensors of
   * the current one are used, and no tensor takes memory of its own. The values of a tensor are valid until the next tensor is asked for.
   */
  async *readInOrder(names: Iterable<string>): AsyncGenerator<[name: string, tensor: SafetensorsTensor], void> {
    const spans = spansOf([...names].map((name) => ({ name, ...this.#entry(name) })))
    const longest = Math.max(0, ...spans.map(({ begin, end }) => end - begin))
    const buffers = spans.slice(0, 2).map(() => new Uint8Array(longest + alignment))
    const read = async (index: number): Promise<Uint8Array<ArrayBuffer>> => {
      const span = spans[index]
      if (span === undefined) return new Uint8Array(0)
      // Values lie in memory as they do in the file, in which most are aligned.
      const at = (this.#start + span.begin) % alignment
      return readInto(this.#file, this.#start + span.begin, buffers[index % 2]!.subarray(at, at + span.end - span.begin))
    }
    let next = read(0)
    try {
      for (const [index, span] of spans.entries()) {
        const bytes = await next
        next = read(index + 1)
        next.catch(() => undefined) // the error is thrown once this piece is wanted
        for (const { name, dtype, shape, begin, end } of span.tensors)
          yield [name, { dtype, shape, data: decodeTensor(dtype, bytes.subarray(begin - span.begin, end - span.begin)) }]
      }
    } finally {
      await next.catch(() => undefined) // the file must not be closed while it is read
    }
  }

  #entry(name: string): SafetensorsEntry {
    const entry = this.entries.get(name)
    if (entry === undefined) throw new PreresnetError('ERR_PARAMETER', `${this.path}: expected a tensor ${JSON.stringify(name)}, got none`)
    return entry
  }

  /** Closes the file. */
  async close(): Promise<void> {
    await this.#file.handle.close()
  }

  /** Closes the file. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

type NamedEntry = SafetensorsEntry & { readonly name: string }

/** Tensors that are read at once. */
interface Span {
  readonly begin: number
  end: number
  readonly tensors: NamedEntry[]
}

function spansOf(tensors: readonly NamedEntry[]): Span[] {
  const spans: Span[] = []
  for (const tensor of [...tensors].sort((a, b) => a.begin - b.begin)) {
    const last = spans.at(-1)
    if (last === undefined || tensor.end - last.begin > spanBytes) spans.push({ begin: tensor.begin, end: tensor.end, tensors: [tensor] })
    else {
      last.end = tensor.end
      last.tensors.push(tensor)
    }
  }
  return spans
}

/**
 * Reads a whole file.
 * @param path - The file's path.
 * @throws ERR_FILE where it is missing, truncated or malformed.
 */
export async function readSafetensors(path: string): Promise<{ metadata: Metadata; tensors: Map<string, SafetensorsTensor> }> {
  const file = await SafetensorsFile.open(path)
  try {
    const tensors = new Map<string, SafetensorsTensor>()
    for (const name of file.entries.keys()) tensors.set(name, await file.read(name))
    return { metadata: file.metadata, tensors }
  } finally {
    await file.close()
  }
}

/**
 * Writes a new file, or replaces an old one as a whole, and resolves with its size in bytes and its SHA-256. Tensors are laid out by falling size of their
 * type, so that each is aligned to its own.
 * @param path - The file's path.
 * @param tensors - The tensors by their names.
 * @param metadata - The texts that the file carries.
 * @throws ERR_FILE where it cannot be written.
 * @throws ERR_PARAMETER where values do not fit their shape or type.
 * @throws ERR_UNSUPPORTED where a type is only read.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  metadata: Metadata = {},
): Promise<{ bytes: number; sha256: string }> {
  const bits = ({ dtype }: SafetensorsTensor): number => tensorType(dtype)?.bits ?? 0
  const ordered = [...tensors].sort(([aName, a], [bName, b]) => bits(b) - bits(a) || (aName < bName ? -1 : aName > bName ? 1 : 0))
  const header: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  if (Object.keys(metadata).length > 0) header['__metadata__'] = metadata
  let offset = 0
  for (const [name, tensor] of ordered) {
    const bytes = bytesToWrite(path, name, tensor)
    header[name] = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [offset, offset + bytes] }
    offset += bytes
  }
  let text = JSON.stringify(header)
  text += ' '.repeat((8 - (Buffer.byteLength(text) % 8)) % 8)
  const head = Buffer.alloc(8 + Buffer.byteLength(text))
  head.writeBigUInt64LE(BigInt(head.length - 8))
  head.write(text, 8)

  const hash = createHash('sha256')
  return replaceFileBy(path, async (file) => {
    let bytes = 0
    const write = async (chunk: Uint8Array): Promise<void> => {
      hash.update(chunk)
      await writeAll(file, chunk)
      bytes += chunk.length
    }
    await write(head)
    for (const [, { dtype, data }] of ordered) for (const chunk of encode(dtype, data)) await write(chunk)
    return { bytes, sha256: hash.digest('hex') }
  })
}

/** Bytes of a tensor in a file; ERR_PARAMETER where values do not fit their type and shape, ERR_UNSUPPORTED for types that are only read. */
function bytesToWrite(path: string, name: string, { dtype, shape, data }: SafetensorsTensor): number {
  const where = `${path}: ${JSON.stringify(name)}`
  const type = tensorType(dtype)
  if (type === undefined || type.onlyRead === true)
    throw new PreresnetError('ERR_UNSUPPORTED', `${where}: tensors of type ${JSON.stringify(dtype)} are read, but not written`)
  const count = elementsOf(shape)
  if (name === '__metadata__' || data.length !== count || !(data instanceof type.array)) {
    throw new PreresnetError(
      'ERR_PARAMETER',
      `${where}: expected a ${type.array.name} of ${count} values for ${dtype} [${shape.join(', ')}], got a ${data.constructor.name} of ${data.length}`,
    )
  }
  return (count * type.bits) / 8
}

/** Whether all values are finite; yields to the event loop between slices. */
export async function allFinite(values: TensorValues): Promise<boolean> {
  if (!(values instanceof Float32Array || values instanceof Float64Array)) return true
  for (let begin = 0; begin < values.length; begin += chunkBytes / 4) {
    for (const value of values.subarray(begin, begin + chunkBytes / 4)) if (!Number.isFinite(value)) return false
    await setImmediate()
  }
  return true
}

interface Header {
  readonly metadata: Metadata
  readonly entries: ReadonlyMap<string, SafetensorsEntry>
}

function parseHeader(path: string, bytes: Uint8Array, dataBytes: number): Header {
  let json: unknown
  let text
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    json = JSON.parse(text)
  } catch (cause) {
    throw new PreresnetError('ERR_FILE', `${path}: the header is not JSON; is it a safetensors file?`, { cause })
  }
  if (!isObject(json)) throw malformed(path, 'the header is not a JSON object')
  const twice = duplicateName(text)
  if (twice !== undefined) throw malformed(path, `${JSON.stringify(twice)} stands twice in one object of the header`)
  const metadata: Record<string, string> = {}
  const entries = new Map<string, SafetensorsEntry>()
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') {
      if (value === null) continue
      if (!isObject(value)) throw malformed(path, '__metadata__ is not an object')
      for (const [key, text] of Object.entries(value)) {
        if (typeof text !== 'string') throw malformed(path, `metadata ${JSON.stringify(key)} is not a string`)
        metadata[key] = text
      }
    } else entries.set(name, parseEntry(path, name, value))
  }
  checkLayout(path, entries, dataBytes)
  return { metadata, entries }
}

function parseEntry(path: string, name: string, value: unknown): SafetensorsEntry {
  const where = JSON.stringify(name)
  if (!isObject(value)) throw malformed(path, `${where} is not an object`)
  const { dtype, shape, data_offsets: offsets } = value as { dtype?: unknown; shape?: unknown; data_offsets?: unknown }
  if (typeof dtype !== 'string') throw malformed(path, `${where}: expected a type, got ${JSON.stringify(dtype)}`)
  if (!isSizes(shape)) throw malformed(path, `${where}: expected a shape, got ${JSON.stringify(shape)}`)
  if (!isSizes(offsets) || offsets.length !== 2) throw malformed(path, `${where}: expected two data_offsets, got ${JSON.stringify(offsets)}`)
  const [begin, end] = offsets as [number, number]
  const type = tensorType(dtype)
  if (type === undefined) {
    // How long its values are is not known; that the tensors lie one after another is checked for all.
    if (end < begin) throw malformed(path, `${where}: expected data_offsets that rise, got ${JSON.stringify(offsets)}`)
  } else {
    const bits = shape.reduce((product, size) => product * size, type.bits)
    if (8 * (end - begin) !== bits) throw malformed(path, `${where}: expected ${bits / 8} bytes for ${dtype} [${shape.join(', ')}], got ${end - begin}`)
  }
  return { dtype, shape, begin, end }
}

/** The data belong to the tensors one after another, from the first byte to the last. */
function checkLayout(path: string, entries: ReadonlyMap<string, SafetensorsEntry>, dataBytes: number): void {
  let end = 0
  for (const [name, entry] of [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin !== end)
      throw malformed(
        path,
        `${JSON.stringify(name)} begins at byte ${entry.begin} of the data, ${entry.begin < end ? 'inside another tensor' : 'after a hole'} (expected ${end})`,
      )
    end = entry.end
  }
  if (end > dataBytes) throw malformed(path, `truncated: the tensors need ${end} bytes of data, the file has ${dataBytes}`)
  if (end < dataBytes) throw malformed(path, `${dataBytes - end} bytes after the last tensor belong to none`)
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

const isSizes = (value: unknown): value is number[] => Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0)

/** The bytes of a tensor in chunks; no chunk is used after the next was asked for. */
function* encode(dtype: string, data: TensorValues): Generator<Uint8Array> {
  const narrow = tensorType(dtype)!.narrow
  if (narrow !== undefined) {
    for (let begin = 0; begin < data.length; begin += chunkBytes / 4) yield narrow((data as Float32Array).subarray(begin, begin + chunkBytes / 4))
    return
  }
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  for (let begin = 0; begin < bytes.length; begin += chunkBytes) yield bytes.subarray(begin, begin + chunkBytes)
}
