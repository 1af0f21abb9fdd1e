/** Bytes of pages, which may be compressed. */
import { snappyUncompress } from 'hyparquet'
import * as zlib from 'node:zlib'
import { MalformedPage } from './levels.js'

/** Of one page. */
const mostBytes = 1 << 30
/** A copy of Snappy has at most 64 bytes, and takes two at least; Deflate's have 258 in two bits. */
const mostTimes: Readonly<Record<string, number>> = { SNAPPY: 32, GZIP: 1032 }

type Decompress = (bytes: Uint8Array, length: number) => Uint8Array

const viaZlib =
  (decompress: (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array): Decompress =>
  (bytes, length) =>
    decompress(bytes, { maxOutputLength: Math.max(length, 1) })

/** Node has Zstandard from 22.15 on. */
const zstd = (zlib as { zstdDecompressSync?: Parameters<typeof viaZlib>[0] }).zstdDecompressSync

const codecs: Readonly<Record<string, Decompress | undefined>> = {
  UNCOMPRESSED: (bytes) => bytes,
  SNAPPY(bytes, length) {
    // hyparquet goes back, and on for ever, where a length is negative.
    new SnappyLiterals(bytes, length)
    const output = new Uint8Array(length)
    snappyUncompress(bytes, output)
    return output
  },
  GZIP: viaZlib(zlib.gunzipSync),
  BROTLI: viaZlib(zlib.brotliDecompressSync),
  ...(zstd && { ZSTD: viaZlib(zstd) }),
}

/** Throws `MalformedPage` for bytes that are not compressed so, or are not as many as they should be. */
export function decompress(codec: string, bytes: Uint8Array, length: number): Uint8Array {
  const method = Object.hasOwn(codecs, codec) ? codecs[codec] : undefined
  if (method === undefined)
    throw new MalformedPage(`expected pages that are not compressed, or by Snappy, gzip, Brotli or (from Node 22.15 on) Zstandard, got ${codec}`)
  const most = Math.min(mostBytes, (mostTimes[codec] ?? Infinity) * (bytes.length + 2))
  if (!(length >= 0 && length <= most)) throw new MalformedPage(`expected a page of at most ${most} bytes, got ${length}`)
  let output
  try {
    output = method(bytes, length)
  } catch {
    throw new MalformedPage(`expected bytes that ${codec} has compressed, got others`)
  }
  if (output.length !== length) throw new MalformedPage(`expected a page of ${length} bytes, got ${output.length}`)
  return output
}

/** Where bytes of a page stand in what Snappy made of it as they are: literals by their first byte in the page, in the compressed bytes, and their number. */
export class SnappyLiterals {
  readonly #page: number[] = []
  readonly #stored: number[] = []
  readonly #length: number[] = []
  /** Of the literal that was found last. */
  #at = 0

  /** Throws `MalformedPage` for what does not become so many bytes. */
  constructor(bytes: Uint8Array, length: number) {
    let position = 0
    while (bytes[position]! >= 128) position++
    position++
    let page = 0
    while (position < bytes.length && page <= length) {
      const tag = bytes[position++]!
      const kind = tag & 3
      if (kind !== 0) {
        page += kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1
        position += kind === 3 ? 4 : kind
        continue
      }
      const more = Math.max(0, (tag >> 2) - 59)
      let own = more === 0 ? (tag >> 2) + 1 : 1
      for (let index = 0; index < more; index++) own += (bytes[position + index] ?? 0) * 2 ** (8 * index)
      position += more
      this.#page.push(page)
      this.#stored.push(position)
      this.#length.push(own)
      page += own
      position += own
    }
    if (position !== bytes.length || page !== length) throw new MalformedPage(`expected what Snappy made of ${length} bytes, got other bytes`)
  }

  /** Of bytes that are a part of one literal, their place in the compressed bytes. Asked in the order of the page. */
  place(position: number, length: number): number | undefined {
    while (this.#at < this.#page.length && this.#page[this.#at]! + this.#length[this.#at]! <= position) this.#at++
    const begin = this.#page[this.#at]
    if (begin === undefined || begin > position || position + length > begin + this.#length[this.#at]!) return undefined
    return this.#stored[this.#at]! + position - begin
  }
}
