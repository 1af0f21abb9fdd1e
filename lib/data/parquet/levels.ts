/** Small numbers as Parquet packs them: runs of one value, and groups of eight of a few bits each. */

/** Thrown for bytes that are no such numbers, without a path. */
export class MalformedPage extends Error {}

/** `count` numbers of `bits` bits each, told one after another as (value, how often). */
export function readRuns(bytes: Uint8Array, bits: number, count: number, take: (value: number, times: number) => void): void {
  if (bits > 31) throw new MalformedPage(`expected numbers of at most 31 bits, got ${bits}`)
  let position = 0
  const byte = (): number => {
    const value = bytes[position++]
    if (value === undefined) throw new MalformedPage('expected more bytes of packed numbers')
    return value
  }
  for (let done = 0; done < count;) {
    const head = varint(byte)
    const length = Math.floor(head / 2)
    if (length === 0) throw new MalformedPage('expected runs of at least one number')
    if (head % 2 === 0) {
      let value = 0
      for (let index = 0; index < Math.ceil(bits / 8); index++) value += byte() * 2 ** (8 * index)
      const times = Math.min(length, count - done)
      take(value, times)
      done += times
    } else {
      const times = Math.min(8 * length, count - done)
      packed(byte, bits, times, take)
      // Groups are whole, whatever of them counts; the last bytes may be left out.
      position += length * bits - Math.ceil((times * bits) / 8)
      done += times
    }
  }
}

function varint(byte: () => number): number {
  let value = 0
  for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
    const next = byte()
    value += (next & 127) * scale
    if (next < 128) return value
  }
  throw new MalformedPage('expected lengths of at most 32 bits')
}

/** From the lowest bit of each byte on. */
function packed(byte: () => number, bits: number, times: number, take: (value: number, times: number) => void): void {
  let held = 0
  let have = 0
  for (let index = 0; index < times; index++) {
    // Up to 38 bits, which 32-bit operations do not hold.
    for (; have < bits; have += 8) held += byte() * 2 ** have
    const base = 2 ** bits
    take(held % base, 1)
    held = Math.floor(held / base)
    have -= bits
  }
}

/** All that are there. Throws where one is missing: `MalformedPage`, whose message has its number. */
export function expectAll(bytes: Uint8Array, level: number, count: number, what: string): void {
  let value = 0
  readRuns(bytes, bitsOf(level), count, (found, times) => {
    if (found !== level) throw new MalformedPage(`expected ${what} in each row, got none in value ${value} of a page`)
    value += times
  })
}

/** As many as hold the number. */
function bitsOf(number: number): number {
  return 32 - Math.clz32(number)
}
