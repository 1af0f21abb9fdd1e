/**
 * Names of files are bytes, and those of older systems are not always UTF-8. Each byte that is not becomes one of the code units U+DC80 to U+DCFF, as in Python. These
 * stand in no other string, so every name is a string and leads back to its bytes.
 */
import { isUtf8 } from 'node:buffer'
import { visibleLine } from './visible.js'

const strayByte = /([\u{DC80}-\u{DCFF}])/u

export function nameOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString()
  let name = ''
  for (let at = 0; at < bytes.length;) {
    const length = [1, 2, 3, 4].find((count) => at + count <= bytes.length && isUtf8(bytes.subarray(at, at + count)))
    name += length === undefined ? String.fromCharCode(0xdc00 + bytes[at]!) : bytes.toString('utf8', at, at + length)
    at += length ?? 1
  }
  return name
}

export function isUtf8Name(name: string): boolean {
  return !strayByte.test(name)
}

/** What Node's functions take in place of the name. */
export function bytesOfName(name: string): string | Buffer {
  if (isUtf8Name(name)) return name
  return Buffer.concat(name.split(strayByte).map((part, index) => (index % 2 === 0 ? Buffer.from(part) : Buffer.of(part.charCodeAt(0) - 0xdc00))))
}

/** With stray bytes and control characters as escapes, as "Mu\xf1oz": an archive may call a file anything. */
export function shownName(name: string): string {
  return name
    .split(strayByte)
    .map((part, index) => (index % 2 === 0 ? visibleLine(part) : `\\x${(part.charCodeAt(0) - 0xdc00).toString(16)}`))
    .join('')
}
