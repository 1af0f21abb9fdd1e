/** What stands beside the pixels of a PNG, what is missing or too much behind them, and interlacing. */
import test from 'ava'
import { deflateSync } from 'node:zlib'
import { loadBinding } from '../../lib/native/load.js'
import { randomBytes } from '../support/bytes.js'
import { chunk, rgbPng } from '../support/png.js'
import type { Picture } from '../support/resize.js'

const decode = async (file: Uint8Array): Promise<Picture> => {
  const { seconds: _, ...picture } = await loadBinding().decodeImage(file, { channels: 3 })
  return picture
}

const square = rgbPng(4, 4, randomBytes(48, 7))
/** Chunks between the header and the pixels. */
const beside = (...chunks: readonly Uint8Array[]): Buffer => Buffer.concat([square.subarray(0, 33), ...chunks, square.subarray(33)])
const head = (text: string): Buffer => Buffer.from(text, 'latin1')
const zeros = (length: number): Buffer => deflateSync(Buffer.alloc(length))
const sides: Readonly<Record<string, readonly Buffer[]>> = {
  'an empty eXIf': [chunk('eXIf', Buffer.alloc(0))],
  '1,001 texts': Array.from({ length: 1001 }, (_, index) => chunk('tEXt', head(`key${index}\0value`))),
  'a text that unpacks to 16 MiB': [chunk('zTXt', Buffer.concat([head('Comment\0\0'), zeros(1 << 24)]))],
  'a profile that unpacks to 16 MiB': [chunk('iCCP', Buffer.concat([head('profile\0\0'), zeros(1 << 24)]))],
  'an international text that unpacks to 16 MiB': [chunk('iTXt', Buffer.concat([head('Comment\0\x01\0\0\0'), zeros(1 << 24)]))],
  'a text of 9 MB': [chunk('tEXt', Buffer.alloc(9_000_000, 'a'))],
  'malformed chunks': ['iCCP', 'cHRM', 'gAMA', 'gAMA', 'sRGB', 'pHYs', 'tRNS', 'sBIT', 'tIME', 'acTL', 'prVt'].map((type) => chunk(type, head('x'))),
  'a wrong checksum of a text': [Buffer.concat([chunk('tEXt', head('key\0value')).subarray(0, -1), head('!')])],
  'transparency and a gamma': [chunk('gAMA', Buffer.of(0, 0, 0xb1, 0x8f)), chunk('tRNS', Buffer.of(0, 1, 0, 2, 0, 3))],
}

for (const [what, chunks] of Object.entries(sides)) {
  test(`what stands beside the pixels of a PNG does not decide over them: ${what}`, async (t) => {
    t.deepEqual(await decode(beside(...chunks)), await decode(square))
  })
}

/** The same picture with other bytes as its compressed data. */
function withData(change: (data: Buffer) => Buffer, end: Buffer = chunk('IEND', Buffer.alloc(0))): Buffer {
  const rows = Buffer.concat(Array.from({ length: 4 }, (_, y) => Buffer.concat([Buffer.of(0), randomBytes(48, 7).subarray(y * 12, y * 12 + 12)])))
  return Buffer.concat([square.subarray(0, 33), chunk('IDAT', change(rows)), end])
}

test('a PNG whose pixels are all there is read, whatever comes after them', async (t) => {
  const expected = await decode(square)
  for (const [what, file] of Object.entries({
    'no end': withData(deflateSync, Buffer.alloc(0)),
    'no checksum of the chunk': withData(deflateSync, Buffer.alloc(0)).subarray(0, -4),
    'no checksum of the data': withData((rows) => deflateSync(rows).subarray(0, -4)),
    'more rows': withData((rows) => deflateSync(Buffer.concat([rows, Buffer.alloc(99)]))),
    'more bytes': withData((rows) => Buffer.concat([deflateSync(rows), Buffer.from('more')])),
    'a text with a wrong checksum': withData(deflateSync, Buffer.concat([chunk('tEXt', head('a')).subarray(0, -1), head('!')])),
  }))
    t.deepEqual(await decode(file), expected, what)
})

test('a PNG whose pixels have a wrong checksum, or are too few, is an error', async (t) => {
  const changed = (data: Buffer): Buffer => Buffer.concat([data.subarray(0, -1), Buffer.of(data.at(-1)! ^ 1)])
  for (const [file, message] of [
    [withData((rows) => changed(deflateSync(rows))), /data check/],
    [Buffer.concat([square.subarray(0, 33), changed(chunk('IDAT', deflateSync(Buffer.alloc(52)))), square.subarray(-12)]), /CRC error/],
    // In a chunk of its own it is read after the last row, and libpng only warns.
    [withData((rows) => deflateSync(rows).subarray(0, -4), Buffer.concat([chunk('IDAT', Buffer.alloc(4)), square.subarray(-12)])), /data check/],
    [withData((rows) => deflateSync(rows.subarray(0, -1))), /Not enough image data/],
  ] as const)
    await t.throwsAsync(decode(file), { code: 'ERR_IMAGE', message })
})

test('PNG, interlaced', async (t) => {
  const [width, height] = [13, 9]
  const pixels = randomBytes(width * height * 3, 8)
  const passes = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]] as const // prettier-ignore
  const rows: number[] = []
  for (const [left, top, across, down] of passes)
    for (let y = top; y < height; y += down) {
      rows.push(0)
      for (let x = left; x < width; x += across) rows.push(...pixels.subarray((y * width + x) * 3, (y * width + x) * 3 + 3))
    }
  const header = Buffer.from([0, 0, 0, width, 0, 0, 0, height, 8, 2, 0, 0, 1])
  const file = Buffer.concat([square.subarray(0, 8), chunk('IHDR', header), chunk('IDAT', deflateSync(Buffer.from(rows))), chunk('IEND', Buffer.alloc(0))])
  t.deepEqual([...(await decode(file)).pixels], [...pixels])
  const short = Buffer.concat([square.subarray(0, 8), chunk('IHDR', header), chunk('IDAT', deflateSync(Buffer.from(rows.slice(0, -1))))])
  await t.throwsAsync(decode(short), { code: 'ERR_IMAGE' })
})

test('a PNG that claims 2^31 - 1 squared pixels is refused by that size', async (t) => {
  const side = 2 ** 31 - 1
  const header = Buffer.alloc(13)
  header.writeUInt32BE(side, 0)
  header.writeUInt32BE(side, 4)
  header.set([8, 2], 8)
  const file = Buffer.concat([square.subarray(0, 8), chunk('IHDR', header), square.subarray(33)])
  const message = `image: expected at most ${2 ** 28} pixels, got ${side} x ${side} (height x width)`
  await t.throwsAsync(decode(file), { code: 'ERR_IMAGE', message })
  t.throws(() => loadBinding().imageSize(file, {}), { code: 'ERR_IMAGE', message })
})
