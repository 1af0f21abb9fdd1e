// What may be wrong with a few bytes of a file.

const numbers = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  1n << 40n,
  (1n << 53n) - 1n,
  1n << 53n,
  (1n << 63n) - 1n,
  (1n << 64n) - 1n,
]
const texts = [
  '-1',
  '0',
  '1e9',
  '99999999999',
  '9007199254740993',
  '1.5',
  'null',
  '""',
  '[]',
  '{}',
  '\0',
  '\x1b[31m',
  '../',
  'é',
  '__proto__',
  'os\nsystem\n',
  'ctorch\nFloatStorage\n',
  ')R',
  'Q',
  '.',
  '(',
]

/** Files that differ from one in a few bytes. */
export class Mutator {
  /** `ranges`: bytes that say what the others are, where a change means something: begin and end. */
  constructor(random, bytes, ranges) {
    Object.assign(this, { random, bytes, ranges })
  }

  below(limit) {
    return Math.floor(this.random.uniform() * limit)
  }

  /** Nine in ten times where the file says what it holds. */
  place() {
    if (this.random.uniform() < 0.1) return this.below(this.bytes.length)
    const [begin, end] = this.ranges[this.below(this.ranges.length)]
    return begin + this.below(end - begin)
  }

  file() {
    let bytes = Buffer.from(this.bytes)
    const changes = 1 + this.below(3)
    for (let change = 0; change < changes; change++) bytes = this.changed(bytes)
    return bytes
  }

  changed(bytes) {
    // Earlier changes may have cut the file down to nothing.
    const at = Math.max(0, Math.min(this.place(), bytes.length - 1))
    const length = 1 + this.below(16)
    const splice = (removed, ...added) => Buffer.concat([bytes.subarray(0, at), ...added, bytes.subarray(at + removed)])
    switch (this.below(8)) {
      case 0:
        bytes[at] ^= 1 << this.below(8)
        return bytes
      case 1:
        bytes[at] = this.below(256)
        return bytes
      case 2:
        return bytes.subarray(0, at)
      case 3:
        return splice(length)
      case 4:
        return splice(0, bytes.subarray(at, at + length))
      case 5: {
        const other = Math.max(0, Math.min(this.place(), bytes.length - 1))
        return splice(length, bytes.subarray(other, other + length))
      }
      case 6: {
        const number = Buffer.alloc(8)
        number.writeBigUInt64LE(numbers[this.below(numbers.length)])
        const width = [1, 2, 4, 8][this.below(4)]
        number.copy(bytes, at, 0, Math.min(width, bytes.length - at))
        return bytes
      }
      default: {
        const text = Buffer.from(texts[this.below(texts.length)], 'latin1')
        return splice(this.below(2) * text.length, text)
      }
    }
  }
}
