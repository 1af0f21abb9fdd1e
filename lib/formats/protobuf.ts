/** Writes protocol buffers in chunks: large values are kept by reference, so that a file of hundreds of megabytes is never copied on its way out. */

const text = new TextEncoder()

/** What is shorter is copied beside its neighbors: a chunk of its own would cost more. */
const shortBytes = 4096
/** Of a writer's own buffers: most messages are a few numbers and names. */
const firstCapacity = 128
const mostCapacity = 1 << 16

export class ProtobufWriter {
  /** What is finished, in order. */
  readonly #chunks: Uint8Array[] = []
  #finished = 0
  #capacity = firstCapacity
  #own = new Uint8Array(firstCapacity)
  #used = 0

  /** Bytes written. */
  get length(): number {
    return this.#finished + this.#used
  }

  int64(field: number, value: number): this {
    this.#key(field, 0)
    return this.#varint(value)
  }

  double(field: number, value: number): this {
    this.#key(field, 1)
    const at = this.#take(8)
    this.#view().setFloat64(at, value, true)
    return this
  }

  float(field: number, value: number): this {
    this.#key(field, 5)
    const at = this.#take(4)
    this.#view().setFloat32(at, value, true)
    return this
  }

  /** Long values are not copied: they must stay as they are until everything is written. */
  bytes(field: number, value: Uint8Array): this {
    this.#key(field, 2)
    this.#varint(value.length)
    this.#append(value)
    return this
  }

  string(field: number, value: string): this {
    return this.bytes(field, text.encode(value))
  }

  message(field: number, value: ProtobufWriter): this {
    this.#key(field, 2)
    this.#varint(value.length)
    for (const chunk of value.chunks()) this.#append(chunk)
    return this
  }

  /** Integers in one field, without a key each. */
  packedInt64(field: number, values: readonly number[]): this {
    const packed = new ProtobufWriter()
    for (const value of values) packed.#varint(value)
    return this.message(field, packed)
  }

  /** Everything in order. */
  *chunks(): Generator<Uint8Array> {
    yield* this.#chunks
    if (this.#used > 0) yield this.#own.subarray(0, this.#used)
  }

  /** Everything in one piece: for short messages. */
  finish(): Uint8Array {
    const all = new Uint8Array(this.length)
    let at = 0
    for (const chunk of this.chunks()) {
      all.set(chunk, at)
      at += chunk.length
    }
    return all
  }

  #view(): DataView {
    return new DataView(this.#own.buffer, this.#own.byteOffset)
  }

  #key(field: number, wireType: 0 | 1 | 2 | 5): void {
    this.#varint(field * 8 + wireType)
  }

  /** A negative number is written by the 64 bits of its two's complement. */
  #varint(value: number): this {
    const most = this.#take(10)
    let at = most
    if (value < 0) {
      let rest = BigInt.asUintN(64, BigInt(value))
      for (; rest >= 0x80n; rest >>= 7n) this.#own[at++] = Number(rest & 0x7fn) | 0x80
      this.#own[at++] = Number(rest)
    } else {
      let rest = value
      for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#own[at++] = (rest % 0x80) | 0x80
      this.#own[at++] = rest
    }
    this.#used -= most + 10 - at
    return this
  }

  #append(value: Uint8Array): void {
    if (value.length < shortBytes) {
      const at = this.#take(value.length)
      this.#own.set(value, at)
      return
    }
    this.#close()
    this.#chunks.push(value)
    this.#finished += value.length
  }

  /** Room in the writer's own buffer; answers where it begins. */
  #take(count: number): number {
    if (this.#used + count > this.#own.length) {
      this.#close()
      this.#capacity = Math.min(2 * this.#capacity, mostCapacity)
      this.#own = new Uint8Array(Math.max(this.#capacity, count))
    }
    this.#used += count
    return this.#used - count
  }

  /** What the own buffer holds becomes a chunk; the rest of the buffer serves on. */
  #close(): void {
    if (this.#used === 0) return
    this.#chunks.push(this.#own.subarray(0, this.#used))
    this.#finished += this.#used
    this.#own = this.#own.subarray(this.#used)
    this.#used = 0
  }
}
