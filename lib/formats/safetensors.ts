/**
 * Safetensors: u64 little-endian length of a JSON header, the header, then the data of all tensors without holes. Read whole or
 * tensor by tensor; everything that a header claims is checked before anything is read by it.
 */
import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { PreresnetError } from '../errors.js'
import { path as checkPath } from '../options/values.js'
import { fileError, replaceFileBy } from './files.js'
import { narrowBfloat16, narrowFloat16, widenBfloat16, widenFloat16 } from './float16.js'

export type SafetensorsType = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'U8'

/** F16 and BF16 are given and taken as Float32Array. */
export type TensorValues = Float64Array | Float32Array | BigInt64Array | Int32Array | Uint8Array

export interface SafetensorsTensor {
  readonly dtype: SafetensorsType
  readonly shape: readonly number[]
  readonly data: TensorValues
}

export type Metadata = Readonly<Record<string, string>>

export interface SafetensorsEntry {
  readonly dtype: SafetensorsType
  readonly shape: readonly number[]
  /** Bytes from the start of the data. */
  readonly begin: number
  readonly end: number
}

const sizes: Readonly<Record<SafetensorsType, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, U8: 1 }
const arrays = { F64: Float64Array, F32: Float32Array, F16: Float32Array, BF16: Float32Array, I64: BigInt64Array, I32: Int32Array, U8: Uint8Array }
const maximalHeader = 100_000_000
/** Bytes per system call and per slice of work on the event loop. */
const chunkBytes = 1 << 20

export class SafetensorsFile implements AsyncDisposable {
  readonly path: string
  readonly metadata: Metadata
  /** In the file's order of names. */
  readonly entries: ReadonlyMap<string, SafetensorsEntry>
  readonly #file: FileHandle
  readonly #start: number

  private constructor(path: string, file: FileHandle, header: Header, start: number) {
    this.path = path
    this.#file = file
    this.#start = start
    this.metadata = header.metadata
    this.entries = header.entries
  }

  /** ERR_FILE for a file that is missing, truncated or malformed. */
  static async open(path: string): Promise<SafetensorsFile> {
    checkPath('file to read', path)
    let file
    try {
      file = await open(path, 'r')
      const { size } = await file.stat()
      if (size < 8) throw malformed(path, `expected at least 8 bytes, got ${size}`)
      const length = new DataView((await readExactly(path, file, 0, 8)).buffer).getBigUint64(0, true)
      if (length > BigInt(maximalHeader)) throw malformed(path, `expected a header of at most ${maximalHeader} bytes, got ${length}; is it a safetensors file?`)
      const start = 8 + Number(length)
      if (start > size) throw malformed(path, `truncated: the header needs ${start} bytes, the file has ${size}`)
      const header = parseHeader(path, await readExactly(path, file, 8, Number(length)), size - start)
      return new SafetensorsFile(path, file, header, start)
    } catch (error) {
      await file?.close()
      throw fileError('could not read', path, error)
    }
  }

  /** ERR_PARAMETER if there is no tensor of that name. */
  async read(name: string): Promise<SafetensorsTensor> {
    const entry = this.entries.get(name)
    if (entry === undefined) throw new PreresnetError('ERR_PARAMETER', `${this.path}: expected a tensor ${JSON.stringify(name)}, got none`)
    const { dtype, shape, begin, end } = entry
    const bytes = await readExactly(this.path, this.#file, this.#start + begin, end - begin)
    return { dtype, shape, data: decode(dtype, bytes) }
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** The whole file. */
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
 * Writes a new file, or replaces an old one as a whole. Resolves with its size and SHA-256. Tensors are laid out by falling size of
 * their type, so that each is aligned to its own.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  metadata: Metadata = {},
): Promise<{ bytes: number; sha256: string }> {
  const ordered = [...tensors].sort(([aName, a], [bName, b]) => sizes[b.dtype] - sizes[a.dtype] || (aName < bName ? -1 : aName > bName ? 1 : 0))
  const header: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  if (Object.keys(metadata).length > 0) header['__metadata__'] = metadata
  let offset = 0
  for (const [name, { dtype, shape, data }] of ordered) {
    const count = shape.reduce((product, size) => product * size, 1)
    if (name === '__metadata__' || data.length !== count || !(data instanceof arrays[dtype])) {
      throw new PreresnetError(
        'ERR_PARAMETER',
        `${path}: ${JSON.stringify(name)}: expected a ${arrays[dtype].name} of ${count} values for ${dtype} [${shape.join(', ')}], got a ${data.constructor.name} of ${data.length}`,
      )
    }
    header[name] = { dtype, shape, data_offsets: [offset, offset + count * sizes[dtype]] }
    offset += count * sizes[dtype]
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
      for (let done = 0; done < chunk.length;) done += (await file.write(chunk, done, chunk.length - done)).bytesWritten
      bytes += chunk.length
    }
    await write(head)
    for (const [, { dtype, data }] of ordered) for (const chunk of encode(dtype, data)) await write(chunk)
    return { bytes, sha256: hash.digest('hex') }
  })
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
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new PreresnetError('ERR_FILE', `${path}: the header is not JSON; is it a safetensors file?`, { cause })
  }
  if (!isObject(json)) throw malformed(path, 'the header is not a JSON object')
  const metadata: Record<string, string> = {}
  const entries = new Map<string, SafetensorsEntry>()
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') {
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
  if (typeof dtype !== 'string' || !Object.hasOwn(sizes, dtype))
    throw malformed(path, `${where}: expected a type of ${Object.keys(sizes).join(', ')}, got ${JSON.stringify(dtype)}`)
  if (!isSizes(shape)) throw malformed(path, `${where}: expected a shape, got ${JSON.stringify(shape)}`)
  if (!isSizes(offsets) || offsets.length !== 2) throw malformed(path, `${where}: expected two data_offsets, got ${JSON.stringify(offsets)}`)
  const [begin, end] = offsets as [number, number]
  const bytes = shape.reduce((product, size) => product * size, sizes[dtype as SafetensorsType])
  if (end - begin !== bytes) throw malformed(path, `${where}: expected ${bytes} bytes for ${dtype} [${shape.join(', ')}], got ${end - begin}`)
  return { dtype: dtype as SafetensorsType, shape, begin, end }
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

const malformed = (path: string, reason: string): PreresnetError => new PreresnetError('ERR_FILE', `${path}: ${reason}`)

async function readExactly(path: string, file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(bytes, done, Math.min(8 * chunkBytes, length - done), position + done)
    if (bytesRead === 0) throw malformed(path, `truncated: expected ${length} bytes at ${position}, got ${done}`)
    done += bytesRead
  }
  return bytes
}

function decode(dtype: SafetensorsType, { buffer }: Uint8Array): TensorValues {
  switch (dtype) {
    case 'F64':
      return new Float64Array(buffer)
    case 'F32':
      return new Float32Array(buffer)
    case 'I64':
      return new BigInt64Array(buffer)
    case 'I32':
      return new Int32Array(buffer)
    case 'U8':
      return new Uint8Array(buffer)
    case 'F16':
    case 'BF16': {
      const bits = new Uint16Array(buffer)
      const values = new Float32Array(bits.length)
      if (dtype === 'F16') widenFloat16(bits, values)
      else widenBfloat16(bits, values)
      return values
    }
  }
}

/** The bytes of a tensor in chunks; no chunk is used after the next was asked for. */
function* encode(dtype: SafetensorsType, data: TensorValues): Generator<Uint8Array> {
  if (dtype === 'F16' || dtype === 'BF16') {
    const narrow = dtype === 'F16' ? narrowFloat16 : narrowBfloat16
    for (let begin = 0; begin < data.length; begin += chunkBytes / 4) {
      const values = (data as Float32Array).subarray(begin, begin + chunkBytes / 4)
      const bits = new Uint16Array(values.length)
      narrow(values, bits)
      yield new Uint8Array(bits.buffer)
    }
    return
  }
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  for (let begin = 0; begin < bytes.length; begin += chunkBytes) yield bytes.subarray(begin, begin + chunkBytes)
}
