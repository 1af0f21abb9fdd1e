/** Parquet files as Hugging Face's datasets write them, of few rows. */
import { gzipSync } from 'node:zlib'

export interface ParquetRow {
  /** Null: there is none. */
  readonly image: Uint8Array | null
  readonly label: number
}

export interface ParquetWriting {
  /** 'literals': by Snappy, as one literal. 'copies': by Snappy, of whose literals none has more than 60 bytes, and some bytes are copies. */
  readonly codec?: 'none' | 'literals' | 'copies' | 'gzip'
  readonly version?: 1 | 2
  /** Values stand in a dictionary, and pages have their numbers. */
  readonly dictionary?: boolean
  readonly rowsOfGroup?: number
  readonly rowsOfPage?: number
  readonly names?: readonly string[]
  /** Of the columns. */
  readonly columns?: { readonly image: string; readonly label: string }
}

/** Of thrift's compact protocol: a struct by the numbers of its fields. */
type Thrift = number | bigint | boolean | string | Uint8Array | readonly Thrift[] | { readonly [field: number]: Thrift }

function varint(value: number | bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt(value)
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}

const zigzag = (value: number | bigint): Buffer => varint(BigInt(value) >= 0n ? BigInt(value) * 2n : -BigInt(value) * 2n - 1n)

function typeOf(value: Thrift): number {
  if (typeof value === 'boolean') return value ? 1 : 2
  if (typeof value === 'number') return 5
  if (typeof value === 'bigint') return 6
  if (typeof value === 'string' || value instanceof Uint8Array) return 8
  return Array.isArray(value) ? 9 : 12
}

function thrift(value: Thrift): Buffer {
  if (typeof value === 'boolean') return Buffer.alloc(0)
  if (typeof value === 'number' || typeof value === 'bigint') return zigzag(value)
  if (typeof value === 'string' || value instanceof Uint8Array) {
    const bytes = Buffer.from(value as string)
    return Buffer.concat([varint(bytes.length), bytes])
  }
  if (Array.isArray(value)) {
    const list = value as readonly Thrift[]
    const head = typeOf(list[0] ?? 0)
    return Buffer.concat([
      list.length < 15 ? Buffer.of((list.length << 4) | head) : Buffer.concat([Buffer.of(0xf0 | head), varint(list.length)]),
      ...list.map(thrift),
    ])
  }
  let last = 0
  const fields = Object.entries(value as Readonly<Record<number, Thrift>>).map(([key, field]) => {
    const delta = Number(key) - last
    last = Number(key)
    return Buffer.concat([Buffer.of((delta << 4) | typeOf(field)), thrift(field)])
  })
  return Buffer.concat([...fields, Buffer.of(0)])
}

/** One literal, or pieces of 60 bytes of which every other ends with copies of its last byte. */
function snappy(bytes: Buffer, copies: boolean): Buffer {
  const literal = (part: Buffer): Buffer => {
    const length = part.length - 1
    return Buffer.concat([length < 60 ? Buffer.of(length << 2) : Buffer.of(62 << 2, length & 255, (length >> 8) & 255, length >> 16), part])
  }
  if (!copies || bytes.length < 2) return Buffer.concat([varint(bytes.length), ...(bytes.length > 0 ? [literal(bytes)] : [])])
  const parts: Buffer[] = [varint(bytes.length)]
  for (let at = 0; at < bytes.length;) {
    const own = bytes.subarray(at, at + 60)
    parts.push(literal(own))
    at += own.length
    let same = 0
    while (same < 64 && at + same < bytes.length && bytes[at + same] === bytes[at - 1]) same++
    if (same > 0) parts.push(Buffer.of(((same - 1) << 2) | 2, 1, 0))
    at += same
  }
  return Buffer.concat(parts)
}

const codecs = {
  none: { number: 0, compress: (bytes: Buffer) => bytes },
  literals: { number: 1, compress: (bytes: Buffer) => snappy(bytes, false) },
  copies: { number: 1, compress: (bytes: Buffer) => snappy(bytes, true) },
  gzip: { number: 2, compress: (bytes: Buffer) => gzipSync(bytes) },
} as const

/** Groups of eight, from the lowest bit on. */
function bitPacked(values: readonly number[], bits: number): Buffer {
  const groups = Math.ceil(values.length / 8)
  const bytes = Buffer.alloc(groups * bits)
  values.forEach((value, index) => {
    for (let bit = 0; bit < bits; bit++) if ((value >> bit) & 1) bytes[(index * bits + bit) >> 3]! |= 1 << ((index * bits + bit) & 7)
  })
  return Buffer.concat([varint(groups * 2 + 1), bytes])
}

interface ColumnWriting {
  readonly path: readonly string[]
  readonly type: 'bytes' | 'int64'
  readonly level: number
  /** As PLAIN has them; null: missing. */
  readonly values: readonly (Buffer | null)[]
}

/** The bytes of a column's part, whose first byte is at `begin` of the file, and its metadata. */
function chunk(
  { path, type, level, values }: ColumnWriting,
  begin: number,
  { codec = 'none', version = 1, dictionary = false, rowsOfPage = 1000 }: ParquetWriting,
): { bytes: Buffer; metadata: Thrift } {
  const { number, compress } = codecs[codec]
  const parts: Buffer[] = []
  let [length, uncompressed] = [0, 0]
  const put = (header: Readonly<Record<number, Thrift>>, kind: number, body: Buffer, before: Buffer = Buffer.alloc(0)): void => {
    const stored = Buffer.concat([before, compress(body)])
    const head = thrift({ 1: kind, 2: before.length + body.length, 3: stored.length, ...header })
    parts.push(head, stored)
    length += head.length + stored.length
    uncompressed += head.length + before.length + body.length
  }
  const distinct = [...new Set(values.flatMap((value) => (value === null ? [] : [value.toString('latin1')])))]
  if (dictionary) put({ 7: { 1: distinct.length, 2: 0 } }, 2, Buffer.from(distinct.join(''), 'latin1'))
  const data = begin + length
  for (let first = 0; first < values.length; first += rowsOfPage) {
    const own = values.slice(first, first + rowsOfPage)
    const there = own.flatMap((value) => (value === null ? [] : [value]))
    const levels = bitPacked(
      own.map((value) => (value === null ? 0 : level)),
      32 - Math.clz32(level),
    )
    const bits = Math.max(1, 32 - Math.clz32(distinct.length - 1))
    const body = dictionary
      ? Buffer.concat([
          Buffer.of(bits),
          bitPacked(
            there.map((value) => distinct.indexOf(value.toString('latin1'))),
            bits,
          ),
        ])
      : Buffer.concat(there)
    const encoding = dictionary ? 8 : 0
    const size = Buffer.alloc(4)
    size.writeUInt32LE(levels.length)
    if (version === 1) put({ 5: { 1: own.length, 2: encoding, 3: 3, 4: 3 } }, 0, Buffer.concat([size, levels, body]))
    else put({ 8: { 1: own.length, 2: own.length - there.length, 3: own.length, 4: encoding, 5: levels.length, 6: 0 } }, 3, body, levels)
  }
  const metadata = {
    1: type === 'bytes' ? 6 : 2,
    2: [0, 3, 8],
    3: [...path],
    4: number,
    5: BigInt(values.length),
    6: BigInt(uncompressed),
    7: BigInt(length),
    9: BigInt(data),
    ...(dictionary && { 11: BigInt(begin) }),
  }
  return { bytes: Buffer.concat(parts), metadata }
}

/** The bytes of a file. */
export function parquetFile(rows: readonly ParquetRow[], writing: ParquetWriting = {}): Buffer {
  const { rowsOfGroup = 100, names, columns: { image, label } = { image: 'image', label: 'label' } } = writing
  const parts: Buffer[] = [Buffer.from('PAR1')]
  let position = 4
  const groups: Thrift[] = []
  const sized = (bytes: Uint8Array): Buffer => {
    const size = Buffer.alloc(4)
    size.writeUInt32LE(bytes.length)
    return Buffer.concat([size, bytes])
  }
  const int64 = (value: number): Buffer => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(value))
    return bytes
  }
  for (let first = 0; first < rows.length; first += rowsOfGroup) {
    const own = rows.slice(first, first + rowsOfGroup)
    const columns: readonly ColumnWriting[] = [
      { path: [image, 'bytes'], type: 'bytes', level: 2, values: own.map((row) => (row.image === null ? null : sized(row.image))) },
      { path: [image, 'path'], type: 'bytes', level: 2, values: own.map((_, index) => sized(Buffer.from(`${first + index}.jpg`))) },
      { path: [label], type: 'int64', level: 1, values: own.map((row) => int64(row.label)) },
    ]
    const written = columns.map((column) => {
      const { bytes, metadata } = chunk(column, position, writing)
      parts.push(bytes)
      position += bytes.length
      return { 2: BigInt(position), 3: metadata }
    })
    groups.push({ 1: written, 2: BigInt(position), 3: BigInt(own.length) })
  }
  const features = { [image]: { _type: 'Image' }, [label]: { names, _type: 'ClassLabel' } }
  const footer = thrift({
    1: 2,
    2: [
      { 4: 'schema', 5: 2 },
      { 3: 1, 4: image, 5: 2 },
      { 1: 6, 3: 1, 4: 'bytes' },
      { 1: 6, 3: 1, 4: 'path', 6: 0 },
      { 1: 2, 3: 1, 4: label },
    ],
    3: BigInt(rows.length),
    4: groups,
    ...(names && { 5: [{ 1: 'huggingface', 2: JSON.stringify({ info: { features } }) }] }),
    6: 'test',
  })
  const size = Buffer.alloc(4)
  size.writeUInt32LE(footer.length)
  return Buffer.concat([...parts, footer, size, Buffer.from('PAR1')])
}
