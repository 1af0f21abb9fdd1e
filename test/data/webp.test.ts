/** WebP, against what Pillow reads from the same files: test/fixtures/webp/make.py. */
import test from 'ava'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exifOrientation, imageFolder, loader, pack, packedDataset } from '../../lib/data/index.js'
import { tarDataset } from '../../lib/data/tar.js'
import { loadBinding } from '../../lib/native/load.js'
import type { NativeBinding } from '../../lib/native/types.js'
import { writeFiles } from '../support/files.js'
import { temporaryFolder } from '../support/folder.js'
import { Random } from '../support/random.js'
import type { Picture } from '../support/resize.js'

const fixture = (name: string): Buffer => readFileSync(new URL(`../../../test/fixtures/webp/${name}`, import.meta.url))
type Options = Partial<Parameters<NativeBinding['decodeImage']>[1]>
const decode = async (file: Uint8Array, options: Options = {}): Promise<Picture> => {
  const { seconds: _, ...picture } = await loadBinding().decodeImage(file, { channels: 3, ...options })
  return picture
}

const kinds = ['lossy', 'lossy-sharp', 'lossy-alpha', 'lossless', 'lossless-alpha', 'lossless-palette'] as const

for (const kind of kinds) {
  test(`WebP has the pixels that Pillow reads: ${kind}`, async (t) => {
    const [file, expected] = [fixture(`${kind}.webp`), fixture(`${kind}.png`)]
    t.deepEqual(loadBinding().imageSize(file, {}), { height: 23, width: 37 })
    for (const channels of [3, 1]) t.deepEqual(await decode(file, { channels }), await decode(expected, { channels }))
    const crop = { crop: 'area', area: Float64Array.of(0.2, 0.5, 0.5, 2), height: 9, width: 11, seed: 3, scaled: true } as const
    t.deepEqual(await decode(file, crop), await decode(expected, crop))
  })
}

test('an orientation in the EXIF data of a WebP is obeyed where that is wanted, and nowhere else', async (t) => {
  const upright = await decode(fixture('upright.png'))
  for (let orientation = 1; orientation <= 8; orientation++) {
    const file = fixture(`turned-${orientation}.webp`)
    const [height, width] = orientation < 5 ? [3, 5] : [5, 3]
    t.deepEqual(await decode(file, { upright: true }), upright, `${orientation}`)
    const stored = await decode(file)
    t.deepEqual([stored.height, stored.width], [height, width])
    t.is(orientation === 1, Buffer.compare(stored.pixels, upright.pixels) === 0)
  }
  // With the name that these data have in JPEG files.
  t.deepEqual(await decode(withExif('Exif\0\0MM\0*\0\0\0\b\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0\0\0\0\0'), { upright: true }), upright)
  t.deepEqual(await decode(withExif('MM\0*\0\0\0\b\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0\0\0\0\0'), { upright: true }), upright)
})

test('EXIF data of a WebP that lie outside of the file, or that its header does not announce, are none', async (t) => {
  const file = fixture('turned-6.webp')
  const stored = await decode(file)
  const at = file.indexOf('EXIF')
  const changed = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = Buffer.from(file)
    change(bytes)
    return bytes
  }
  for (const bytes of [
    changed((bytes) => (bytes[20]! &= ~0x08)),
    changed((bytes) => bytes.write('EXIX', at, 'latin1')),
    changed((bytes) => bytes.writeUInt32LE(0xffffffff, at + 4)),
    changed((bytes) => bytes.writeUInt32LE(at - 8, 4)),
    changed((bytes) => bytes.writeUInt32BE(0xfffffff0, bytes.indexOf('MM\0*') + 4)),
  ])
    t.deepEqual(await decode(bytes, { upright: true }), stored)
})

/** The picture of turned-3.webp with other EXIF data, and no byte to make their number even. */
function withExif(exif: string): Buffer {
  const file = fixture('turned-3.webp')
  const data = Buffer.from(exif, 'latin1')
  const chunk = Buffer.alloc(8)
  chunk.write('EXIF')
  chunk.writeUInt32LE(data.length, 4)
  const bytes = Buffer.concat([file.subarray(0, file.indexOf('EXIF')), chunk, data])
  bytes.writeUInt32LE(bytes.length - 8, 4)
  return bytes
}

test('a WebP that ends early is an error wherever it ends, and what follows its end does no harm', async (t) => {
  for (const kind of kinds) {
    const file = fixture(`${kind}.webp`)
    for (let length = 12; length < file.length - 1; length += 7)
      await t.throwsAsync(decode(file.subarray(0, length)), { code: 'ERR_IMAGE', message: /Premature end of WebP file|malformed/ }, `${kind}, ${length}`)
    t.deepEqual(await decode(Buffer.concat([file, Buffer.from('trailer')])), await decode(file))
  }
})

test('a WebP of too many pixels is refused by its header, and so is an animation', async (t) => {
  const message = /^image: expected at most 850 pixels, got 23 x 37 \(height x width\)$/
  for (const kind of ['lossy', 'lossy-alpha', 'lossless']) {
    const file = fixture(`${kind}.webp`)
    t.throws(() => loadBinding().imageSize(file, { maxPixels: 850 }), { code: 'ERR_IMAGE', message })
    await t.throwsAsync(decode(file, { maxPixels: 850 }), { code: 'ERR_IMAGE', message })
    await t.notThrowsAsync(decode(file, { maxPixels: 851 }))
    // The header is enough.
    t.deepEqual(loadBinding().imageSize(file.subarray(0, 80), {}), { height: 23, width: 37 })
  }
  const animated = { code: 'ERR_IMAGE', message: 'image: expected a still image, got an animated WebP file' }
  t.throws(() => loadBinding().imageSize(fixture('animated.webp'), {}), animated)
  await t.throwsAsync(decode(fixture('animated.webp')), animated)
})

test('a WebP with a few bytes changed is a picture of its size or an error', async (t) => {
  const random = new Random(16)
  let [read, refused] = [0, 0]
  for (const name of [...kinds.map((kind) => `${kind}.webp`), 'turned-6.webp', 'animated.webp']) {
    const file = fixture(name)
    for (let count = 0; count < 100; count++) {
      const bytes = Buffer.from(file.subarray(0, random.integer(4) === 0 ? random.integer(file.length) : file.length))
      for (let change = random.integer(3); change >= 0 && bytes.length > 0; change--) bytes[random.integer(bytes.length)] = random.integer(256)
      try {
        const { height, width, pixels } = await decode(bytes, { upright: true, maxPixels: 1 << 20 })
        t.is(pixels.length, height * width * 3)
        read++
      } catch (error) {
        t.is((error as { code?: string }).code, 'ERR_IMAGE', String(error))
        refused++
      }
    }
  }
  t.true(read > 50 && refused > 50, `${read} read, ${refused} refused`)
})

test('WebP files are read in folders, tars and packed archives, to the same batches', async (t) => {
  const folder = await temporaryFolder(t)
  const files = { 'a/0.webp': fixture('turned-1.webp'), 'a/1': fixture('turned-6.webp'), 'b/2.WEBP': fixture('turned-3.webp') }
  await writeFiles(join(folder, 'images'), files)
  const images = await imageFolder(join(folder, 'images'))
  t.is(images.length, 3)
  const packed = join(folder, 'images.tar')
  await pack(images, packed)
  const options = { batch: 3, seed: 1, input: { height: 3, width: 5, channels: 3 }, prepare: { evaluate: [exifOrientation()] }, mode: 'evaluate' } as const
  const [expected, ...others] = await Promise.all(
    [images, await packedDataset(packed), await tarDataset(packed)].map(async (dataset) => {
      await using batches = loader(dataset, options)
      const batch = await batches.next(0)
      return batch && Buffer.from(batch.images).toString('hex')
    }),
  )
  t.is(expected, Buffer.concat(new Array<Uint8Array>(3).fill((await decode(fixture('upright.png'))).pixels)).toString('hex'))
  t.deepEqual(others, [expected, expected])
})
