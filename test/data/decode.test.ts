/**
 * JPEG and PNG. The JPEG files under test/fixtures are 40 x 24 ramps, red over x and green over y with blue 128 (gray: over x), quality 95;
 * cmyk.jpg holds the same as YCCK with a quarter of black, inverted as Adobe's programs write it.
 */
import test from 'ava'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { loadBinding } from '../../lib/native/load.js'
import type { NativeBinding } from '../../lib/native/types.js'
import { png, rgbPng, type PngOptions } from '../support/png.js'
import { randomBytes } from '../support/bytes.js'
import { cropped, resized, type Picture } from '../support/resize.js'

const fixtureUrl = (name: string): URL => new URL(`../../../test/fixtures/${name}.jpg`, import.meta.url)
const fixture = (name: string): Promise<Buffer> => readFile(fixtureUrl(name))
type Options = Partial<Parameters<NativeBinding['decodeImage']>[1]>
const decode = async (file: Uint8Array, options: Options = {}): Promise<Picture> => {
  const { seconds: _, ...picture } = await loadBinding().decodeImage(file, { channels: 3, ...options })
  return picture
}

/** The largest difference. */
function distance(a: Picture, b: Picture): number {
  if (a.height !== b.height || a.width !== b.width || a.channels !== b.channels) return Infinity
  return a.pixels.reduce((worst, value, index) => Math.max(worst, Math.abs(value - b.pixels[index]!)), 0)
}

const luma = ([red, green, blue]: readonly number[]): number => Math.round(0.299 * red! + 0.587 * green! + 0.114 * blue!)

function ramps(color: (x: number, y: number) => readonly number[]): Picture {
  const pixels = Uint8Array.from({ length: 24 * 40 }, (_, index) => index)
  const values = [...pixels.keys()].flatMap((index) => color(index % 40, Math.floor(index / 40)))
  return { height: 24, width: 40, channels: values.length / pixels.length, pixels: Uint8Array.from(values, Math.round) }
}

const red = (x: number): number => (x * 255) / 39
const green = (y: number): number => (y * 255) / 23

for (const name of ['rgb', 'progressive']) {
  test(`JPEG, ${name}`, async (t) => {
    const expected = ramps((x, y) => [red(x), green(y), 128])
    // Color is stored at half the resolution: the ramps' ends are off by a few.
    t.true(distance(await decode(await fixture(name)), expected) <= 8)
    const gray = ramps((x, y) => [luma([red(x), green(y), 128])])
    t.true(distance(await decode(await fixture(name), { channels: 1 }), gray) <= 4)
  })
}

test('JPEG, gray', async (t) => {
  t.true(
    distance(
      await decode(await fixture('gray')),
      ramps((x) => [red(x), red(x), red(x)]),
    ) <= 2,
  )
  t.true(
    distance(
      await decode(await fixture('gray'), { channels: 1 }),
      ramps((x) => [red(x)]),
    ) <= 2,
  )
})

test('JPEG, four inks', async (t) => {
  const light = (value: number): number => (value * (255 - 64)) / 255
  t.true(
    distance(
      await decode(await fixture('cmyk')),
      ramps((x, y) => [light(red(x)), light(green(y)), light(128)]),
    ) <= 8,
  )
})

test('a JPEG that ends early is an error wherever it ends, and not a picture with a gray half', async (t) => {
  for (const name of ['rgb', 'progressive', 'gray', 'cmyk']) {
    const file = await fixture(name)
    for (let length = 3; length < file.length - 2; length += 17) {
      const error = await t.throwsAsync(decode(file.subarray(0, length)), { code: 'ERR_IMAGE' })
      t.regex(error.message, /Premature end of JPEG file/)
    }
    await t.throwsAsync(decode(file.subarray(0, file.length - 12)), { code: 'ERR_IMAGE' })
  }
})

const trailers: Readonly<Record<string, Buffer>> = {
  nothing: Buffer.alloc(0),
  'half a marker': Buffer.of(0xff),
  'bytes of a telephone': Buffer.from([0, 0, 1, 10, ...Buffer.from('trailer'), 0xff, 0xbf, 0x12, 0x34, ...Array.from({ length: 64 }, (_, index) => index)]),
  'a second frame': Buffer.of(0xff, 0xc0, 0, 3, 1),
  'a table that is cut off': Buffer.of(0xff, 0xc4, 0, 99, 1, 2, 3),
  'a second picture': readFileSync(fixtureUrl('gray')),
}

for (const [what, trailer] of Object.entries(trailers)) {
  test(`a JPEG whose pixels are all there is read with ${what} in place of its end marker`, async (t) => {
    for (const name of ['rgb', 'progressive', 'gray', 'cmyk']) {
      const file = await fixture(name)
      t.deepEqual(await decode(Buffer.concat([file.subarray(0, -2), trailer])), await decode(file), name)
      t.deepEqual(await decode(Buffer.concat([file, trailer])), await decode(file), `${name}, behind the end marker`)
    }
  })
}

test('a progressive JPEG without its last scans is an error, also where a scan has ended', async (t) => {
  const whole = progressive(127)
  const ends = scanEnds(whole)
  t.is(ends.length, 127)
  for (const end of ends) {
    // More than 100 are refused for their number.
    const error = await t.throwsAsync(decode(whole.subarray(0, end)), { code: 'ERR_IMAGE' })
    t.regex(error.message, /Premature end of JPEG file|at most 100 scans/)
  }
})

test('pixels are as stored, whatever orientation EXIF data give', async (t) => {
  const file = await fixture('rgb')
  for (let orientation = 1; orientation <= 8; orientation++) {
    const tag = Buffer.from([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0])
    const exif = Buffer.concat([Buffer.from('Exif\0\0MM\0*\0\0\0\b\0\x01', 'latin1'), tag, Buffer.alloc(4)])
    const segment = Buffer.concat([Buffer.of(0xff, 0xe1, 0, exif.length + 2), exif])
    t.deepEqual(await decode(Buffer.concat([file.subarray(0, 2), segment, file.subarray(2)])), await decode(file))
  }
})

test('a JPEG whose data are damaged is an error', async (t) => {
  const file = await fixture('rgb')
  const scan = file.indexOf(Buffer.of(0xff, 0xda)) + 14
  const damaged = Buffer.concat([file.subarray(0, scan), Buffer.alloc(20, 0), file.subarray(file.length - 2)])
  await t.throwsAsync(decode(damaged), { code: 'ERR_IMAGE' })
})

test('bytes between the segments of a JPEG do no harm', async (t) => {
  const file = await fixture('rgb')
  const table = file.indexOf(Buffer.of(0xff, 0xdb))
  const padded = Buffer.concat([file.subarray(0, table), Buffer.from('noise'), file.subarray(table)])
  t.deepEqual(await decode(padded), await decode(file))
})

test('a large JPEG is scaled while it is decoded, with the same picture', async (t) => {
  const file = await fixture('rgb')
  const whole = await decode(file)
  for (const resize of [4, 5, 6]) {
    const expected = resized(whole, resize, Math.floor((resize * 40) / 24))
    t.true(distance(await decode(file, { resize, scaled: true }), expected) <= 6, `${resize}`)
  }
  // An eighth of the size is what is wanted, and blocks have their mean colors.
  t.true(distance(await decode(file, { resize: 3, scaled: true }), blockMeans(whole, 8)) <= 2)
})

function blockMeans({ height, width, channels, pixels }: Picture, side: number): Picture {
  const result = { height: height / side, width: width / side, channels }
  const means = Array.from({ length: result.height * result.width * channels }, (_, at) => {
    const [row, column, channel] = [Math.floor(at / channels / result.width) * side, (Math.floor(at / channels) % result.width) * side, at % channels]
    const values = Array.from({ length: side * side }, (_, index) => {
      const [y, x] = [row + Math.floor(index / side), column + (index % side)]
      return pixels[(y * width + x) * channels + channel]!
    })
    return values.reduce((sum, value) => sum + value) / (side * side)
  })
  return { ...result, pixels: Uint8Array.from(means, Math.round) }
}

/** What Pillow makes of the fixtures: its reduced decode (`draft`) with the true extent as `box`, bilinear, and the center of it. */
const reduced: readonly (readonly [string, number, readonly number[]])[] = [
  ['ramp-17x17', 2, [66, 193]],
  ['ramp-33x33', 3, [48, 125, 211]],
]

test('a scaled decode keeps the extent of a JPEG whose sides are no multiple of the scale', async (t) => {
  for (const [name, side, row] of reduced) {
    const picture = await decode(await fixture(name), { channels: 1, height: side, width: side, resize: side, scaled: true })
    const expected = { ...picture, pixels: Uint8Array.from(Array.from({ length: side }, () => row).flat()) }
    t.true(distance(picture, expected) <= 1, `${name}: ${picture.pixels.join(' ')}`)
  }
})

test('a scaled decode of fine waves is close to the whole one resized, and its worst pixel too', async (t) => {
  const file = await fixture('waves-217x145')
  const picture = await decode(file, { resize: 9, height: 9, width: 9, scaled: true })
  // 13.5 columns, of which Pillow and this library make 13: the crop begins at the third.
  const expected = cropped(resized(await decode(file), 9, 13), 0, 2, 9, 9)
  const differences = [...picture.pixels].map((value, index) => Math.abs(value - expected.pixels[index]!))
  t.true(differences.reduce((sum, value) => sum + value) / differences.length <= 4)
  t.true(Math.max(...differences) <= 16)
})

const colors = Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30, 255, 255, 255, 0, 0, 0)
const pictures: readonly (readonly [string, Omit<PngOptions, 'width' | 'height'>, readonly number[]])[] = [
  [
    'gray, 8 bits',
    { depth: 8, color: 0, rows: Uint8Array.of(0, 50, 100, 150, 200, 255) },
    [0, 50, 100, 150, 200, 255].flatMap((value) => [value, value, value]),
  ],
  ['gray, 1 bit', { depth: 1, color: 0, rows: Uint8Array.of(0b10100000, 0b01000000) }, [255, 0, 255, 0, 255, 0].flatMap((value) => [value, value, value])],
  [
    'gray, 16 bits',
    { depth: 16, color: 0, rows: Uint8Array.of(0, 0, 50, 9, 100, 8, 150, 7, 200, 6, 255, 255) },
    [0, 50, 100, 150, 200, 255].flatMap((value) => [value, value, value]),
  ],
  ['color, 8 bits', { depth: 8, color: 2, rows: colors }, [...colors]],
  ['color, 16 bits', { depth: 16, color: 2, rows: Uint8Array.from([...colors].flatMap((value) => [value, value])) }, [...colors]],
  [
    'palette, 2 bits',
    { depth: 2, color: 3, palette: colors.subarray(0, 12), rows: Uint8Array.of(0b00011000, 0b11000100) },
    [0, 1, 2, 3, 0, 1].flatMap((index) => [...colors.subarray(index * 3, index * 3 + 3)]),
  ],
  [
    'gray and alpha',
    { depth: 8, color: 4, rows: Uint8Array.of(0, 255, 50, 0, 100, 128, 150, 1, 200, 0, 255, 255) },
    [0, 50, 100, 150, 200, 255].flatMap((value) => [value, value, value]),
  ],
  [
    'color and alpha',
    { depth: 8, color: 6, rows: Uint8Array.from([0, 1, 2, 3, 4, 5].flatMap((index) => [...colors.subarray(index * 3, index * 3 + 3), index * 51])) },
    [...colors],
  ],
]

for (const [name, options, expected] of pictures) {
  test(`PNG, ${name}`, async (t) => {
    const file = png({ width: 3, height: 2, ...options })
    const { pixels, height, width, channels } = await decode(file)
    t.deepEqual({ height, width, channels, pixels: [...pixels] }, { height: 2, width: 3, channels: 3, pixels: [...expected] })
    const gray = await decode(file, { channels: 1 })
    t.deepEqual(
      [...gray.pixels],
      Array.from({ length: 6 }, (_, index) => luma(expected.slice(index * 3, index * 3 + 3))),
    )
  })
}

test('a PNG that ends early, has a wrong checksum or promises too much is an error', async (t) => {
  const file = rgbPng(30, 20, randomBytes(1800, 1))
  for (let length = 8; length < file.length - 12; length += 97) await t.throwsAsync(decode(file.subarray(0, length)), { code: 'ERR_IMAGE' })
  const damaged = Buffer.from(file)
  damaged[900]! ^= 1
  await t.throwsAsync(decode(damaged), { code: 'ERR_IMAGE' })
  const huge = png({ width: 60_000, height: 60_000, depth: 8, color: 0, rows: new Uint8Array(60_000) })
  const error = await t.throwsAsync(decode(huge), { code: 'ERR_IMAGE' })
  t.regex(error.message, /pixels, got 60000 x 60000/)
})

test('sizes come from headers, and images of too many pixels are refused by them', async (t) => {
  const size = (file: Uint8Array, maxPixels?: number) => loadBinding().imageSize(file, maxPixels === undefined ? {} : { maxPixels })
  const message = /expected at most 959 pixels, got 24 x 40 \(height x width\)/
  for (const file of [await fixture('rgb'), await fixture('progressive'), rgbPng(40, 24, new Uint8Array(40 * 24 * 3))]) {
    t.deepEqual(size(file), { height: 24, width: 40 })
    t.deepEqual(size(file, 960), { height: 24, width: 40 })
    t.throws(() => size(file, 959), { code: 'ERR_IMAGE', message })
    await t.notThrowsAsync(decode(file, { maxPixels: 960 }))
    await t.throwsAsync(decode(file, { maxPixels: 959 }), { code: 'ERR_IMAGE', message })
    // Whatever it is resized to.
    await t.throwsAsync(decode(file, { maxPixels: 959, resize: 4, height: 4, width: 4 }), { code: 'ERR_IMAGE', message })
  }
  for (const cut of [0, 2, 10, 25]) t.throws(() => size(rgbPng(40, 24, new Uint8Array(40 * 24 * 3)).subarray(0, cut)), { code: 'ERR_IMAGE' })
  t.throws(() => size(Buffer.from('GIF89a and so on')), { code: 'ERR_IMAGE', message: /expected a JPEG, PNG or WebP file/ })
})

test('keepFitting: an image of the size stays as it is, others are resized', async (t) => {
  const options = { height: 24, width: 40, resize: 50, keepFitting: true }
  for (const file of [await fixture('rgb'), rgbPng(40, 24, randomBytes(40 * 24 * 3, 5))]) {
    t.deepEqual(await decode(file, options), await decode(file))
    t.notDeepEqual(await decode(file, { ...options, keepFitting: false }), await decode(file))
  }
  const other = rgbPng(41, 24, randomBytes(41 * 24 * 3, 6))
  t.deepEqual(await decode(other, options), await decode(other, { ...options, keepFitting: false }))
})

/** A gray block of 8 x 8 in so many scans: one of the DC coefficient, then of one AC coefficient each, then of one bit more of each. */
function progressive(scans: number): Buffer {
  const segment = (marker: number, ...data: number[]): Buffer => Buffer.of(0xff, marker, 0, data.length + 2, ...data)
  const table = (kind: number): Buffer => segment(0xc4, kind, 1, ...new Array<number>(15).fill(0), 0)
  const scan = (coefficient: number, bits: number): Buffer => Buffer.concat([segment(0xda, 1, 1, 0, coefficient, coefficient, bits), Buffer.of(0x7f)])
  const coefficients = Array.from({ length: 63 }, (_, index) => index + 1)
  const all = [scan(0, 0), ...coefficients.map((index) => scan(index, 0x01)), ...coefficients.map((index) => scan(index, 0x10))]
  return Buffer.concat([
    Buffer.of(0xff, 0xd8),
    segment(0xdb, 0, ...new Array<number>(64).fill(1)),
    segment(0xc2, 8, 0, 8, 0, 8, 1, 1, 0x11, 0),
    table(0x00),
    table(0x10),
    ...all.slice(0, scans),
    Buffer.of(0xff, 0xd9),
  ])
}

/** Where the one byte of data of each scan ends. */
function scanEnds(file: Buffer): number[] {
  const ends: number[] = []
  for (let at = file.indexOf(Buffer.of(0xff, 0xda)); at >= 0; at = file.indexOf(Buffer.of(0xff, 0xda), at + 1)) ends.push(at + 11)
  return ends
}

test('a JPEG of more scans than any encoder writes is refused', async (t) => {
  t.deepEqual((await decode(progressive(100), { channels: 1 })).pixels, new Uint8Array(64).fill(128))
  const error = await t.throwsAsync(decode(progressive(101)), { code: 'ERR_IMAGE' })
  t.regex(error.message, /expected at most 100 scans/)
})

test('other files are named as such', async (t) => {
  for (const [bytes, message] of [
    [Buffer.alloc(0), /empty/],
    [Buffer.from('GIF89a and so on'), /expected a JPEG, PNG or WebP file/],
  ] as const) {
    const error = await t.throwsAsync(decode(bytes), { code: 'ERR_IMAGE' })
    t.regex(error.message, message)
  }
})

test('resizing is the antialiased bilinear one, the crop is the center', async (t) => {
  for (const [width, height, resize] of [
    [37, 23, 11],
    [23, 37, 11],
    [8, 9, 20],
    [16, 16, 16],
    [50, 21, 21],
    [101, 60, 7],
  ] as const) {
    for (const channels of [3, 1]) {
      const pixels = randomBytes(width * height * 3, width + height)
      const file = rgbPng(width, height, pixels)
      const stored = await decode(file, { channels })
      const short = Math.min(width, height)
      const [rows, columns] = [Math.floor((resize * height) / short), Math.floor((resize * width) / short)]
      const expected = resized(stored, rows, columns)
      t.true(distance(await decode(file, { channels, resize }), expected) <= 1, `${width} x ${height} to ${resize}`)
      const side = resize - 2
      const crop = cropped(expected, evenHalf(rows - side), evenHalf(columns - side), side, side)
      t.true(distance(await decode(file, { channels, resize, height: side, width: side }), crop) <= 1, `crop of ${width} x ${height} to ${resize}`)
    }
  }
})

/** Half, ties to even. */
function evenHalf(border: number): number {
  const half = Math.floor(border / 2)
  return border % 2 === 0 || half % 2 === 0 ? half : half + 1
}

test('a crop that is larger than the image is an error', async (t) => {
  const error = await t.throwsAsync(decode(rgbPng(8, 6, new Uint8Array(144)), { height: 7, width: 7 }), { code: 'ERR_IMAGE' })
  t.regex(error.message, /at least 7 x 7, got 6 x 8/)
})
