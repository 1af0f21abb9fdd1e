/** What is remembered of folders: nothing that changed, and nothing that was damaged, is believed. */
import test, { type ExecutionContext } from 'ava'
import { execFileSync } from 'node:child_process'
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { preresnet } from '../cli/run.js'
import { writeSafetensors, readSafetensors } from '../../lib/formats/safetensors.js'
import { datasetOfFolder, readFolderIndex, writeFolderIndex } from '../../lib/data/folder_index.js'
import { sampleOfOtherSize } from '../../lib/data/image_sizes.js'
import { imageFolder, imageFolderSplits, loader, packedDataset, subset, type Dataset, type RangeSource } from '../../lib/data/index.js'
import { openFolder } from '../../lib/data/open_folder.js'
import { measureNormalization } from '../../lib/data/prepare/normalization.js'
import { sampleReader } from '../../lib/data/sample_bytes.js'
import { openTars } from '../../lib/data/tar.js'
import { randomBytes } from '../support/bytes.js'
import { writeFiles } from '../support/files.js'
import { temporaryFolder } from '../support/folder.js'
import { rgbPng } from '../support/png.js'

const input = { height: 4, width: 5, channels: 3 }
const noise = (seed: number): Buffer => rgbPng(5, 4, randomBytes(60, seed))
const old = new Date('2026-01-01')

/** Times of folders so long ago that a change shows. */
async function settle(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) if (entry.isDirectory()) await settle(join(folder, entry.name))
  await utimes(folder, old, old)
}

async function pets(t: ExecutionContext): Promise<{ folder: string; photos: string; cache: { folder: string; least: number } }> {
  const folder = await temporaryFolder(t)
  const photos = join(folder, 'photos')
  await writeFiles(photos, {
    'cat/1.png': noise(1),
    'cat/within/2.png': noise(2),
    'dog/3.png': noise(3),
    'dog/notes.txt': 'no image',
    'dog/4.png': noise(4),
  })
  await settle(photos)
  return { folder, photos, cache: { folder: join(folder, 'cache'), least: 1 } }
}

async function pixels(dataset: Dataset): Promise<Buffer> {
  await using batches = loader(dataset, { batch: dataset.length, input, mode: 'evaluate' })
  return Buffer.from((await batches.next(0))!.images)
}

const names = ({ source }: Dataset): string[] => Array.from({ length: (source as RangeSource).files.length }, (_, at) => (source as RangeSource).files.at(at)!)

/** Process warnings while `work` is done. */
async function warnings(work: () => Promise<unknown>): Promise<string[]> {
  const told: string[] = []
  const hear = ({ message }: Error): void => void told.push(message)
  process.on('warning', hear)
  await work()
  await new Promise(setImmediate)
  process.off('warning', hear)
  return told
}

test.serial('a folder is remembered: a second opening gives the same, says the same, and looks at no file', async (t) => {
  const { photos, cache } = await pets(t)
  const told: string[][] = []
  const datasets: Dataset[] = []
  for (let opening = 0; opening < 2; opening++) told.push(await warnings(async () => datasets.push(await openFolder(photos, {}, cache))))
  t.deepEqual(datasets[0], datasets[1])
  t.deepEqual(told[0], [`${photos}: 1 files are no images and are passed over: ${join(photos, 'dog/notes.txt')}`])
  t.deepEqual(told[0], told[1])
  t.is((await readdir(cache.folder)).length, 1)
  t.deepEqual(await pixels(datasets[1]!), await pixels(datasets[0]!))
  // A file in a folder whose time stays is not looked at.
  await rm(join(photos, 'dog/3.png'))
  await utimes(join(photos, 'dog'), old, old)
  t.deepEqual(await openFolder(photos, {}, cache), datasets[0])
  t.is((await openFolder(photos, { rescan: true }, cache)).length, 3)
  t.is((await openFolder(photos, {}, cache)).length, 3, 'what was found anew is remembered')
})

for (const [what, change] of Object.entries<(photos: string) => Promise<unknown>>({
  'an image that is added': (photos) => writeFile(join(photos, 'cat/5.png'), noise(5)),
  'an image that is added in a folder within': (photos) => writeFile(join(photos, 'cat/within/5.png'), noise(5)),
  'an image that is removed': (photos) => rm(join(photos, 'dog/4.png')),
  'an image that gets another name': (photos) => rename(join(photos, 'dog/4.png'), join(photos, 'dog/0.png')),
  'a class that is added': (photos) => writeFiles(photos, { 'emu/5.png': noise(5) }),
  'a class that is removed': (photos) => rm(join(photos, 'cat'), { recursive: true }),
}))
  test(`${what} shows at the next opening`, async (t) => {
    const { photos, cache } = await pets(t)
    const before = names(await openFolder(photos, {}, cache))
    await change(photos)
    const after = await openFolder(photos, {}, cache)
    t.notDeepEqual(names(after), before)
    t.deepEqual(names(after), names(await openFolder(photos, { rescan: true }, cache)))
  })

test('a folder that was changed a moment ago is not remembered, and few images are not', async (t) => {
  const { photos, cache } = await pets(t)
  await utimes(join(photos, 'cat/within'), new Date(), new Date())
  await openFolder(photos, {}, cache)
  await settle(photos)
  await openFolder(photos, {}, { ...cache, least: 100 })
  await t.throwsAsync(readdir(cache.folder), { code: 'ENOENT' })
})

test('classes that are given are part of what is remembered', async (t) => {
  const { photos, cache } = await pets(t)
  t.deepEqual([...(await openFolder(photos, {}, cache)).labels], [0, 0, 1, 1])
  for (let opening = 0; opening < 2; opening++) t.deepEqual([...(await openFolder(photos, { classes: ['dog', 'cow', 'cat'] }, cache)).labels], [2, 2, 0, 0])
})

for (const how of ['its bytes', 'its time'] as const)
  test(`a file that changes ${how} after it was listed is an error that names --rescan, when it is read`, async (t) => {
    const { photos, cache } = await pets(t)
    const path = join(photos, 'dog/4.png')
    const first = await openFolder(photos, {}, cache)
    if (how === 'its bytes') {
      const { mtime } = await stat(path)
      await writeFile(path, Buffer.concat([noise(4), Buffer.of(0)]))
      await utimes(path, mtime, mtime)
    } else await utimes(path, old, old)
    const expected = {
      code: 'ERR_FILE',
      message:
        /dog\/4\.png: the file has changed since it was listed: expected \d+ bytes of 20.* UTC, got \d+ bytes of 20.* UTC; --rescan, in code rescan: true, lists it anew/,
    }
    for (const dataset of [first, await openFolder(photos, {}, cache), subset(first, [0, 3])]) {
      await t.throwsAsync(pixels(dataset), expected, 'by workers')
      await t.throwsAsync(sampleReader(dataset.source)(dataset.length - 1), expected, 'in JavaScript')
      t.truthy(await sampleReader(dataset.source)(0))
    }
    const rescanned = await openFolder(photos, { rescan: true }, cache)
    t.is((await pixels(rescanned)).length, 240)
    t.is((await pixels(await openFolder(photos, {}, cache))).length, 240)
  })

test('a tar that changes after it was indexed is an error when it is read', async (t) => {
  const { folder, photos, cache } = await pets(t)
  const tar = join(folder, 'pets.tar')
  execFileSync('tar', ['-cf', tar, '-C', photos, 'cat', 'dog'])
  const dataset = await openTars(tar, {}, cache)
  t.is((await pixels(dataset)).length, 240)
  await utimes(tar, old, old)
  await t.throwsAsync(pixels(dataset), { code: 'ERR_FILE', message: /pets\.tar: the file has changed since it was listed/ })
  t.is((await pixels(await openTars(tar, {}, cache))).length, 240)
  // The same size and time, but an index of which a byte is another.
  for (const each of await readdir(cache.folder)) {
    const bytes = await readFile(join(cache.folder, each))
    bytes[bytes.length - 1]! ^= 1
    await writeFile(join(cache.folder, each), bytes)
  }
  t.deepEqual((await openTars(tar, {}, cache)).labels, dataset.labels)
  const remembered = (await readdir(cache.folder)).map((each) => join(cache.folder, each))
  for (const path of remembered) await rewrite(path, { checksum: undefined })
  await openTars(tar, {}, cache)
  for (const path of remembered) t.regex((await readSafetensors(path)).metadata['checksum'] ?? 'none', /^[0-9a-f]{8}$/, 'one without is made again')
})

const damages: Record<string, (path: string) => Promise<unknown>> = {
  'cut off': async (path) => writeFile(path, (await readFile(path)).subarray(0, -7)),
  'an empty file': (path) => writeFile(path, ''),
  'no index': (path) => writeFile(path, noise(1)),
  'a bit that fell over': async (path) => {
    const bytes = await readFile(path)
    bytes[bytes.length - 40]! ^= 4
    await writeFile(path, bytes)
  },
  'an earlier version': (path) => rewrite(path, { version: '0' }),
  'another format': (path) => rewrite(path, { format: 'preresnet-index' }),
  'no checksum': (path) => rewrite(path, { checksum: undefined }),
  'another text under the same checksum': (path) => rewrite(path, { classes: '["bird","fish"]' }),
  'that of another folder': async (path) => writeFolderIndex(path, { ...(await readFolderIndex(path)), directory: '/elsewhere', classes: ['bird', 'fish'] }),
  'names that lead out of the folder': async (path) => {
    const index = await readFolderIndex(path)
    const text = Buffer.from(index.names).toString().replace('cat/1.png', '../ab.png')
    await writeFolderIndex(path, { ...index, names: Buffer.from(text), classes: ['bird', 'fish'] })
  },
}

async function rewrite(path: string, changes: Record<string, string | undefined>): Promise<void> {
  const { tensors, metadata } = await readSafetensors(path)
  const texts = Object.entries({ ...metadata, ...changes }).filter((entry): entry is [string, string] => entry[1] !== undefined)
  await writeSafetensors(path, tensors, Object.fromEntries(texts))
}

for (const [what, damage] of Object.entries(damages)) {
  test(`a remembered folder is listed again where its file is damaged: ${what}`, async (t) => {
    const { photos, cache } = await pets(t)
    const dataset = await openFolder(photos, {}, cache)
    const [name] = await readdir(cache.folder)
    const path = join(cache.folder, name!)
    const whole = await readFile(path)
    await damage(path)
    t.deepEqual(await openFolder(photos, {}, cache), dataset)
    t.deepEqual(await readFile(path), whole, 'written again')
  })
}

for (const [what, change] of Object.entries<(index: Awaited<ReturnType<typeof readFolderIndex>>) => object>({
  'a name that begins with a slash': ({ names }) => ({ names: Buffer.from(Buffer.from(names).toString().replace('dog/3', '/og/3')) }),
  'a name that goes up in its middle': ({ names }) => ({ names: Buffer.from(Buffer.from(names).toString().replace('within', 'a/../b')) }),
  'a folder that goes up': ({ directories }) => ({ directories: [...directories, { name: 'cat/../../x', modified: 0 }] }),
  'a label that is no class': ({ labels }) => ({ labels: labels.map(() => 2) }),
  'an end within a name': ({ ends }) => ({ ends: ends.map((end, index) => (index === 0 ? end - 1 : end)) }),
  'a size below 0': ({ bytes }) => ({ bytes: bytes.map(() => -1) }),
  'no image': () => ({
    labels: new Int32Array(0),
    ends: new Int32Array(0),
    bytes: new Float64Array(0),
    modified: new Float64Array(0),
    names: new Uint8Array(0),
  }),
  'a fingerprint that is none': () => ({ fingerprint: 'abc' }),
}))
  test(`an index of a folder is refused: ${what}`, async (t) => {
    const { photos, cache } = await pets(t)
    await openFolder(photos, {}, cache)
    const [name] = await readdir(cache.folder)
    const path = join(cache.folder, name!)
    const index = await readFolderIndex(path)
    await writeFolderIndex(path, { ...index, ...change(index) })
    const { message } = await t.throwsAsync(readFolderIndex(path), { code: 'ERR_FILE' })
    t.true(message.startsWith(`${path}: `))
  })

test.serial('an index beside the data is used, moves with it, and is not where the folder has changed', async (t) => {
  const { folder, photos, cache } = await pets(t)
  const { status, stdout } = await preresnet(['data', 'index', photos, '--json'])
  t.is(status, 0)
  const beside = `${photos}.index`
  t.like((JSON.parse(stdout) as { indexes: object[] }).indexes, [{ folder: photos, index: beside, images: 4 }])
  await rename(photos, join(folder, 'moved'))
  await rename(beside, join(folder, 'moved.index'))
  const moved = join(folder, 'moved')
  await rm(join(moved, 'dog/3.png'))
  await utimes(join(moved, 'dog'), old, old)
  t.is((await openFolder(moved, {}, cache)).length, 4, 'read from the index')
  await t.throwsAsync(readdir(cache.folder), { code: 'ENOENT' }, 'nothing else is written')
  t.is((await openFolder(moved, { classes: ['dog', 'cat'] }, undefined)).length, 3, 'other classes')
  const told: string[] = []
  told.push(...(await warnings(async () => t.is((await openFolder(moved, { rescan: true }, undefined)).length, 3))))
  await utimes(join(moved, 'dog'), old, new Date('2026-02-02'))
  told.push(...(await warnings(async () => t.is((await openFolder(moved, {}, undefined)).length, 3))))
  await writeFile(join(folder, 'moved.index'), 'damaged')
  told.push(...(await warnings(async () => t.is((await openFolder(moved, {}, undefined)).length, 3))))
  const about = told.filter((line) => line.includes('.index'))
  t.is(about.length, 3)
  t.regex(about[0]!, /moved\.index: is not used, since all files are looked at again; `preresnet data index` writes it again/)
  t.regex(about[1]!, /is not used, since the folder has changed/)
  t.regex(about[2]!, /moved\.index: .*it is not used/)
})

test('the sets of a folder get an index each, and other folders none', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFiles(folder, { 'train/a/1.png': noise(1), 'train/b/2.png': noise(2), 'val/a/3.png': noise(3), 'val/b/3.png': noise(3), 'more/c/4.png': noise(4) })
  await settle(folder)
  t.is((await preresnet(['data', 'index', folder])).status, 0)
  t.deepEqual((await readdir(folder)).sort(), ['more', 'train', 'train.index', 'val', 'val.index'])
  const { train, test: validation } = await imageFolderSplits(folder)
  t.deepEqual([train.length, validation.length], [2, 2])
})

test('rescan is an option of folders, tars and Parquet files, and of nothing else', async (t) => {
  await t.throwsAsync(imageFolder('/nowhere', { rescan: 1 as never }), { code: 'ERR_OPTION', message: /rescan: expected true or false, got 1/ })
  await t.throwsAsync(packedDataset('/nowhere', { rescan: true }), { code: 'ERR_OPTION', message: /rescan/ })
  const { status, stderr } = await preresnet(['data', 'inspect', '--data', 'digits', '--rescan'])
  t.is(status, 2)
  t.regex(stderr, /--rescan is for folders, tars and Parquet files, got --data digits/)
})

const reading = { workers: 1, signal: undefined }

test('a measured normalization and the question whether all images have one size are remembered, until a file changes', async (t) => {
  const { photos, cache } = await pets(t)
  const dataset = await openFolder(photos, {}, cache)
  const ask = async (of: Dataset) => [
    await measureNormalization(of, [], input, reading, cache),
    await sampleOfOtherSize(of as never, input, {}, cache),
    await sampleOfOtherSize(of as never, { height: 9, width: 5 }, {}, { ...cache, least: 100 }),
  ]
  const found = await ask(dataset)
  t.is(found[1], undefined)
  t.like(found[2], { height: 4, width: 5 })
  t.is((await readdir(cache.folder)).length, 3, 'the listing, and two answers that cost more than a file')
  // Nothing is read any more: the files are not there.
  for (const path of names(dataset)) await rename(path, `${path}.away`)
  t.deepEqual(await measureNormalization(dataset, [], input, reading, cache), found[0] as never)
  t.is(await sampleOfOtherSize(dataset as never, input, {}, cache), undefined)
  // What depends on anything else is measured, and fails.
  const other = { ...dataset, fingerprint: 'another' }
  const rescanned = datasetOfFolder(photos, await readFolderIndex(join(cache.folder, (await listingIn(cache.folder))!)), true)
  for (const of of [other, rescanned, subset(dataset, [1, 2])]) await t.throwsAsync(measureNormalization(of, [], input, reading, cache), { code: 'ERR_FILE' })
  await t.throwsAsync(measureNormalization(dataset, [], { ...input, channels: 1 }, reading, cache), { code: 'ERR_FILE' })
  const { listed } = dataset.source as RangeSource
  const later = { ...dataset, source: { ...dataset.source, listed: { ...listed!, modified: listed!.modified.map((time) => time + 1) } } as RangeSource }
  await t.throwsAsync(measureNormalization(later, [], input, reading, cache), { code: 'ERR_FILE' })
})

async function listingIn(folder: string): Promise<string | undefined> {
  for (const name of await readdir(folder)) if ((await readSafetensors(join(folder, name))).metadata['format'] === 'preresnet-folder') return name
  return undefined
}

test.serial('where nothing can be written it goes on, and says so', async (t) => {
  const { folder, photos } = await pets(t)
  await writeFile(join(folder, 'blocked'), '')
  const told = await warnings(() => openFolder(photos, {}, { folder: join(folder, 'blocked'), least: 1 }))
  t.true(told.some((line) => line.includes('cannot be written') && line.includes('looked at again next time')))
})
