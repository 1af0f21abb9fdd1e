/** Packed archives: the same batches as of the folder, a tar that others read, and an index that fits no other archive. */
import test from 'ava'
import { execFile } from 'node:child_process'
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  centerCrop,
  imageFolder,
  loader,
  memoryDataset,
  pack,
  packedDataset,
  randomCrop,
  resize,
  subset,
  verifyPacked,
  type Dataset,
  type PackProgress,
  type RangeSource,
} from '../../lib/data/index.js'
import { readIndex, writeIndex } from '../../lib/data/sample_index.js'
import { tarDataset } from '../../lib/data/tar.js'
import { loadBinding } from '../../lib/native/load.js'
import { randomBytes } from '../support/bytes.js'
import { writeFiles } from '../support/files.js'
import { temporaryFolder } from '../support/folder.js'
import { rgbPng } from '../support/png.js'

const input = { height: 4, width: 5, channels: 3 }
const image = (index: number): Buffer => rgbPng(9, 7 + (index % 3), randomBytes(27 * (7 + (index % 3)), index))
const count = 70

/** More than are read at a time. */
async function written(folder: string): Promise<Dataset> {
  const files = Object.fromEntries(Array.from({ length: count }, (_, index) => [`${index % 3 === 0 ? 'cat' : 'dog'}/a.${index + 10}.png`, image(index)]))
  await writeFiles(join(folder, 'images'), files)
  return imageFolder(join(folder, 'images'))
}

const prepare = { train: [resize(6), centerCrop(), randomCrop({ pad: 1 })], evaluate: [resize(6), centerCrop()] }

async function batch(dataset: Dataset, mode: 'train' | 'evaluate', index: number): Promise<unknown> {
  await using batches = loader(dataset, { batch: 16, input, prepare, mode, seed: 4, workers: 2 })
  return await batches.next(index)
}

test('an archive of files as they were is what the folder is, also for tarDataset and tar', async (t) => {
  const folder = await temporaryFolder(t)
  const files = await written(folder)
  const path = join(folder, 'images.tar')
  const told: PackProgress[] = []
  const { bytes, ...archive } = await pack(files, path, { onProgress: (progress) => told.push(progress) })
  t.deepEqual(archive, { path, samples: count, contents: 'files as they were' })
  t.is((await readFile(path)).length, bytes)
  t.deepEqual(
    told.map(({ done }) => done),
    [64, count],
  )
  const packed = await packedDataset(path)
  t.like(packed, { name: path, length: count, classes: files.classes, labels: files.labels, fingerprint: files.fingerprint })
  for (const [mode, index] of [
    ['train', 0],
    ['train', 7],
    ['evaluate', 4],
  ] as const)
    t.deepEqual(await batch(packed, mode, index), await batch(files, mode, index))
  t.deepEqual(await batch(await tarDataset(path), 'train', 1), await batch(files, 'train', 1))
  const { stdout } = await promisify(execFile)('tar', ['-tf', path])
  t.deepEqual(stdout.split('\n').slice(0, 4), ['0000000000.png', '0000000000.cls', '0000000001.png', '0000000001.cls'])
  t.is(stdout.trim().split('\n').length, 2 * count)
  t.like(await verifyPacked(path), { samples: count, contents: 'files as they were' })
  // The same bytes each time; and of an archive, too.
  await pack(packed, join(folder, 'again.tar'))
  t.deepEqual(await readFile(join(folder, 'again.tar')), await readFile(path))
  t.is((await packedDataset(join(folder, 'again.tar'))).fingerprint, files.fingerprint)
  await t.throwsAsync(packedDataset(path, { classes: ['dog', 'cat'] }), { code: 'ERR_DATASET', message: /expected the classes of the names that are given/ })
})

test('images with a shorter side, as JPEG; smaller ones stay as they are', async (t) => {
  const folder = await temporaryFolder(t)
  const files = await written(folder)
  const path = join(folder, 'small.tar')
  t.like(await pack(files, path, { side: 7, quality: 80 }), { contents: 'JPEG, shorter side 7, quality 80' })
  const packed = await packedDataset(path)
  const { offset, length } = packed.source as RangeSource
  const archive = await readFile(path)
  const native = loadBinding()
  const { files: paths } = files.source as RangeSource
  for (const sample of [0, 1, 2, 50]) {
    const first = offset[sample]!
    const bytes = archive.subarray(first, first + length[sample]!)
    const original = await readFile(paths.at(sample)!)
    const { height } = native.imageSize(original, {})
    if (height === 7) t.deepEqual(bytes, original)
    else {
      const { height, width, pixels } = await native.decodeImage(bytes, { channels: 3 })
      const expected = await native.decodeImage(original, { channels: 3, resize: 7 })
      t.deepEqual([height, width], [expected.height, expected.width])
      t.deepEqual(bytes.subarray(0, 3), Buffer.of(0xff, 0xd8, 0xff))
      t.true(meanDifference(pixels, expected.pixels) < 60)
    }
  }
  t.not(packed.fingerprint, files.fingerprint)
})

/** Noise is what JPEG keeps worst: only what is another image altogether differs by more. */
function meanDifference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, index) => sum + Math.abs(value - b[index]!), 0) / a.length
}

for (const gray of [false, true]) {
  test(`pixels of one size, ${gray ? 'gray' : 'color'}`, async (t) => {
    const folder = await temporaryFolder(t)
    const files = await written(folder)
    const path = join(folder, 'raw.tar')
    const channels = gray ? 1 : 3
    t.like(await pack(subset(files, [5, 2]), path, { raw: 6, gray }), { contents: `pixels, 6 x 6 x ${channels}` })
    const packed = await packedDataset(path)
    const stored = { height: 6, width: 6, channels }
    const steps = { evaluate: [resize(6), centerCrop()] }
    const read = async (dataset: Dataset, prepare: object): Promise<unknown> => {
      await using batches = loader(dataset, { batch: 2, input: stored, prepare, mode: 'evaluate' })
      return await batches.next(0)
    }
    t.deepEqual(await read(packed, {}), await read(subset(files, [5, 2]), steps))
    t.deepEqual(await read(await tarDataset(path), {}), await read(packed, {}))
  })
}

test('images in memory are packed as pixels', async (t) => {
  const folder = await temporaryFolder(t)
  const memory = await memoryDataset({ images: randomBytes(120, 3), labels: [1, 0], classes: ['a', 'b'], ...input })
  await pack(memory, join(folder, 'memory.tar'))
  const packed = await packedDataset(join(folder, 'memory.tar'))
  t.is(packed.fingerprint, memory.fingerprint)
  const read = async (dataset: Dataset): Promise<unknown> => {
    await using batches = loader(dataset, { batch: 2, input, mode: 'evaluate' })
    return await batches.next(0)
  }
  t.deepEqual(await read(packed), await read(memory))
  const many = await memoryDataset({ images: new Uint8Array(4), labels: [0], classes: 1, height: 1, width: 2, channels: 2 })
  await t.throwsAsync(pack(many, join(folder, 'two.tar')), { code: 'ERR_DATASET', message: /1 or 3 channels, got 2/ })
})

test('what was changed since is found, and an index of another archive refused', async (t) => {
  const folder = await temporaryFolder(t)
  const files = await written(folder)
  const path = join(folder, 'images.tar')
  await pack(files, path)
  const whole = await readFile(path)
  const { offset, length } = (await packedDataset(path)).source as RangeSource
  const turned = Buffer.from(whole)
  turned[offset[40]! + length[40]! - 1]! ^= 1
  await writeFile(path, turned)
  const error = await t.throwsAsync(verifyPacked(path), { code: 'ERR_FILE' })
  t.regex(error.message, /images\.tar at byte \d+: dog\/a\.\d+\.png: expected the checksum of the index, got other bytes \(sample 40\)/)

  await writeFile(path, whole.subarray(0, -512))
  await t.throwsAsync(packedDataset(path), {
    code: 'ERR_DATASET',
    message: /expected \d+ bytes, got \d+; the index .*images\.tar\.index is not of this archive/,
  })
  // Of the same size.
  await writeFile(path, Buffer.concat([whole.subarray(512), Buffer.alloc(512)]))
  await t.throwsAsync(packedDataset(path), { code: 'ERR_DATASET', message: /expected the header of sample 0 before byte 512/ })
  await copyFile(path, join(folder, 'bare.tar'))
  await t.throwsAsync(packedDataset(join(folder, 'bare.tar')), {
    code: 'ERR_FILE',
    message: /bare\.tar\.index.*no such file or directory; this is the index that `pack` writes beside an archive$/,
  })
})

test('an index that is damaged or of another version is refused in one line', async (t) => {
  const folder = await temporaryFolder(t)
  const files = await written(folder)
  const path = join(folder, 'images.tar')
  await pack(files, path)
  const index = await readIndex(`${path}.index`)
  const refused = async (message: RegExp): Promise<void> => {
    const error = await t.throwsAsync(packedDataset(path), { code: 'ERR_FILE' })
    t.regex(error.message, message)
    t.notRegex(error.message, /\n/)
  }
  const bytes = await readFile(`${path}.index`)
  await writeFile(`${path}.index`, bytes.subarray(0, -3))
  await refused(/images\.tar\.index/)
  await writeFile(`${path}.index`, Buffer.from(bytes.toString('latin1').replace('"version":"1"', '"version":"2"'), 'latin1'))
  await refused(/expected version 1 of preresnet-index, got 2/)
  await writeFile(`${path}.index`, Buffer.from(bytes.toString('latin1').replace('preresnet-index', 'preresnet-other'), 'latin1'))
  await refused(/expected the format preresnet-index, got "preresnet-other"/)
  const changed = { labels: index.labels.with(3, 2), offset: index.offset.with(4, 1e9), length: index.length.with(4, -1), file: index.file.with(0, 1) }
  for (const [key, values] of Object.entries(changed)) {
    await writeIndex(`${path}.index`, { ...index, [key]: values })
    await refused(key === 'labels' ? /sample 3: expected a label from 0 to 1, got 2/ : /sample [04]: expected a place within its shard/)
  }
})

test('a failure leaves the older archive, and names the image', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'images.tar')
  await writeFile(path, 'older')
  const { files: paths } = (await written(folder)).source as RangeSource
  await writeFile(paths.at(66)!, 'no image')
  const files = await imageFolder(join(folder, 'images'))
  await t.throwsAsync(pack(files, path), { code: 'ERR_IMAGE', message: /^dog\/a\.\d+\.png: expected a JPEG, PNG, WebP or PNM file/ })
  await t.throwsAsync(pack(files, path, { raw: 6 }), { code: 'ERR_IMAGE', message: /^dog\/a\.\d+\.png: / })
  await t.throwsAsync(pack(files, path, { signal: AbortSignal.abort() }), { code: 'ERR_ABORTED' })
  await t.throwsAsync(pack(files, path, { side: 7, raw: 7 }), { code: 'ERR_OPTION', message: /either side or raw/ })
  t.is(await readFile(path, 'utf8'), 'older')
  t.deepEqual((await readdir(folder)).sort(), ['images', 'images.tar'])
})

test('an archive whose index could not be written is not begun', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'images.tar')
  await mkdir(`${path}.index`)
  const onProgress = (): void => t.fail('something was written')
  await t.throwsAsync(pack(await written(folder), path, { onProgress }), { code: 'ERR_FILE', message: `${path}.index: could not write: is a directory` })
  t.deepEqual((await readdir(folder)).sort(), ['images', 'images.tar.index'])
})

test('options that would change nothing are refused', async (t) => {
  const folder = await temporaryFolder(t)
  const files = await written(folder)
  const path = join(folder, 'images.tar')
  await t.throwsAsync(pack(files, path, { quality: 80 }), { code: 'ERR_OPTION', message: 'pack: quality: expected side with it, got none' })
  await t.throwsAsync(pack(files, path, { quality: 80, raw: 6 }), { code: 'ERR_OPTION', message: 'pack: quality: expected side with it, got none' })
  await t.throwsAsync(pack(files, path, { gray: true }), { code: 'ERR_OPTION', message: 'pack: gray: expected side or raw with it, got neither' })
})
