import test, { type ExecutionContext } from 'ava'
import { execFile } from 'node:child_process'
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { cacheInMemory, centerCrop, imageFolder, loader, resize, subset, type Dataset, type RangeSource } from '../../lib/data/index.js'
import { sampleName } from '../../lib/data/dataset.js'
import { storedSize } from '../../lib/data/image_sizes.js'
import { completePreparation } from '../../lib/data/prepare/complete.js'
import { openTars, tarDataset } from '../../lib/data/tar.js'
import { TarBytes, tarEntries, type TarEntry } from '../../lib/data/tar_entries.js'
import { randomBytes } from '../support/bytes.js'
import { writeFiles } from '../support/files.js'
import { temporaryFolder } from '../support/folder.js'
import { rgbPng } from '../support/png.js'

const input = { height: 4, width: 5, channels: 3 }
const noise = (seed: number): Buffer => rgbPng(5, 4, randomBytes(60, seed))
const long = `${'a-folder-with-a-long-name/'.repeat(8)}cat`

async function pack(folder: string, file: string, format: string, files: Record<string, Buffer | string>): Promise<string> {
  await writeFiles(join(folder, file), files)
  await promisify(execFile)(
    'tar',
    [`--format=${format}`, '--sort=name', '-cf', `${file}.tar`, '-C', file, ...new Set(Object.keys(files).map((name) => name.split('/')[0]!))],
    {
      cwd: folder,
    },
  )
  return join(folder, `${file}.tar`)
}

async function entriesOf(path: string): Promise<TarEntry[]> {
  await using bytes = await TarBytes.open(path)
  const entries: TarEntry[] = []
  for await (const entry of tarEntries(bytes, undefined)) entries.push(entry)
  return entries
}

async function pixels(dataset: Dataset, workers = 2): Promise<Buffer> {
  await using batches = loader(dataset, { batch: dataset.length, input, mode: 'evaluate', workers })
  return Buffer.from((await batches.next(0))!.images)
}

const pets = { 'cat/3.png': noise(3), 'cat/notes.txt': 'no image', 'cat/.hidden.png': 'no image', 'dog/1.png': noise(1), 'dog/2.PNG': noise(2) }

for (const format of ['ustar', 'gnu', 'pax', 'v7'] as const) {
  test(`a tar of folders is what the folders are, ${format}`, async (t) => {
    const folder = await temporaryFolder(t)
    const tar = await tarDataset(await pack(folder, 'pets', format, pets))
    const files = await imageFolder(join(folder, 'pets'))
    t.deepEqual(tar.classes, ['cat', 'dog'])
    t.deepEqual([...tar.labels], [...files.labels])
    t.deepEqual(await pixels(tar), await pixels(files))
    await using shuffled = loader(tar, { batch: 2, input, seed: 4 })
    await using expected = loader(files, { batch: 2, input, seed: 4 })
    for (const index of [0, 5, 1]) t.deepEqual(await shuffled.next(index), await expected.next(index))
  })
}

test('names beyond what a header holds, by pax records and by entries of GNU', async (t) => {
  const folder = await temporaryFolder(t)
  for (const format of ['pax', 'gnu']) {
    const path = await pack(folder, format, format, { [`${long}/1.png`]: noise(1), [`${'ä'.repeat(60)}/${'ü'.repeat(60)}.png`]: noise(2) })
    t.deepEqual((await entriesOf(path)).map(({ name }) => name).sort(), [`${long}/1.png`, `${'ä'.repeat(60)}/${'ü'.repeat(60)}.png`])
    t.is((await tarDataset(path)).length, 2)
  }
})

test('names of ustar in two parts', async (t) => {
  const folder = await temporaryFolder(t)
  const name = `${'a-folder-with-a-long-name/'.repeat(5)}cat/1.png`
  const path = await pack(folder, 'ustar', 'ustar', { [name]: noise(1) })
  t.deepEqual(
    (await entriesOf(path)).map((entry) => entry.name),
    [name],
  )
  t.deepEqual((await tarDataset(path)).classes, ['cat'])
})

/** An entry's header with the size in these twelve bytes. */
function headerOf(name: string, kind: string, size: Buffer): Buffer {
  const header = Buffer.alloc(512)
  header.write(name)
  size.copy(header, 124)
  header.write(kind, 156)
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

test('sizes that octal digits cannot hold: in a pax record, and in binary', async (t) => {
  const folder = await temporaryFolder(t)
  const image = noise(1)
  const octal = (size: number) => Buffer.from(size.toString(8).padStart(11, '0'))
  const binary = Buffer.alloc(12)
  binary[0] = 0x80
  binary.writeUInt32BE(image.length, 8)
  const whole = (contents: Buffer) => Buffer.concat([contents, Buffer.alloc(-contents.length & 511)])
  const record = `12 size=${image.length}\n`
  t.is(record.length, 12)
  const parts = [
    ...[headerOf('pax', 'x', octal(record.length)), whole(Buffer.from(record)), headerOf('a/1.png', '0', octal(0)), whole(image)],
    ...[headerOf('b/2.png', '0', binary), whole(image), Buffer.alloc(1024)],
  ]
  const path = join(folder, 'sizes.tar')
  await writeFile(path, Buffer.concat(parts))
  t.deepEqual(await entriesOf(path), [
    { name: 'a/1.png', offset: 1536, length: image.length, kind: 'file' },
    { name: 'b/2.png', offset: 2048 + whole(image).length, length: image.length, kind: 'file' },
  ])
})

test('shards as of WebDataset: keys, numbers of classes, several tars', async (t) => {
  const folder = await temporaryFolder(t)
  const first = await pack(folder, 'shard-0', 'ustar', { '0.png': noise(1), '0.cls': '2', '0.json': '{}', 'x/1.seg.png': noise(2), 'x/1.cls': '0\n' })
  const second = await pack(folder, 'shard-1', 'pax', { '0.png': noise(3), '0.cls': '1' })
  const dataset = await tarDataset([first, second])
  t.deepEqual(dataset.classes, ['0', '1', '2'])
  t.deepEqual([...dataset.labels], [2, 0, 1])
  t.deepEqual([...(dataset.source as RangeSource).file], [0, 0, 1])
  t.is(dataset.name, first)
  const named = await tarDataset([first, second], { classes: ['a', 'b', 'c', 'd'] })
  t.like(named, { classes: ['a', 'b', 'c', 'd'], fingerprint: dataset.fingerprint })
  const images = await pixels(dataset)
  t.deepEqual(await pixels(subset(dataset, [2, 0])), Buffer.concat([images.subarray(120), images.subarray(0, 60)]))
  t.not((await tarDataset([second, first])).fingerprint, dataset.fingerprint)

  const other = await pack(folder, 'folders', 'ustar', { 'cat/1.png': noise(1) })
  await t.throwsAsync(tarDataset([first, other]), { code: 'ERR_DATASET', message: /\.cls files in all tars, or in none/ })
  await t.throwsAsync(tarDataset(first, { classes: ['a', 'b'] }), { code: 'ERR_DATASET', message: /expected classes 0 to 1, .* got class 2/ })
  await t.throwsAsync(tarDataset(other, { classes: ['dog'] }), {
    code: 'ERR_DATASET',
    message: /expected the classes of the names that are given \(dog\), got cat/,
  })
})

test('preparation, statistics and the memory cache as of files', async (t) => {
  const folder = await temporaryFolder(t)
  const sizes = { 'cat/1.png': noise(1), 'cat/2.png': rgbPng(9, 7, randomBytes(189, 2)) }
  const dataset = await tarDataset(await pack(folder, 'sizes', 'ustar', sizes))
  const files = await imageFolder(join(folder, 'sizes'))
  const prepare = { evaluate: [resize(6), centerCrop()] }
  const reading = { workers: 1, signal: undefined }
  t.deepEqual(await completePreparation({}, input, { train: dataset, ...reading }), await completePreparation({}, input, { train: files, ...reading }))
  t.deepEqual(
    await completePreparation(prepare, input, { train: dataset, ...reading }),
    await completePreparation(prepare, input, { train: files, ...reading }),
  )
  const [kept, expected] = await Promise.all([dataset, files].map((set) => cacheInMemory(set, { input, prepare })))
  t.deepEqual(kept!.source, expected!.source)
  const error = await t.throwsAsync(pixels(dataset), { code: 'ERR_IMAGE' })
  t.regex(error.message, /sizes\.tar at byte \d+: cat\/2\.png: expected an image of 4 x 5, got 7 x 9/)
})

for (const format of ['ustar', 'gnu', 'pax', 'v7'] as const) {
  test(`a corrupt image is called by its shard, its first byte and its name there, ${format}`, async (t) => {
    const folder = await temporaryFolder(t)
    const names = [
      'cat/1.png',
      'cat/2\n.png',
      ...(format === 'v7' ? [] : [`${'d/'.repeat(60)}cat/3.png`]),
      ...(format === 'gnu' || format === 'pax' ? [`${long}/4.png`] : []),
    ]
    const path = await pack(folder, 'broken', format, Object.fromEntries(names.map((name) => [name, Buffer.from(`no image: ${name}`)])))
    const dataset = await tarDataset(path)
    const entries = await entriesOf(path)
    const { source } = dataset as Dataset & { source: RangeSource }
    const expected = entries.map(
      ({ name, offset }) => `${path} at byte ${offset}: ${name.replace('\n', '\\x0a')}: expected a JPEG, PNG or WebP file, got other contents`,
    )
    t.is(expected.length, names.length)
    await using batches = loader(dataset, { batch: names.length, input, mode: 'evaluate', corrupt: 'skip' })
    await batches.next(0)
    t.deepEqual(
      batches.corruptImages.map(({ reason }) => reason),
      expected,
    )
    for (const sample of expected.keys()) await t.throwsAsync(storedSize(source, sample), { message: expected[sample]! })
  })
}

test('where no header stands before the bytes, a file has no names in it', async (t) => {
  const path = await pack(await temporaryFolder(t), 'pets', 'gnu', pets)
  const dataset = await tarDataset(path)
  const { source } = dataset as Dataset & { source: RangeSource }
  const nameOf = (offset: number, length: number, file = path): string =>
    sampleName({ ...source, files: [file], offset: Float64Array.of(offset), length: Float64Array.of(length) }, 0)
  const [offset, length] = [source.offset[0]!, source.length[0]!]
  t.is(nameOf(offset, length), `${path} at byte ${offset}: cat/3.png`)
  t.is(nameOf(offset, length + 1), `${path} at byte ${offset}`)
  t.is(nameOf(offset + 1, length), `${path} at byte ${offset + 1}`)
  t.is(nameOf(100, length), `${path} at byte 100`)
  t.is(nameOf(0, length), path)
  t.is(nameOf(512, length, `${path}.gone`), `${path}.gone at byte 512`)
})

async function refused(t: ExecutionContext, path: string | readonly string[], code: string, message: RegExp): Promise<void> {
  const error = await t.throwsAsync(tarDataset(path), { code })
  t.regex(error.message, message)
}

test('what is no tar, or not a whole one, is named', async (t) => {
  const folder = await temporaryFolder(t)
  const path = await pack(folder, 'pets', 'ustar', pets)
  const whole = await readFile(path)
  const damaged = async (contents: Buffer): Promise<string> => {
    await writeFile(join(folder, 'damaged.tar'), contents)
    return join(folder, 'damaged.tar')
  }
  await refused(t, await damaged(gzipSync(whole)), 'ERR_FILE', /damaged\.tar: the tar is compressed.*gunzip/)
  await refused(t, await damaged(Buffer.from('short')), 'ERR_FILE', /expected a tar, got 5 bytes/)
  await refused(t, await damaged(Buffer.alloc(2048, 1)), 'ERR_FILE', /expected the header of a tar's entry at byte 0/)
  const entries = await entriesOf(path)
  await refused(t, await damaged(whole.subarray(0, entries[1]!.offset + 10)), 'ERR_FILE', /more than the file has left; was it cut off/)
  const turned = Buffer.from(whole)
  turned[entries[2]!.offset - 512]! ^= 1
  await refused(t, await damaged(turned), 'ERR_FILE', /expected the header/)
  await refused(t, join(folder, 'nowhere.tar'), 'ERR_FILE', /nowhere\.tar: cannot be read: ENOENT/)
  await refused(t, folder, 'ERR_FILE', /cannot be read/)
  await refused(t, await pack(folder, 'texts', 'ustar', { 'a/1.txt': 'x' }), 'ERR_DATASET', /at least one image .* got 1 other files/)
  await refused(
    t,
    await pack(folder, 'flat', 'ustar', { '1.png': noise(1) }),
    'ERR_DATASET',
    /1\.png: expected its class in 1\.cls, or a folder named after it/,
  )
  await refused(
    t,
    await pack(folder, 'half', 'ustar', { '1.png': noise(1), '1.cls': '0', '2.png': noise(2) }),
    'ERR_DATASET',
    /2\.png: expected its class in 2\.cls, got none/,
  )
  await refused(
    t,
    await pack(folder, 'named', 'ustar', { '1.png': noise(1), '1.cls': 'cat' }),
    'ERR_DATASET',
    /1\.cls: expected the number of a class, got "cat"/,
  )
  await refused(t, [], 'ERR_OPTION', /expected a path, or a list of paths/)
  await t.throwsAsync(tarDataset(path, { clases: [] } as never), { code: 'ERR_OPTION', message: /did you mean "classes"/ })
  await t.throwsAsync(tarDataset(path, { signal: AbortSignal.abort() }), { code: 'ERR_ABORTED' })
})

test('braces stand for several tars', async (t) => {
  const folder = await temporaryFolder(t)
  const paths: string[] = []
  for (const index of [8, 9, 10])
    paths.push(await pack(folder, `shard-${String(index).padStart(2, '0')}`, 'ustar', { '0.png': noise(index), '0.cls': String(index - 8) }))
  const dataset = await tarDataset(join(folder, 'shard-{08..10}.tar'))
  t.like(dataset, { name: paths[0], length: 3, fingerprint: (await tarDataset(paths)).fingerprint })
  t.deepEqual(await pixels(dataset), await pixels(await tarDataset(paths)))
  await t.throwsAsync(tarDataset(join(folder, 'shard-{08..11}.tar')), { code: 'ERR_FILE', message: /shard-11\.tar: cannot be read: ENOENT/ })
})

test('where the images are is remembered, as long as the tars are the same', async (t) => {
  const folder = await temporaryFolder(t)
  const first = await pack(folder, 'first', 'ustar', pets)
  const second = await pack(folder, 'second', 'ustar', { 'cat/9.png': noise(9) })
  const cache = { folder: join(folder, 'cache'), least: 1 }
  const whole = await readFile(first)
  const time = new Date('2026-01-01')
  const write = async (contents: Uint8Array, seconds: number): Promise<void> => {
    await writeFile(first, contents)
    await utimes(first, time, new Date(time.getTime() + 1000 * seconds))
  }
  await write(whole, 0)
  const open = (classes?: readonly string[]) => openTars([first, second], classes === undefined ? {} : { classes }, cache)
  const dataset = await open()
  t.is((await readdir(cache.folder)).length, 1)
  t.deepEqual(await open(), dataset)
  t.deepEqual((await open(['cat', 'cow', 'dog'])).labels, Int32Array.of(0, 2, 2, 0))
  t.is((await readdir(cache.folder)).length, 2)
  // Read from the cache: the same size and time, and other bytes.
  await write(Buffer.alloc(whole.length), 0)
  t.deepEqual((await open()).labels, dataset.labels)
  await write(Buffer.alloc(whole.length), 1)
  await t.throwsAsync(open(), { code: 'ERR_DATASET' })
  await write(whole, 2)
  const again = await open()
  t.deepEqual(again.labels, dataset.labels)
  // What is damaged there is made again.
  for (const name of await readdir(cache.folder)) await writeFile(join(cache.folder, name), 'damaged')
  t.deepEqual(await open(), again)
  await writeFile(first, Buffer.alloc(0))
  await t.throwsAsync(open(), { code: 'ERR_FILE', message: /first\.tar: expected a tar, got 0 bytes/ })
  // A few images are found faster than an index.
  await writeFile(first, whole)
  await openTars(first, {}, { folder: join(folder, 'none'), least: 100 })
  await t.throwsAsync(readdir(join(folder, 'none')))
})

test.serial('every ending of JPEG is one of an image, and images of other formats are counted', async (t) => {
  const folder = await temporaryFolder(t)
  const told: string[] = []
  const listen = (warning: Error): void => void told.push(warning.message)
  process.on('warning', listen)
  t.teardown(() => process.off('warning', listen))
  const names = ['a.jfif', 'b.JPE', 'c.jif', 'd.pjpeg', 'e.pjp', 'f.jpg', 'g.JPEG', 'h.png', 'l.webp', 'm.WEBP']
  const tar = await pack(folder, 'endings', 'ustar', {
    ...Object.fromEntries(names.map((name) => [`cat/${name}`, noise(1)])),
    'cat/i.bmp': 'one',
    'cat/j.avif': 'two',
    'cat/k.txt': 'none',
  })
  const cache = { folder: join(folder, 'cache'), least: 1 }
  for (let opening = 0; opening < 2; opening++) t.is((await openTars(tar, {}, cache)).length, names.length)
  await new Promise((resolve) => setImmediate(resolve))
  const line = `${tar}: 2 images are neither JPEG, PNG nor WebP and are passed over`
  t.deepEqual(told, [line, line], 'told when the index is made, and when it is remembered')
})
