import test, { type ExecutionContext } from 'ava'
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { imageFolder, loader, pack, packedDataset, subset, type Dataset, type RangeSource } from '../../lib/data/index.js'
import { sampleAddress, type CustomSource } from '../../lib/data/dataset.js'
import { openParquet, parquetDataset, type ParquetOptions } from '../../lib/data/parquet/dataset.js'
import { readRuns } from '../../lib/data/parquet/levels.js'
import { readThrift } from '../../lib/data/parquet/thrift.js'
import { randomBytes } from '../support/bytes.js'
import { writeFiles } from '../support/files.js'
import { temporaryFolder } from '../support/folder.js'
import { parquetFile, type ParquetRow, type ParquetWriting } from '../support/parquet.js'
import { rgbPng } from '../support/png.js'

const input = { height: 4, width: 5, channels: 3 }
const noise = (seed: number): Buffer => rgbPng(5, 4, randomBytes(60, seed))
const names = ['cat', 'cow', 'dog']
const rows: readonly ParquetRow[] = Array.from({ length: 11 }, (_, index) => ({ image: noise(index), label: index < 4 ? 0 : index < 9 ? 1 : 2 }))

async function write(t: ExecutionContext, writing: ParquetWriting, own = rows): Promise<string> {
  const path = join(await temporaryFolder(t), 'images.parquet')
  await writeFile(path, parquetFile(own, { names, ...writing }))
  return path
}

/** The same images in a folder. */
async function folderOf(t: ExecutionContext): Promise<Dataset> {
  const folder = await temporaryFolder(t)
  const files = rows.map(({ image, label }, index) => [`${names[label]!}/${String(index).padStart(2, '0')}.png`, Buffer.from(image!)] as const)
  await writeFiles(folder, Object.fromEntries(files))
  return imageFolder(folder)
}

async function batches(dataset: Dataset, mode: 'train' | 'evaluate'): Promise<unknown[]> {
  await using given = loader(dataset, { batch: 4, input, mode, seed: 3, workers: 2 })
  const all: unknown[] = []
  for (let index = 0; index < 3; index++) all.push(await given.next(index))
  return all
}

const stored: Readonly<Record<string, ParquetWriting>> = {
  'one group, one page': {},
  'groups of 3, pages of 2': { rowsOfGroup: 3, rowsOfPage: 2 },
  'pages of version 2': { version: 2, rowsOfPage: 4 },
  'a dictionary': { dictionary: true, rowsOfGroup: 5, rowsOfPage: 3 },
  'one literal of Snappy': { codec: 'literals', rowsOfGroup: 5 },
  'one literal of Snappy, version 2': { codec: 'literals', version: 2, rowsOfPage: 3 },
  'one literal of Snappy, a dictionary': { codec: 'literals', dictionary: true },
}

for (const [what, writing] of Object.entries(stored))
  test(`the batches of a folder: ${what}`, async (t) => {
    const dataset = await parquetDataset(await write(t, writing))
    const folder = await folderOf(t)
    t.is(dataset.source.kind, 'ranges')
    t.deepEqual(dataset.classes, names)
    t.deepEqual([...dataset.labels], [...folder.labels])
    for (const mode of ['train', 'evaluate'] as const) t.deepEqual(await batches(dataset, mode), await batches(folder, mode))
  })

const compressed: Readonly<Record<string, ParquetWriting>> = {
  SNAPPY: { codec: 'copies', rowsOfPage: 3 },
  'SNAPPY, version 2, a dictionary': { codec: 'copies', version: 2, dictionary: true },
  GZIP: { codec: 'gzip', rowsOfGroup: 4 },
}

for (const [what, writing] of Object.entries(compressed))
  test(`images that are compressed are refused, and packed: ${what}`, async (t) => {
    const path = await write(t, writing)
    const error = await t.throwsAsync(parquetDataset(path), { code: 'ERR_DATASET' })
    t.true(
      error.message.startsWith(`${path}: expected images that lie in the file as they are, got one that ${what.split(',')[0]!} has compressed (row 0)`),
      error.message,
    )
    t.true(error.message.includes(`preresnet pack 'parquet:${path}' train.tar`))
    const dataset = await parquetDataset(path, { decompress: true })
    t.is(dataset.source.kind, 'custom')
    const expected = await batches(await folderOf(t), 'train')
    t.deepEqual(await batches(dataset, 'train'), expected)
    const archive = `${path}.tar`
    await pack(dataset, archive)
    const packed = await packedDataset(archive)
    t.is(packed.fingerprint, dataset.fingerprint)
    t.deepEqual(await batches(packed, 'train'), expected)
  })

test('what is not compressed is not read anew with decompress', async (t) => {
  t.is((await parquetDataset(await write(t, {}), { decompress: true })).source.kind, 'ranges')
})

test('several files, braces and classes that are given', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'train-00.parquet'), parquetFile(rows.slice(0, 6), { names }))
  await writeFile(join(folder, 'train-01.parquet'), parquetFile(rows.slice(6), { names }))
  const dataset = await parquetDataset(join(folder, 'train-{00..01}.parquet'))
  t.deepEqual(await batches(dataset, 'train'), await batches(await folderOf(t), 'train'))
  t.deepEqual([...(dataset.source as RangeSource).file], [...Array<number>(6).fill(0), ...Array<number>(5).fill(1)])
  const others = ['ant', 'dog', 'cat', 'cow']
  const given = await parquetDataset(join(folder, 'train-00.parquet'), { classes: others })
  t.deepEqual(given.classes, others)
  t.deepEqual([...given.labels], [2, 2, 2, 2, 3, 3])
  await t.throwsAsync(parquetDataset(join(folder, 'train-00.parquet'), { classes: ['cat', 'cow'] }), {
    code: 'ERR_DATASET',
    message: /expected the classes of the names that are given \(cat, cow\), got cat, cow, dog/,
  })
  await writeFile(join(folder, 'train-01.parquet'), parquetFile(rows.slice(6), { names: ['cat', 'cow', 'wolf'] }))
  await t.throwsAsync(parquetDataset(join(folder, 'train-{00..01}.parquet')), {
    code: 'ERR_DATASET',
    message: /train-01\.parquet: expected the classes of .*train-00/,
  })
})

test('columns by their features, by their usual names, and as they are given', async (t) => {
  const columns = { image: 'photo', label: 'animal' }
  const path = await write(t, { columns })
  t.is((await parquetDataset(path)).length, rows.length)
  const plain = join(await temporaryFolder(t), 'plain.parquet')
  await writeFile(plain, parquetFile(rows, { columns }))
  await t.throwsAsync(parquetDataset(plain), {
    code: 'ERR_DATASET',
    message: /expected a column of the images, as "image", got "photo", "animal"; image, in code, names it/,
  })
  const dataset = await parquetDataset(plain, columns)
  t.deepEqual(dataset.classes, ['0', '1', '2'])
  await t.throwsAsync(parquetDataset(plain, { image: 'animal', label: 'animal' }), {
    code: 'ERR_DATASET',
    message: /expected bytes of image files in the column "animal", got INT64/,
  })
  await t.throwsAsync(parquetDataset(plain, { image: 'photo', label: 'class' }), {
    code: 'ERR_DATASET',
    message: /expected a column "class", got "photo", "animal"/,
  })
  await t.throwsAsync(parquetDataset(plain, { imag: 'photo' } as ParquetOptions), { code: 'ERR_OPTION', message: /did you mean "image"/ })
})

test('rows without an image, and classes that are none, are named', async (t) => {
  const without = rows.map((row, index) => (index === 7 ? { ...row, image: null } : row))
  await t.throwsAsync(parquetDataset(await write(t, {}, without)), {
    code: 'ERR_FILE',
    message: /images\.parquet: the page at byte \d+: expected an image in each row, got none in value 7 of a page/,
  })
  const minus = rows.map((row, index) => (index === 5 ? { ...row, label: -1 } : row))
  await t.throwsAsync(parquetDataset(await write(t, {}, minus)), { code: 'ERR_DATASET', message: /row 5: expected a class from 0 to 2, got -1/ })
})

test('what is no Parquet file, or not a whole one, is named', async (t) => {
  const path = await write(t, {})
  const whole = await readFile(path)
  const refused = async (bytes: Uint8Array, message: RegExp): Promise<void> => {
    await writeFile(path, bytes)
    const error = await t.throwsAsync(parquetDataset(path), { code: 'ERR_FILE', message })
    t.true(error.message.startsWith(`${path}: `))
  }
  await refused(whole.subarray(0, 10), /expected a Parquet file, got 10 bytes/)
  await refused(whole.subarray(0, whole.length - 20), /ends with PAR1, got other bytes; was it cut off/)
  await refused(Buffer.concat([whole.subarray(0, whole.length - 4), Buffer.from('PARE')]), /encrypted/)
  const long = Buffer.from(whole)
  long.writeUInt32LE(whole.length, whole.length - 8)
  await refused(long, /expected metadata within the file/)
  await refused(Buffer.concat([whole.subarray(0, 4), Buffer.alloc(whole.length - 12, 0x29), whole.subarray(-8)]), /the metadata at its end are malformed/)
  // A page whose header is of another kind.
  const header = Buffer.from(whole)
  header[4] = 0xff
  await refused(header, /the page at byte 4: expected/)
  await t.throwsAsync(parquetDataset(join(path, 'none')), { code: 'ERR_FILE', message: /cannot be read: ENOTDIR/ })
  await t.throwsAsync(parquetDataset(path, { signal: AbortSignal.abort() }), { code: 'ERR_ABORTED' })
})

test('a corrupt image is called by its file and its first byte there, compressed or not', async (t) => {
  const broken = rows.map((row, index) => (index === 2 ? { ...row, image: Buffer.from('no image') } : row))
  for (const [writing, options] of [
    [{}, {}],
    [{ codec: 'gzip' }, { decompress: true }],
  ] as const) {
    const dataset = await parquetDataset(await write(t, writing, broken), options)
    await using given = loader(dataset, { batch: 4, input, mode: 'evaluate' })
    const error = await t.throwsAsync(given.next(0), { code: 'ERR_IMAGE' })
    t.is(error.message, `${sampleAddress(dataset.source as CustomSource, 2)}: expected a JPEG, PNG or WebP file, got other contents`)
    t.regex(error.message, /images\.parquet at byte \d+: /)
    // By the place in the file, also in a part of the dataset.
    await using part = loader(subset(dataset, [5, 2]), { batch: 2, input, mode: 'evaluate' })
    t.is((await t.throwsAsync(part.next(0))).message, error.message)
  }
})

test('where the images are is remembered, as long as the file is the same', async (t) => {
  const path = await write(t, {})
  const cache = { folder: join(await temporaryFolder(t), 'cache'), least: 1 }
  const whole = await readFile(path)
  const time = new Date('2026-01-01')
  await utimes(path, time, time)
  const dataset = await openParquet(path, {}, cache)
  t.is((await readdir(cache.folder)).length, 1)
  await writeFile(path, Buffer.alloc(whole.length))
  await utimes(path, time, time)
  t.deepEqual(await openParquet(path, {}, cache), dataset)
  await t.throwsAsync(openParquet(path, { rescan: true }, cache), { code: 'ERR_FILE' })
  await utimes(path, time, new Date(time.getTime() + 1000))
  await t.throwsAsync(openParquet(path, {}, cache), { code: 'ERR_FILE' })
})

test('packed numbers of any width, in runs and in groups', (t) => {
  const all = (bytes: readonly number[], bits: number, count: number): number[] => {
    const values: number[] = []
    readRuns(Uint8Array.from(bytes), bits, count, (value, times) => values.push(...Array<number>(times).fill(value)))
    return values
  }
  t.deepEqual(all([3, 0b10001000, 0b11000110, 0b11111010], 3, 8), [0, 1, 2, 3, 4, 5, 6, 7])
  t.deepEqual(all([8, 5, 3, 0b10001000, 0b11000110, 0b11111010], 3, 7), [5, 5, 5, 5, 0, 1, 2])
  t.deepEqual(all([4, 0x34, 0x12], 13, 2), [0x1234, 0x1234])
  t.deepEqual(all([3, ...Array<number>(31).fill(255)], 31, 8), Array<number>(8).fill(2 ** 31 - 1))
  t.deepEqual(all([6], 0, 3), [0, 0, 0])
  t.throws(() => all([3, 1], 3, 8), { message: /expected more bytes/ })
  t.throws(() => all([0, 1], 3, 8), { message: /at least one number/ })
  t.throws(() => all([1, 1], 3, 8), { message: /at least one number/ })
})

test('structures of thrift that claim more than there is end at once', (t) => {
  const read = (...bytes: number[]): unknown => readThrift(Uint8Array.from(bytes))
  t.deepEqual(read(0x15, 3, 0x18, 2, 65, 66, 0), {
    value: new Map<number, unknown>([
      [1, -2],
      [2, Uint8Array.of(65, 66)],
    ]),
    end: 7,
  })
  // A list of 2^31 numbers; a text of 2^40 bytes; a number without an end; structures without an end.
  t.throws(() => read(0x19, 0xf5, 255, 255, 255, 255, 7, 0))
  t.throws(() => read(0x18, 255, 255, 255, 255, 255, 15, 0))
  t.throws(() => read(0x16, ...Array<number>(12).fill(255)), { message: /at most 64 bits/ })
  t.throws(() => read(...Array<number>(100).fill(0x1c)), { message: /at most 24 deep/ })
})
