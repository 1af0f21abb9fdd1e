/** Moves through the bytes of a protocol buffer; nothing is read behind their end. */
import type { Scalar } from './protobuf_messages.js'

const wireTypes = [0, 1, 2, 5] as const
/** How a value is written: a number of as many bytes as it needs, one of 8 bytes, a length and so many bytes, a number of 4 bytes. */
export type WireType = (typeof wireTypes)[number]

const wireTypeOf: Readonly<Record<Scalar, WireType>> = { int64: 0, double: 1, string: 2, bytes: 2, float: 5 }

/** Of a part of a file: `trail` are the fields that it lies in, the outermost first. */
export class Malformed extends Error {
  readonly position: number
  readonly trail: string[] = []

  constructor(position: number, message: string) {
    super(message)
    this.position = position
  }
}

const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class ProtobufCursor {
  readonly #bytes: Uint8Array
  readonly #start: number
  #at = 0

  /** `start`: where these bytes begin in the file. */
  constructor(bytes: Uint8Array, start: number) {
    // Of a Buffer, slice() would be no copy.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#start = start
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** In the file. */
  get position(): number {
    return this.#start + this.#at
  }

  key(): { readonly number: number; readonly wireType: WireType } {
    const { position } = this
    const key = this.#varint()
    const wireType = wireTypes.find((type) => type === key % 8)
    const number = Math.floor(key / 8)
    if (wireType === undefined || !(number >= 1 && number < 1 << 29)) throw new Malformed(position, `expected the key of a field, got ${key}`)
    return { number, wireType }
  }

  /** The length of what follows; it ends at `end` at the latest, which is a place in the file. */
  length(end: number): number {
    const { position } = this
    const length = this.#varint()
    const rest = end - this.position
    if (length >= 0 && length <= rest) return length
    throw new Malformed(position, `truncated or malformed: expected at most ${rest} bytes, got a length of ${length}`)
  }

  /** What follows a length. */
  part(wireType: WireType): ProtobufCursor {
    this.#expect(wireType, 2)
    const bytes = this.#take(this.#lengthHere())
    return new ProtobufCursor(bytes, this.position - bytes.length)
  }

  scalar(type: Scalar, wireType: WireType): unknown {
    this.#expect(wireType, wireTypeOf[type])
    if (type === 'int64') return this.#varint()
    if (type === 'double') return view(this.#take(8)).getFloat64(0, true)
    if (type === 'float') return view(this.#take(4)).getFloat32(0, true)
    const { position } = this
    const bytes = this.#take(this.#lengthHere())
    // A copy of its own is aligned for numbers of any type, and keeps nothing else in memory.
    if (type === 'bytes') return bytes.slice()
    try {
      return text.decode(bytes)
    } catch {
      throw new Malformed(position, 'expected text in UTF-8')
    }
  }

  /** Numbers in one field. `count` is told how many objects they become. */
  packed(type: 'int64' | 'float' | 'double', count: (values: number) => void): Float32Array | Float64Array | readonly number[] {
    const { position } = this
    const part = this.part(2)
    const size = type === 'float' ? 4 : 8
    if (type === 'int64') {
      const values: number[] = []
      while (!part.atEnd) {
        count(1)
        values.push(part.#varint())
      }
      return values
    }
    const bytes = part.#bytes.slice()
    if (bytes.length % size !== 0) throw new Malformed(position, `expected numbers of ${size} bytes, got ${bytes.length} bytes`)
    return type === 'float' ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer)
  }

  skip(wireType: WireType): void {
    if (wireType === 0) this.#varint()
    else this.#take(wireType === 2 ? this.#lengthHere() : wireType === 1 ? 8 : 4)
  }

  #lengthHere(): number {
    return this.length(this.#start + this.#bytes.length)
  }

  #expect(got: WireType, expected: WireType): void {
    if (got !== expected) throw new Malformed(this.position, `expected wire type ${expected}, got ${got}`)
  }

  #take(count: number): Uint8Array {
    const rest = this.#bytes.length - this.#at
    if (count > rest) throw new Malformed(this.position, `truncated: expected ${count} bytes, got ${rest}`)
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  /** An integer of up to 64 bits, which must be one that a number can hold. */
  #varint(): number {
    const begin = this.#at
    let value = 0
    let scale = 1
    for (let count = 0; ; count++) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) {
        this.#at = begin
        throw new Malformed(this.position, 'truncated: expected an integer')
      }
      // Seven groups of 7 bits are exact in a number; what has more is read again with all 64 bits.
      if (count === 7) return this.#long(begin)
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 0x80
    }
  }

  #long(begin: number): number {
    let value = 0n
    for (let count = 0; count < 10; count++) {
      const byte = this.#bytes[begin + count]
      if (byte === undefined) throw new Malformed(this.#start + begin, 'truncated: expected an integer')
      value |= BigInt(byte & 0x7f) << BigInt(7 * count)
      if (byte >= 0x80) continue
      this.#at = begin + count + 1
      const signed = BigInt.asIntN(64, value)
      if (BigInt(Number(signed)) === signed && Number.isSafeInteger(Number(signed))) return Number(signed)
      throw new Malformed(this.#start + begin, `expected an integer within 2^53, got ${signed}`)
    }
    throw new Malformed(this.#start + begin, 'expected an integer of at most 10 bytes')
  }
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
