/** Which images train, validate and test. */
import { mkdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { imageFolderSplits, type Dataset, type ImageFolderSplitsOptions, type RangeSource } from '../../lib/data/index.js'
import { writeFiles } from '../support/files.js'
import { temporaryFolder } from '../support/folder.js'
import { rgbPng } from '../support/png.js'

const image = rgbPng(1, 1, new Uint8Array(3))

/** As many images of each of two classes as that in each folder. */
async function folderOf(t: ExecutionContext, counts: Readonly<Record<string, number>>): Promise<string> {
  const folder = await temporaryFolder(t)
  const names = Object.entries(counts).flatMap(([name, count]) =>
    Array.from({ length: count }, (_, index) => [`${name}/cat/${index}.png`, `${name}/dog/${index}.png`]).flat(),
  )
  await writeFiles(folder, Object.fromEntries(names.map((name) => [name, image])))
  return folder
}

function names({ source }: Dataset, folder: string): string[] {
  const { files, file } = source as RangeSource
  return [...file].map((index) => relative(folder, files.at(index)!))
}

async function lengths(folder: string, options: ImageFolderSplitsOptions = {}): Promise<(number | undefined)[]> {
  const { train, validation, test: rest } = await imageFolderSplits(folder, options)
  return [train.length, validation?.length, rest.length]
}

for (const name of ['valid', 'val', 'validation']) {
  test(`train, ${name} and test: ${name} is to validate with, and --validate says otherwise`, async (t) => {
    const folder = await folderOf(t, { train: 3, [name]: 2, test: 4 })
    t.deepEqual(await lengths(folder), [6, 4, 8])
    t.deepEqual(await lengths(folder, { validate: name }), [6, 4, 8])
    t.deepEqual(await lengths(folder, { validate: 'test' }), [6, undefined, 8])
    const { validation } = await imageFolderSplits(folder)
    t.is(validation!.name, join(folder, name))
    await t.throwsAsync(imageFolderSplits(folder, { validate: 'dev' }), {
      code: 'ERR_DATASET',
      message: /expected the folders train and dev, which is to validate with.*got test, train/,
    })
    await t.throwsAsync(imageFolderSplits(folder, { validationShare: 0.5 }), { code: 'ERR_DATASET', message: new RegExp(`expected no folder ${name}`) })
  })

  test(`train and ${name} alone: ${name} is the other set`, async (t) => {
    const folder = await folderOf(t, { train: 3, [name]: 2 })
    t.deepEqual(await lengths(folder), [6, undefined, 4])
  })
}

test.serial('two folders to validate with need a choice, and one that is not read is said', async (t) => {
  const folder = await folderOf(t, { train: 3, val: 2, validation: 1, dev: 4, test: 5 })
  await t.throwsAsync(imageFolderSplits(folder), { code: 'ERR_DATASET', message: /one of the folders valid, val and validation, or --validate/ })
  const warnings: string[] = []
  const hear = ({ message }: Error): void => {
    if (message.startsWith(folder)) warnings.push(message)
  }
  process.on('warning', hear)
  t.teardown(() => process.off('warning', hear))
  t.deepEqual(await lengths(folder, { validate: 'dev' }), [6, 8, 10])
  await new Promise((resolve) => setImmediate(resolve))
  t.deepEqual(warnings, [`${folder}: not read: val, validation (2 of the folders beside train)`])
})

test('a share of a folder of classes: every image is in one set, and stays there when others are added', async (t) => {
  const folder = await folderOf(t, { '.': 200 })
  const split = await imageFolderSplits(folder, { validationShare: 0.1 })
  const [train, rest] = [names(split.train, folder), names(split.test, folder)]
  t.is(train.length + rest.length, 400)
  t.is(new Set([...train, ...rest]).size, 400)
  t.true(rest.length >= 20 && rest.length <= 60, `${rest.length}`)
  t.true(rest.some((name) => name.startsWith('cat/')) && rest.some((name) => name.startsWith('dog/')))
  t.deepEqual(split.test.classes, split.train.classes)
  // The labels go with their images.
  t.deepEqual(
    [...split.test.labels],
    rest.map((name) => (name.startsWith('cat/') ? 0 : 1)),
  )
  t.deepEqual(rest.slice(0, 3), firstThree)

  await writeFiles(folder, Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`cat/0${index}.png`, image])))
  await mkdir(join(folder, 'bird'))
  await writeFiles(folder, Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`bird/${index}.png`, image])))
  const more = names((await imageFolderSplits(folder, { validationShare: 0.1 })).test, folder)
  t.deepEqual(more.filter((name) => train.includes(name) || rest.includes(name)).sort(), [...rest].sort())
  const larger = names((await imageFolderSplits(folder, { validationShare: 0.2 })).test, folder)
  t.true(more.every((name) => larger.includes(name)))
})

/** As sha256sum says: the first 48 bits of the hash of the path are below a tenth of 2^48. */
const firstThree = ['cat/10.png', 'cat/133.png', 'cat/146.png']

test('a share of train: the test set stays what it is', async (t) => {
  const folder = await folderOf(t, { train: 50, test: 3 })
  const { train, validation, test: rest } = await imageFolderSplits(folder, { validationShare: 0.2 })
  t.is(train.length + validation!.length, 100)
  t.is(rest.length, 6)
  const alone = await folderOf(t, { train: 50 })
  const split = await imageFolderSplits(alone, { validationShare: 0.2 })
  t.deepEqual(names(split.test, join(alone, 'train')), names(validation!, join(folder, 'train')), 'by the path from the folder of the classes')
})

test('shares that leave nothing, and wrong ones, are refused', async (t) => {
  const folder = await folderOf(t, { '.': 2 })
  const refused = (options: object, code: string, message: RegExp): Promise<unknown> => t.throwsAsync(imageFolderSplits(folder, options), { code, message })
  await refused(
    {},
    'ERR_DATASET',
    /expected the folders train and one of .* or --validation-share \(in code validationShare\) for a folder of classes, got cat, dog/,
  )
  for (const validationShare of [0, 1, -0.1, '0.1', NaN])
    await refused({ validationShare }, 'ERR_OPTION', /validationShare: expected a number above 0 and below 1/)
  await refused({ validationShare: 1e-9 }, 'ERR_DATASET', /none is in the validation part at a share of 1e-9/)
  await refused({ validationShare: 0.999999 }, 'ERR_DATASET', /none is in the training part/)
  await refused({ validate: '' }, 'ERR_OPTION', /validate/)
  await t.throwsAsync(imageFolderSplits(await folderOf(t, { train: 1, test: 1 }), { validate: 'test', validationShare: 0.1 }), {
    code: 'ERR_OPTION',
    message: /either validate or validationShare/,
  })
})
