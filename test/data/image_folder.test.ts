import test, { type ExecutionContext } from 'ava'
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { imageFolder, imageFolders, loader, type Dataset, type ImageFolderOptions } from '../../lib/data/index.js'
import { writeFiles as write } from '../support/files.js'
import { temporaryFolder } from '../support/folder.js'
import { png, rgbPng } from '../support/png.js'

/** An image of one colour. */
const plain = (width: number, height: number, value: number): Buffer => rgbPng(width, height, new Uint8Array(width * height * 3).fill(value))

async function pets(t: ExecutionContext): Promise<string> {
  const folder = await temporaryFolder(t)
  await write(folder, {
    'train/dog/b.png': plain(4, 3, 20),
    'train/dog/a.PNG': plain(4, 3, 10),
    'train/cat/1.jpeg.png': plain(4, 3, 30),
    'train/cat/10.png': plain(4, 3, 40),
    'train/cat/notes.txt': 'no image',
    'train/cat/.hidden.png': 'no image',
    'train/.cache/x.png': 'no image',
    'train/list.csv': 'no class',
    'test/dog/c.png': plain(4, 3, 50),
  })
  return folder
}

async function pixels(dataset: Dataset): Promise<number[]> {
  await using batches = loader(dataset, { batch: dataset.length, mode: 'evaluate' })
  return [...(await batches.next(0))!.images]
}

const firstBytes = async (dataset: Dataset): Promise<number[]> => {
  const { height, width, channels } = dataset.shape
  return (await pixels(dataset)).filter((_, index) => index % (height * width * channels) === 0)
}

for (const cache of ['memory', 'files'] as const) {
  test(`classes, order, shape and statistics, ${cache}`, async (t) => {
    const { train, test: rest } = await imageFolders(await pets(t), { cache })
    t.deepEqual(train.classes, ['cat', 'dog'])
    t.deepEqual(train.shape, { height: 3, width: 4, channels: 3 })
    t.is(train.source.kind, cache)
    t.deepEqual([...train.labels], [0, 0, 1, 1])
    t.deepEqual(await firstBytes(train), [30, 40, 10, 20])
    const deviation = Math.sqrt(125) / 255
    for (const channel of [0, 1, 2]) {
      t.true(Math.abs(train.normalisation.mean[channel]! - 25 / 255) < 1e-12)
      t.true(Math.abs(train.normalisation.deviation[channel]! - deviation) < 1e-12)
    }
    // A test set may lack a class; labels stay those of the training set.
    t.deepEqual([...rest.labels], [1])
    t.deepEqual(rest.classes, train.classes)
    t.deepEqual(rest.normalisation, train.normalisation)
    t.deepEqual(await firstBytes(rest), [50])
  })
}

test('auto keeps small datasets in memory; the same pixels either way', async (t) => {
  const folder = join(await pets(t), 'train')
  const kept = await imageFolder(folder)
  t.is(kept.source.kind, 'memory')
  const files = await imageFolder(folder, { cache: 'files' })
  t.deepEqual(await pixels(kept), await pixels(files))
  t.deepEqual(kept.normalisation, files.normalisation)
})

test('the fingerprint of files changes with names, sizes and labels, and not with the place', async (t) => {
  const [first, second] = [await pets(t), await pets(t)]
  const fingerprint = async (folder: string, options: ImageFolderOptions = {}): Promise<string> =>
    (await imageFolder(join(folder, 'train'), { cache: 'files', ...options })).fingerprint
  const expected = await fingerprint(first)
  t.is(await fingerprint(second), expected)
  t.not(await fingerprint(second, { height: 2, width: 2 }), expected)
  await rm(join(second, 'train/dog/b.png'))
  t.not(await fingerprint(second), expected)
  await write(second, { 'train/dog/b.png': Buffer.concat([plain(4, 3, 20), Buffer.of(0)]) })
  t.not(await fingerprint(second), expected)
})

test('images of several sizes need a size, and are resized and cropped to it', async (t) => {
  const folder = await temporaryFolder(t)
  await write(folder, { 'a/1.png': plain(4, 3, 7), 'a/2.png': plain(9, 12, 8), 'b/3.png': plain(30, 30, 9) })
  for (const cache of ['memory', 'files'] as const) {
    const error = await t.throwsAsync(imageFolder(folder, { cache }), { code: 'ERR_IMAGE' })
    t.regex(error.message, /2\.png: expected an image of 3 x 4, got 12 x 9 \(height x width\)/)
    const dataset = await imageFolder(folder, { cache, height: 5, width: 6 })
    t.deepEqual(dataset.shape, { height: 5, width: 6, channels: 3 })
    t.deepEqual(
      await pixels(dataset),
      [7, 8, 9].flatMap((value) => new Array<number>(90).fill(value)),
    )
  }
})

test('resize is the shorter side before the crop', async (t) => {
  const folder = await temporaryFolder(t)
  const stripes = Uint8Array.from({ length: 8 * 8 }, (_, index) => (index % 8) * 30)
  await write(folder, { 'a/1.png': png({ width: 8, height: 8, depth: 8, colour: 0, rows: stripes }) })
  const dataset = await imageFolder(folder, { height: 2, width: 2, resize: 8, channels: 1 })
  t.deepEqual(await pixels(dataset), [90, 120, 90, 120])
})

test('a set of more images than the sample: every one that is evenly spaced counts', async (t) => {
  const folder = await temporaryFolder(t)
  const count = 4096
  const images = [plain(1, 1, 100), plain(1, 1, 200)]
  await mkdir(join(folder, 'a'))
  for (let index = 0; index < count; index++) await writeFile(join(folder, 'a', `${String(index).padStart(4, '0')}.png`), images[index % 2]!)
  const dataset = await imageFolder(folder, { cache: 'files' })
  // Every second image of an alternating sequence: all of one colour.
  t.deepEqual(dataset.normalisation, { mean: new Array(3).fill(100 / 255), deviation: [1, 1, 1] })
  t.true(Math.abs((await imageFolder(folder, { cache: 'memory' })).normalisation.mean[0]! - 150 / 255) < 1e-12)
})

async function refused(t: ExecutionContext, folder: string, code: string, message: RegExp, both = true): Promise<void> {
  const error = await t.throwsAsync((both ? imageFolders : imageFolder)(folder), { code })
  t.regex(error.message, message)
  t.true(error.message.includes(folder), error.message)
}

test('folders that are missing, empty or without images are named', async (t) => {
  const folder = await pets(t)
  await refused(t, join(folder, 'nowhere'), 'ERR_FILE', /cannot be read: ENOENT/)
  await refused(t, join(folder, 'train'), 'ERR_DATASET', /expected the folders train and one of test, val and validation, got cat, dog/)
  await refused(t, join(folder, 'train/cat'), 'ERR_DATASET', /expected one folder for each class, got no folder/, false)
  await mkdir(join(folder, 'train/bird'))
  await refused(t, folder, 'ERR_DATASET', /train\/bird: expected at least one image/)
  await rm(join(folder, 'train/bird'), { recursive: true })
  await write(folder, { 'test/fish/1.png': plain(4, 3, 1) })
  await refused(t, folder, 'ERR_DATASET', /expected folders of the training set's classes, got fish/)
  await rm(join(folder, 'test/fish'), { recursive: true })
  await mkdir(join(folder, 'val'))
  await refused(t, folder, 'ERR_DATASET', /one of test, val and validation/)
})

test.serial('images in other formats are passed over with a warning; a class with no others is an error', async (t) => {
  const folder = await pets(t)
  const warnings: Error[] = []
  const hear = (warning: Error): void => void warnings.push(warning)
  process.on('warning', hear)
  t.teardown(() => process.off('warning', hear))
  await imageFolders(folder)
  await write(folder, { 'train/cat/2.webp': '', 'train/cat/3.BMP': '', 'train/cat/.4.gif': '', 'train/dog/5.gif/none.txt': '' })
  t.is((await imageFolder(join(folder, 'train'))).length, 4)
  await new Promise((resolve) => setImmediate(resolve))
  t.deepEqual(
    warnings.filter(({ message }) => message.includes(folder)).map((warning) => [(warning as { code?: string }).code, warning.message]),
    [['PRERESNET_DATASET', `${folder}/train: 2 images are neither .jpg, .jpeg nor .png and are passed over: ${folder}/train/cat/2.webp ...`]],
  )
  await write(folder, { 'train/bird/6.webp': '' })
  await refused(t, folder, 'ERR_DATASET', /train\/bird: expected at least one image \(\.jpg, \.jpeg or \.png\), got 1 in other formats \(6\.webp\)/)
})

test('an unreadable folder is named', async (t) => {
  const folder = await pets(t)
  if (process.getuid?.() === 0) {
    // Root reads everything but a loop of links.
    await rm(join(folder, 'train/dog'), { recursive: true })
    await writeFile(join(folder, 'train/file'), '')
    await symlink('loop', join(folder, 'loop'))
    await refused(t, join(folder, 'loop'), 'ERR_FILE', /cannot be read: ELOOP/)
    return
  }
  await chmod(join(folder, 'train/dog'), 0)
  await refused(t, folder, 'ERR_FILE', /train\/dog: cannot be read: EACCES/)
  await chmod(join(folder, 'train/dog'), 0o755)
})

test('a corrupted image is named', async (t) => {
  const folder = await pets(t)
  await writeFile(join(folder, 'train/cat/10.png'), plain(4, 3, 40).subarray(0, 50))
  await refused(t, folder, 'ERR_IMAGE', /train\/cat\/10\.png: /)
  await writeFile(join(folder, 'train/cat/1.jpeg.png'), '')
  await refused(t, folder, 'ERR_IMAGE', /train\/cat\/1\.jpeg\.png: .*empty/)
})

test('links to folders and images are followed', async (t) => {
  const folder = await pets(t)
  await rm(join(folder, 'test'), { recursive: true })
  await mkdir(join(folder, 'val/dog'), { recursive: true })
  await symlink(join(folder, 'train/cat'), join(folder, 'val/cat'))
  await symlink(join(folder, 'train/dog/a.PNG'), join(folder, 'val/dog/z.png'))
  const { test: rest } = await imageFolders(folder)
  t.deepEqual(await firstBytes(rest), [30, 40, 10])
})

test('an abort ends the reading and the decoding', async (t) => {
  for (const size of [{}, { height: 3, width: 4 }]) {
    const signal = AbortSignal.abort('enough')
    const error = await t.throwsAsync(imageFolders(await pets(t), { ...size, signal }), { code: 'ERR_ABORTED', message: 'aborted: enough' })
    t.is(error.cause, 'enough')
  }
})

test('options are checked', async (t) => {
  const folder = await pets(t)
  const wrong = async (options: object, message: RegExp): Promise<void> => {
    const error = await t.throwsAsync(imageFolders(folder, options), { code: 'ERR_OPTION' })
    t.regex(error.message, message)
  }
  await wrong({ hieght: 3, width: 3 }, /did you mean "height"/)
  await wrong({ height: 3 }, /width: expected an integer of at least 1, got undefined/)
  await wrong({ resize: 3 }, /resize: expected height and width with it/)
  await wrong({ height: 8, width: 9, resize: 8 }, /resize: expected an integer of at least 9, got 8/)
  await wrong({ channels: 2 }, /channels/)
  await wrong({ channels: 4 }, /channels/)
  await wrong({ cache: 'disk' }, /cache/)
  await wrong({ workers: 0 }, /workers/)
  await wrong({ signal: new AbortController() }, /imageFolder: signal: expected an AbortSignal/)
})
