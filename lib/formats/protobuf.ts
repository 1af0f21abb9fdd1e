/** The few protocol buffer encodings that event files need. */

const text = new TextEncoder()

export class ProtobufWriter {
  readonly #bytes: number[] = []

  #varint(value: bigint): void {
    let rest = BigInt.asUintN(64, value)
    while (rest >= 0x80n) {
      this.#bytes.push(Number(rest & 0x7fn) | 0x80)
      rest >>= 7n
    }
    this.#bytes.push(Number(rest))
  }

  #key(field: number, wireType: 0 | 1 | 2 | 5): void {
    this.#varint(BigInt((field << 3) | wireType))
  }

  int64(field: number, value: number): this {
    this.#key(field, 0)
    this.#varint(BigInt(value))
    return this
  }

  double(field: number, value: number): this {
    this.#key(field, 1)
    this.#bytes.push(...new Uint8Array(new Float64Array([value]).buffer))
    return this
  }

  float(field: number, value: number): this {
    this.#key(field, 5)
    this.#bytes.push(...new Uint8Array(new Float32Array([value]).buffer))
    return this
  }

  bytes(field: number, value: Uint8Array): this {
    this.#key(field, 2)
    this.#varint(BigInt(value.length))
    for (const byte of value) this.#bytes.push(byte)
    return this
  }

  string(field: number, value: string): this {
    return this.bytes(field, text.encode(value))
  }

  message(field: number, value: ProtobufWriter): this {
    return this.bytes(field, value.finish())
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes)
  }
}
