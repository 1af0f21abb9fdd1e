/**
 * Crops that are decoded alone. The files under test/fixtures/chroma are one picture of 83 x 61, quality 80, by `cjpeg`: colors stored at several resolutions
 * (horizontal x vertical), progressive, arithmetic, with restart markers, as RGB, gray.
 */
import test from 'ava'
import { readdirSync, readFileSync } from 'node:fs'
import { loadBinding } from '../../lib/native/load.js'
import type { NativeBinding } from '../../lib/native/types.js'
import { png, rgbPng } from '../support/png.js'
import { randomBytes } from '../support/bytes.js'
import { goldenCases, settingsOf, type PillowCase } from '../support/pillow.js'
import { randomArea, randomPlace, randomSide, type Box, type Draw } from '../support/random_crops.js'
import { cropped, resized, type Picture } from '../support/resize.js'

type Options = Parameters<NativeBinding['decodeImage']>[1]
const decode = async (file: Uint8Array, options: Partial<Options> = {}): Promise<Picture> => {
  const { seconds: _, ...picture } = await loadBinding().decodeImage(file, { channels: 3, ...options })
  return picture
}

const folder = new URL('../../../test/fixtures/chroma/', import.meta.url)
const kinds = readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder))] as const)
const area = [0.08, 1] as const
const aspect = [3 / 4, 4 / 3] as const
const rule = { crop: 'area', area: Float64Array.of(...area, ...aspect) } as const

/** A picture whose every pixel is decoded before anything is done with it. */
const asPng = ({ width, height, channels, pixels }: Picture): Buffer =>
  channels === 3 ? rgbPng(width, height, pixels) : png({ width, height, depth: 8, color: 0, rows: pixels })

/** A difference would fill the screen. */
const same = (a: Picture, b: Picture): boolean => a.height === b.height && a.width === b.width && Buffer.compare(a.pixels, b.pixels) === 0

for (const [name, file] of kinds) {
  test(`a crop of a JPEG is to the bit what it is of the whole picture: ${name}`, async (t) => {
    for (const channels of [3, 1]) {
      const whole = asPng(await decode(file, { channels }))
      for (let sample = 0; sample < 40; sample++) {
        const options: Options = { channels, height: 20, width: 24, seed: 4, sample, filter: sample % 2 === 0 ? 'bilinear' : 'bicubic', ...rule }
        t.true(same(await decode(file, options), await decode(whole, options)), `sample ${sample} of ${channels} channels`)
        const within: Options = { channels, height: 17 + sample, width: 13 + sample, sample, crop: 'random' }
        t.true(same(await decode(file, within), await decode(whole, within)), `window ${sample} of ${channels} channels`)
      }
    }
  })
}

test('a crop of a JPEG at a reduced size is to the bit what it is of the whole picture at that size', async (t) => {
  for (const [name, file] of kinds) {
    // At half and at a quarter of the size: 41.5 x 30.5 and 20.75 x 15.25 pixels.
    for (const resize of [30, 15]) {
      const options = { resize, scaled: true }
      const whole = await decode(file, options)
      for (let sample = 0; sample < 20; sample++) {
        const crop = { height: resize - 1 - (sample % 9), width: resize - (sample % 7) }
        const { top, left } = randomPlace({ seed: 0, epoch: 0, sample }, whole, crop)
        const got = await decode(file, { ...options, ...crop, sample, crop: 'random' })
        t.true(same(got, cropped(whole, top, left, crop.height, crop.width)), `${name}, sample ${sample}`)
      }
    }
  }
})

const noise = (height: number, width: number): Picture => ({ height, width, channels: 3, pixels: randomBytes(height * width * 3, height + width) })

function distance(a: Picture, b: Picture): number {
  if (a.height !== b.height || a.width !== b.width || a.channels !== b.channels) return Infinity
  return a.pixels.reduce((worst, value, index) => Math.max(worst, Math.abs(value - b.pixels[index]!)), 0)
}

const cut = (picture: Picture, { top, left, height, width }: Box): Picture => cropped(picture, top, left, height, width)

test('a crop of random area lies where the rule says, and is resized', async (t) => {
  for (const [height, width] of [
    [40, 60],
    [60, 40],
    [9, 90],
    [90, 9],
    [1, 3],
  ] as const) {
    const picture = noise(height, width)
    const file = asPng(picture)
    for (const draw of [
      { seed: 3, epoch: 0, sample: 5 },
      { seed: 3, epoch: 1, sample: 5 },
      { seed: 2 ** 40 + 1, epoch: 7, sample: 1_281_166 },
    ]) {
      const box = randomArea(draw, picture, area, aspect)
      const expected = resized(cut(picture, box), 16, 12)
      t.true(distance(await decode(file, { height: 16, width: 12, ...rule, ...draw }), expected) <= 1, JSON.stringify({ height, width, draw, box }))
    }
  }
  // Too wide for any attempt: the middle.
  t.deepEqual(randomArea({ seed: 0, epoch: 0, sample: 0 }, { height: 9, width: 90 }, [0.9, 1], aspect), { top: 0, left: 39, height: 9, width: 12 })
})

test('areas, aspects and places are spread over their ranges', (t) => {
  const boxes = Array.from({ length: 4000 }, (_, sample) => randomArea({ seed: 1, epoch: 2, sample }, { height: 300, width: 400 }, area, aspect))
  const shares = boxes.map(({ height, width }) => (height * width) / 120_000)
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  // Of 0.08 ... 1 the mean is 0.54; but large areas seldom fit.
  t.true(Math.abs(mean(shares) - 0.43) < 0.02, String(mean(shares)))
  t.true(Math.min(...shares) < 0.085 && Math.max(...shares) > 0.95)
  t.true(Math.abs(mean(boxes.map(({ height, width }) => Math.log(width / height)))) < 0.05)
  t.true(Math.abs(mean(boxes.filter(({ height }) => height < 300).map(({ top, height }) => top / (300 - height))) - 0.5) < 0.02)
})

test('a shorter side is drawn, and a crop within the resized image', async (t) => {
  const picture = noise(37, 53)
  const file = asPng(picture)
  const sides = new Set<number>()
  for (let sample = 0; sample < 30; sample++) {
    const draw: Draw = { seed: 9, epoch: 3, sample }
    const side = randomSide(draw, 20, 29)
    sides.add(side)
    const image = resized(picture, side, Math.floor((side * 53) / 37))
    const expected = cut(image, randomPlace(draw, image, { height: 18, width: 19 }))
    const got = await decode(file, { resize: 20, resizeTo: 29, height: 18, width: 19, crop: 'random', ...draw })
    t.true(distance(got, expected) <= 1, `${side}`)
  }
  t.is(sides.size, 10)
})

test('ten crops are the corners and the middle, and the same mirrored', async (t) => {
  const picture = noise(21, 30)
  const [height, width] = [10, 12]
  const crops = await Promise.all(Array.from({ length: 10 }, (_, sample) => decode(asPng(picture), { height, width, crop: 'ten', sample: 30 + sample })))
  const places = [
    [0, 0],
    [0, 18],
    [11, 0],
    [11, 18],
    [6, 9],
  ] as const
  for (const [index, [top, left]] of places.entries()) {
    t.deepEqual(crops[index], cropped(picture, top, left, height, width))
    const mirrored = Array.from({ length: height * width }, (_, at) => (Math.floor(at / width) * width + width - 1 - (at % width)) * 3)
    const pixels = Uint8Array.from(mirrored.flatMap((at) => [...crops[index]!.pixels.subarray(at, at + 3)]))
    t.deepEqual(crops[index + 5], { height, width, channels: 3, pixels })
  }
})

/** With an orientation in front of everything else. */
function oriented(file: Buffer, orientation: number, little: boolean): Buffer {
  const tag = little ? [0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0] : [1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]
  const header = little ? 'II*\0\b\0\0\0\x01\0' : 'MM\0*\0\0\0\b\0\x01'
  const exif = Buffer.concat([Buffer.from(`Exif\0\0${header}`, 'latin1'), Buffer.from(tag), Buffer.alloc(4)])
  return Buffer.concat([file.subarray(0, 2), Buffer.of(0xff, 0xe1, 0, exif.length + 2), exif, file.subarray(2)])
}

test('an orientation of EXIF data is obeyed where that is wanted', async (t) => {
  const file = kinds.find(([name]) => name === '2x2.jpg')![1]
  const { height, width, pixels } = await decode(file)
  /** Of the upright image's row and column: where they are in the stored one. */
  const places: readonly ((y: number, x: number) => readonly [number, number])[] = [
    (y, x) => [y, x],
    (y, x) => [y, width - 1 - x],
    (y, x) => [height - 1 - y, width - 1 - x],
    (y, x) => [height - 1 - y, x],
    (y, x) => [x, y],
    (y, x) => [height - 1 - x, y],
    (y, x) => [height - 1 - x, width - 1 - y],
    (y, x) => [x, width - 1 - y],
  ]
  for (const [index, place] of places.entries()) {
    const turned = index < 4 ? { height, width } : { height: width, width: height }
    const expected = Uint8Array.from({ length: pixels.length }, (_, at) => {
      const [row, column] = place(Math.floor(at / 3 / turned.width), Math.floor(at / 3) % turned.width)
      return pixels[(row * width + column) * 3 + (at % 3)]!
    })
    for (const little of [false, true]) {
      const tagged = oriented(file, index + 1, little)
      t.deepEqual(await decode(tagged, { upright: true }), { ...turned, channels: 3, pixels: expected }, `${index + 1}`)
      t.deepEqual(await decode(tagged), { height, width, channels: 3, pixels })
      const options: Partial<Options> = { upright: true, resize: 30, height: 20, width: 28 }
      t.deepEqual(await decode(tagged, options), await decode(rgbPng(turned.width, turned.height, expected), options))
    }
  }
  // What is no orientation, or lies outside of its segment, is none.
  for (const other of [0, 9, 255]) t.deepEqual(await decode(oriented(file, other, true), { upright: true }), await decode(file))
  const cut = oriented(file, 6, true)
  cut.writeUInt32LE(0xfffffff0, 2 + 4 + 6 + 4)
  t.deepEqual(await decode(cut, { upright: true }), await decode(file))
})

test('what is broken below a crop that is drawn is not read; a crop of the middle is of a whole image', async (t) => {
  const file = kinds.find(([name]) => name === '2x2.jpg')![1]
  const short = file.subarray(0, file.length - 200)
  const drawn = { height: 8, width: 8, ...rule, area: Float64Array.of(0.01, 0.02, 1, 1) }
  const high = Array.from({ length: 60 }, (_, sample) => sample).find((sample) => {
    const { top, height } = randomArea({ seed: 0, epoch: 0, sample }, { height: 61, width: 83 }, [0.01, 0.02], [1, 1])
    return top + height < 20
  })!
  t.deepEqual(await decode(short, { ...drawn, sample: high }), await decode(file, { ...drawn, sample: high }))
  await t.throwsAsync(decode(short, { height: 8, width: 8 }), { code: 'ERR_IMAGE', message: /Premature end/ })
})

test('settings that are none are refused', async (t) => {
  const file = kinds[0]![1]
  const refused = (options: Partial<Options>, message: RegExp) => t.throwsAsync(async () => decode(file, options), { code: 'ERR_OPTION', message })
  await refused({ crop: 'area' }, /height: expected the size of the crop/)
  await refused({ crop: 'middle' as never }, /crop: expected "center", "random", "area" or "ten"/)
  await refused({ filter: 'lanczos' as never }, /filter: expected "bilinear" or "bicubic"/)
  for (const values of [[0, 1, 1, 1], [0.5, 0.4, 1, 1], [0.5, 1.1, 1, 1], [0.5, 1, 2, 1], [1]])
    await refused({ height: 2, width: 2, crop: 'area', area: Float64Array.from(values) }, /area: expected two shares/)
})

test('crops have the bytes that Pillow gives them', async (t) => {
  const fixtures = new URL('../', folder)
  const cases = JSON.parse(readFileSync(new URL('pillow.json', fixtures), 'utf8')) as readonly (PillowCase & { readonly pixels: string })[]
  t.is(cases.length, goldenCases.length)
  for (const [index, { pixels, ...one }] of cases.entries()) {
    t.deepEqual(one, goldenCases[index])
    const got = await decode(readFileSync(new URL(one.file, fixtures)), settingsOf(one))
    t.is(Buffer.from(got.pixels).toString('base64'), pixels, JSON.stringify(one))
  }
})
