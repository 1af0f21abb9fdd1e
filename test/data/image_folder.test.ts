import test, { type ExecutionContext } from 'ava'
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  cacheInMemory,
  centerCrop,
  imageFolder,
  imageFolderSplits,
  loader,
  resize,
  type Dataset,
  type ImageShape,
  type PreparationStep,
  type RangeSource,
} from '../../lib/data/index.js'
import { checkClasses } from '../../lib/data/check.js'
import { cachedAs } from '../../lib/data/prepare/cached.js'
import { completePreparation } from '../../lib/data/prepare/complete.js'
import { sequenceOf } from '../../lib/data/prepare/sequence.js'
import { writeFiles as write } from '../support/files.js'
import { temporaryFolder } from '../support/folder.js'
import { png, rgbPng } from '../support/png.js'

/** An image of one color. */
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

const small = { height: 3, width: 4, channels: 3 }

async function pixels(dataset: Dataset, input: ImageShape = small, evaluate: readonly PreparationStep[] = []): Promise<number[]> {
  await using batches = loader(dataset, { batch: dataset.length, input, mode: 'evaluate', prepare: { evaluate } })
  return [...(await batches.next(0))!.images]
}

const firstBytes = async (dataset: Dataset): Promise<number[]> => {
  const { height, width, channels } = small
  return (await pixels(dataset)).filter((_, index) => index % (height * width * channels) === 0)
}

const reading = { workers: 2, signal: undefined }

test('classes, order and statistics', async (t) => {
  const { train, test: rest } = await imageFolderSplits(await pets(t))
  t.deepEqual(train.classes, ['cat', 'dog'])
  t.is(train.source.kind, 'ranges')
  t.deepEqual([...train.labels], [0, 0, 1, 1])
  t.deepEqual(await firstBytes(train), [30, 40, 10, 20])
  const { normalization } = await completePreparation({}, small, { train, others: [rest], ...reading })
  for (const channel of [0, 1, 2]) {
    t.true(Math.abs(normalization.mean[channel]! - 25 / 255) < 1e-12)
    t.true(Math.abs(normalization.std[channel]! - Math.sqrt(125) / 255) < 1e-12)
  }
  // A test set may lack a class; labels stay those of the training set.
  t.deepEqual([...rest.labels], [1])
  t.deepEqual(rest.classes, train.classes)
  t.deepEqual(await firstBytes(rest), [50])
})

test('auto keeps small datasets in memory; the same pixels either way', async (t) => {
  const dataset = await imageFolder(join(await pets(t), 'train'))
  const sequence = sequenceOf('steps', [], 'train', small)
  const [kept, files] = [await cachedAs('auto', dataset, sequence, small, reading), await cachedAs('files', dataset, sequence, small, reading)]
  t.is(kept.source.kind, 'memory')
  t.is(files.source.kind, 'ranges')
  t.deepEqual(await pixels(kept), await pixels(files))
  const normalizationOf = async (train: Dataset): Promise<object> => (await completePreparation({}, small, { train, ...reading })).normalization
  t.deepEqual(await normalizationOf(kept), await normalizationOf(files))
})

test('the fingerprint of files changes with names, sizes and labels, and not with the folder', async (t) => {
  const [first, second] = [await pets(t), await pets(t)]
  const fingerprint = async (folder: string): Promise<string> => (await imageFolder(join(folder, 'train'))).fingerprint
  const expected = await fingerprint(first)
  t.is(await fingerprint(second), expected)
  await rm(join(second, 'train/dog/b.png'))
  t.not(await fingerprint(second), expected)
  await write(second, { 'train/dog/b.png': Buffer.concat([plain(4, 3, 20), Buffer.of(0)]) })
  t.not(await fingerprint(second), expected)
})

test('images of several sizes need a size, and are resized and cropped to it', async (t) => {
  const folder = await temporaryFolder(t)
  await write(folder, { 'a/1.png': plain(4, 3, 7), 'a/2.png': plain(9, 12, 8), 'b/3.png': plain(30, 30, 9) })
  const dataset = await imageFolder(folder)
  const error = await t.throwsAsync(pixels(dataset), { code: 'ERR_IMAGE' })
  t.regex(error.message, /2\.png: expected an image of 3 x 4, got 12 x 9 \(height x width\); resize\(n\), centerCrop\(\) at the front of the steps/)
  const input = { height: 5, width: 6, channels: 3 }
  const { evaluate } = await completePreparation({}, input, { train: dataset, ...reading })
  t.deepEqual(evaluate, [resize(7), centerCrop()])
  t.deepEqual(
    await pixels(dataset, input, evaluate),
    [7, 8, 9].flatMap((value) => new Array<number>(90).fill(value)),
  )
})

test('resize is the shorter side before the crop', async (t) => {
  const folder = await temporaryFolder(t)
  const stripes = Uint8Array.from({ length: 8 * 8 }, (_, index) => (index % 8) * 30)
  await write(folder, { 'a/1.png': png({ width: 8, height: 8, depth: 8, color: 0, rows: stripes }) })
  const input = { height: 2, width: 2, channels: 1 }
  const dataset = await imageFolder(folder)
  t.deepEqual(await pixels(dataset, input, [resize(8), centerCrop()]), [90, 120, 90, 120])
  t.deepEqual(await pixels(dataset, input, [centerCrop()]), [90, 120, 90, 120], 'as they are stored')
})

async function refused(t: ExecutionContext, folder: string, code: string, message: RegExp, both = true): Promise<void> {
  const error = await t.throwsAsync((both ? imageFolderSplits : imageFolder)(folder), { code })
  t.regex(error.message, message)
  t.true(error.message.includes(folder), error.message)
}

test('folders that are missing, empty or without images are named', async (t) => {
  const folder = await pets(t)
  await refused(t, join(folder, 'nowhere'), 'ERR_FILE', /cannot be read: ENOENT/)
  await refused(
    t,
    join(folder, 'train'),
    'ERR_DATASET',
    /expected the folders train and one of test, valid, val and validation, or --validation-share .*, got cat, dog/,
  )
  await refused(t, join(folder, 'train/cat'), 'ERR_DATASET', /expected one folder for each class, got no folder/, false)
  await mkdir(join(folder, 'train/bird'))
  await refused(t, folder, 'ERR_DATASET', /train\/bird: expected at least one image/)
  await rm(join(folder, 'train/bird'), { recursive: true })
  await write(folder, { 'test/fish/1.png': plain(4, 3, 1) })
  await refused(t, folder, 'ERR_DATASET', /expected folders of the training set's classes, got fish/)
})

/** Warnings about a folder, heard while `work` goes on. */
async function warningsOf(folder: string, work: () => Promise<unknown>): Promise<[string | undefined, string][]> {
  const warnings: Error[] = []
  const hear = (warning: Error): void => void warnings.push(warning)
  process.on('warning', hear)
  try {
    await work()
    await new Promise((resolve) => setImmediate(resolve))
  } finally {
    process.off('warning', hear)
  }
  return warnings.filter(({ message }) => message.includes(folder)).map((warning) => [(warning as { code?: string }).code, warning.message])
}

test.serial('what is left out is counted in warnings; a class with no images that are read is an error', async (t) => {
  const folder = await pets(t)
  const text = `${folder}/train: 1 files are no images and are passed over: ${folder}/train/cat/notes.txt`
  t.deepEqual(await warningsOf(folder, () => imageFolderSplits(folder)), [['PRERESNET_DATASET', text]])
  await write(folder, {
    'train/cat/2.avif': '',
    'train/cat/3.BMP': '',
    'train/cat/.4.gif': '',
    'train/dog/5.gif/none.txt': '',
    'train/dog/5.gif/6': Buffer.from('GIF89a------------'),
    'train/beside.JPG': '',
  })
  const warnings = await warningsOf(folder, async () => t.is((await imageFolder(join(folder, 'train'))).length, 4))
  t.deepEqual(warnings, [
    ['PRERESNET_DATASET', `${folder}/train: 3 images are neither JPEG, PNG nor WebP and are passed over: ${folder}/train/cat/2.avif ...`],
    ['PRERESNET_DATASET', `${folder}/train: 2 files are no images and are passed over: ${folder}/train/cat/notes.txt ...`],
    ['PRERESNET_DATASET', `${folder}/train: 1 images are in no folder of a class and are passed over: ${folder}/train/beside.JPG`],
  ])
  await write(folder, { 'train/bird/6.tiff': '' })
  await refused(t, folder, 'ERR_DATASET', /train\/bird: expected at least one image \(JPEG, PNG or WebP\), got 1 in other formats \(6\.tiff\)/)
})

test('images in folders within a class, behind links and with unusual names or none are read', async (t) => {
  const folder = await temporaryFolder(t)
  const image = plain(4, 3, 7)
  const names = ['a/1.jfif', 'a/2.JPE', 'a/3.jpg.JPEG', 'a/4.pjpeg', 'a/5.png', 'a/6', 'a/7.png.bak', 'a/8.webp', 'a/within/9.png', 'a/within/deep/er/10.tmp']
  await write(folder, Object.fromEntries([...names, 'elsewhere/11.png', 'b/within/12.png'].map((name) => [name, image])))
  await mkdir(join(folder, 'classes'))
  for (const name of ['a', 'b']) await symlink(join('..', name), join(folder, 'classes', name))
  await symlink('../elsewhere', join(folder, 'a/linked'))
  const { source, classes, labels, length } = await imageFolder(join(folder, 'classes'))
  t.deepEqual(classes, ['a', 'b'])
  t.deepEqual(
    Array.from({ length }, (_, index) => (source as RangeSource).files.at(index)!.slice(join(folder, 'classes/').length)),
    [
      'a/1.jfif',
      'a/2.JPE',
      'a/3.jpg.JPEG',
      'a/4.pjpeg',
      'a/5.png',
      'a/6',
      'a/7.png.bak',
      'a/8.webp',
      'a/linked/11.png',
      'a/within/9.png',
      'a/within/deep/er/10.tmp',
      'b/within/12.png',
    ],
  )
  t.deepEqual([...labels], [...new Array<number>(11).fill(0), 1])
})

test('a link that leads nowhere, or back, is an error with its path, wherever it is', async (t) => {
  for (const [path, to, where] of [
    ['train/bird', 'not-mounted/bird', 'train/bird'],
    ['test/bird', 'not-mounted/bird', 'test/bird'],
    ['valid', 'not-mounted', 'valid'],
    ['train/cat/more', 'not-mounted', 'train/cat/more'],
    ['train/cat/more.png', 'not-mounted.png', 'train/cat/more.png'],
  ] as const) {
    const folder = await pets(t)
    await symlink(to, join(folder, path))
    const error = await t.throwsAsync(imageFolderSplits(folder), { code: 'ERR_FILE' })
    t.is(error.message, `${folder}/${where}: a link that leads nowhere (to ${to})`)
  }
  const folder = await pets(t)
  await symlink('../cat', join(folder, 'train/cat/again'))
  await refused(t, folder, 'ERR_FILE', /train\/cat\/again: a link that leads back to a folder that it lies in/)
  await rm(join(folder, 'train/cat/again'))
  await symlink('../dog', join(folder, 'train/cat/dogs'))
  await symlink('../cat', join(folder, 'train/dog/cats'))
  await refused(t, folder, 'ERR_FILE', /train\/(cat\/dogs\/cats|dog\/cats\/dogs): a link that leads back/)
})

test('names of classes are the same however Unicode composes them; two such folders side by side are refused, and told apart', async (t) => {
  const folder = await temporaryFolder(t)
  const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301']
  await write(folder, { [`train/${composed}/1.png`]: plain(4, 3, 1), 'train/dog/1.png': plain(4, 3, 2), [`test/${decomposed}/1.png`]: plain(4, 3, 3) })
  const { train, test: rest } = await imageFolderSplits(folder)
  t.deepEqual(
    [train.classes, rest.classes],
    [
      [composed, 'dog'],
      [composed, 'dog'],
    ],
  )
  t.deepEqual([...rest.labels], [0])
  checkClasses('other', [decomposed, 'dog'], 'the first', train.classes)
  await write(folder, { [`train/${decomposed}/1.png`]: plain(4, 3, 1) })
  await refused(t, folder, 'ERR_DATASET', /differ only in how Unicode composes their letters: "cafe\\u0301" and "caf\\u00e9"/)
})

test.serial('one class only is said', async (t) => {
  const folder = await temporaryFolder(t)
  await write(folder, { 'dog/1.png': plain(4, 3, 1) })
  const [warning] = await warningsOf(folder, () => imageFolder(folder))
  t.deepEqual(warning, ['PRERESNET_DATASET', `${folder}: there is one class only (dog), from which nothing can be learned`])
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
  const named = async (name: string, message: RegExp): Promise<void> => {
    const dataset = await imageFolder(join(folder, 'train'))
    for (const decoding of [pixels(dataset), cacheInMemory(dataset, { input: small, prepare: { evaluate: [resize(4), centerCrop()] } })]) {
      const error = await t.throwsAsync(decoding, { code: 'ERR_IMAGE' })
      t.true(error.message.startsWith(`${join(folder, name)}: `), error.message)
      t.regex(error.message, message)
    }
  }
  await writeFile(join(folder, 'train/cat/10.png'), plain(4, 3, 40).subarray(0, 50))
  await named('train/cat/10.png', /./)
  await writeFile(join(folder, 'train/cat/1.jpeg.png'), '')
  await named('train/cat/1.jpeg.png', /empty/)
})

test('links to folders and images are followed', async (t) => {
  const folder = await pets(t)
  await rm(join(folder, 'test'), { recursive: true })
  await mkdir(join(folder, 'val/dog'), { recursive: true })
  await symlink(join(folder, 'train/cat'), join(folder, 'val/cat'))
  await symlink(join(folder, 'train/dog/a.PNG'), join(folder, 'val/dog/z.png'))
  const { test: rest } = await imageFolderSplits(folder)
  t.deepEqual(await firstBytes(rest), [30, 40, 10])
})

test('an abort ends the reading and the decoding', async (t) => {
  const signal = AbortSignal.abort('enough')
  const { train } = await imageFolderSplits(await pets(t))
  for (const reading of [imageFolderSplits(await pets(t), { signal }), cacheInMemory(train, { input: small, signal })]) {
    const error = await t.throwsAsync(reading, { code: 'ERR_ABORTED', message: 'aborted: enough' })
    t.is(error.cause, 'enough')
  }
})

test('options are checked', async (t) => {
  const folder = await pets(t)
  const wrong = async (options: object, message: RegExp): Promise<void> => {
    const error = await t.throwsAsync(imageFolderSplits(folder, options), { code: 'ERR_OPTION' })
    t.regex(error.message, message)
  }
  await wrong({ signall: 3 }, /did you mean "signal"/)
  await wrong({ height: 3 }, /unknown option "height": that is said by the network's input/)
  await wrong({ resize: 3 }, /unknown option "resize": that is said by `prepare`, as \[resize\(256\), centerCrop\(\)\]/)
  await wrong({ cache: 'files' }, /unknown option "cache": that is said by `cache` of fit/)
  await wrong({ signal: new AbortController() }, /imageFolder: signal: expected an AbortSignal/)
})
