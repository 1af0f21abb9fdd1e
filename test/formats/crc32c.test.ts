import test from 'ava'
import { crc32c, maskedCrc32c } from '../../lib/formats/crc32c.js'

// RFC 3720, appendix B.4.
const rising = Uint8Array.from({ length: 32 }, (_, index) => index)
const vectors: [string, Uint8Array, number][] = [
  ['zeros', new Uint8Array(32), 0x8a9136aa],
  ['ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['rising', rising, 0x46dd794e],
  ['falling', rising.toReversed(), 0x113fdb5c],
  ['digits', new TextEncoder().encode('123456789'), 0xe3069283],
  ['nothing', new Uint8Array(), 0],
]

for (const [name, bytes, expected] of vectors) {
  test(`${name} have their published checksum`, (t) => {
    t.is(crc32c(bytes), expected)
  })
}

test('masking rotates right by 15 bits and adds a constant', (t) => {
  const crc = 0x8a9136aan
  const rotated = ((crc >> 15n) | (crc << 17n)) & 0xffffffffn
  t.is(BigInt(maskedCrc32c(new Uint8Array(32))), (rotated + 0xa282ead8n) & 0xffffffffn)
})
