/** Thrift's compact protocol, in which Parquet says what it holds. Sizes are compared with the bytes that are there before anything is made of them. */

export type ThriftValue = boolean | number | Uint8Array | readonly ThriftValue[] | ThriftStruct
/** Values by the numbers of their fields. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>

/** What the bytes begin with; `end` is behind it. */
interface Parsed {
  readonly value: ThriftStruct
  readonly end: number
}

/** Structures within structures: Parquet has no more than seven. */
const deepest = 24

/** Thrown where the bytes end before the structure does. */
export class EndOfBytes extends Error {}

/** Throws `EndOfBytes`, or an error without a path for what is none. */
export function readThrift(bytes: Uint8Array, position = 0): Parsed {
  const cursor = new Cursor(bytes, position)
  const value = cursor.struct(0)
  return { value, end: cursor.position }
}

/** The compact protocol's numbers for its types. */
const types = { stop: 0, true: 1, false: 2, byte: 3, i16: 4, i32: 5, i64: 6, double: 7, binary: 8, list: 9, set: 10, struct: 12 } as const

class Cursor {
  constructor(
    private readonly bytes: Uint8Array,
    public position: number,
  ) {}

  struct(depth: number): ThriftStruct {
    if (depth > deepest) throw new Error(`expected structures at most ${deepest} deep, got more`)
    const fields = new Map<number, ThriftValue>()
    for (let field = 0; ;) {
      const head = this.#byte()
      const type = head & 15
      if (type === types.stop) return fields
      field = head >> 4 === 0 ? this.#signed() : field + (head >> 4)
      fields.set(field, type === types.true || type === types.false ? type === types.true : this.#value(type, depth))
    }
  }

  #value(type: number, depth: number): ThriftValue {
    switch (type) {
      // In a list; a field says it by its type.
      case types.true:
      case types.false:
        return this.#byte() === types.true
      case types.byte:
        return (this.#byte() << 24) >> 24
      case types.i16:
      case types.i32:
      case types.i64:
        return this.#signed()
      case types.double:
        return this.#take(8).getFloat64(0, true)
      case types.binary: {
        const { buffer, byteOffset, byteLength } = this.#take(this.#unsigned())
        return new Uint8Array(buffer, byteOffset, byteLength)
      }
      case types.list:
      case types.set:
        return this.#list(depth + 1)
      case types.struct:
        return this.struct(depth + 1)
      default:
        throw new Error(`expected a type of thrift that Parquet has, got ${type}`)
    }
  }

  #list(depth: number): readonly ThriftValue[] {
    if (depth > deepest) throw new Error(`expected lists at most ${deepest} deep, got more`)
    const head = this.#byte()
    const length = head >> 4 === 15 ? this.#unsigned() : head >> 4
    // Each entry has a byte at least.
    if (length > this.bytes.length - this.position) throw new EndOfBytes()
    const values: ThriftValue[] = []
    for (let index = 0; index < length; index++) values.push(this.#value(head & 15, depth))
    return values
  }

  #byte(): number {
    const byte = this.bytes[this.position]
    if (byte === undefined) throw new EndOfBytes()
    this.position++
    return byte
  }

  #take(length: number): DataView {
    if (length > this.bytes.length - this.position) throw new EndOfBytes()
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.position, length)
    this.position += length
    return view
  }

  /** Above 2^53 it is rounded, and too large for whatever it counts. */
  #unsigned(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 63; scale *= 128) {
      const byte = this.#byte()
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    throw new Error('expected numbers of at most 64 bits, got a longer one')
  }

  #signed(): number {
    const value = this.#unsigned()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
}
