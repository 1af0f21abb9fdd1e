/** Datasets whose samples a function gives: the same batches as of files and of memory, and a clear end for every read that goes wrong. */
import test, { type ExecutionContext } from 'ava'
import { readFile } from 'node:fs/promises'
import {
  cacheInMemory,
  centerCrop,
  customDataset,
  flip,
  imageFolder,
  loader,
  memoryDataset,
  randomCrop,
  resize,
  subset,
  type CustomDatasetOptions,
  type Dataset,
  type LoadedBatch,
  type LoaderOptions,
  type RangeSource,
} from '../../lib/data/index.js'
import { completePreparation } from '../../lib/data/prepare/complete.js'
import { sizeRange } from '../../lib/data/survey.js'
import { tenCrops } from '../../lib/data/ten_crops.js'
import { randomBytes } from '../support/bytes.js'
import { writeFiles } from '../support/files.js'
import { temporaryFolder } from '../support/folder.js'
import { rgbPng } from '../support/png.js'

const input = { height: 4, width: 5, channels: 3 }
const imageBytes = 60
const count = 23

/** A folder of images of several sizes. */
async function folderOf(t: ExecutionContext): Promise<Dataset> {
  const folder = await temporaryFolder(t)
  const image = (index: number): Buffer => rgbPng(7 + (index % 4), 6 + (index % 3), randomBytes(3 * (7 + (index % 4)) * (6 + (index % 3)), index))
  await writeFiles(
    folder,
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`${index % 2 === 0 ? 'cat' : 'dog'}/${index + 100}.png`, image(index)])),
  )
  return imageFolder(folder)
}

function customOf({ length, labels, classes, source }: Dataset, options: Partial<CustomDatasetOptions> = {}): Dataset {
  const { files } = source as RangeSource
  return customDataset({ length, labels, classes, read: (index) => readFile(files.at(index)!), ...options })
}

const prepare = { train: [resize(6), centerCrop(), randomCrop({ pad: 1 }), flip()], evaluate: [resize(6), centerCrop()] }

async function batches(dataset: Dataset, options: LoaderOptions, first: number, last: number): Promise<LoadedBatch[]> {
  await using all = loader(dataset, options)
  const result: LoadedBatch[] = []
  for (let index = first; index < last; index++) result.push((await all.next(index))!)
  return result
}

for (const workers of [1, 2, 7]) {
  test(`files of a function make the batches of a folder, ${workers} workers`, async (t) => {
    const files = await folderOf(t)
    const custom = customOf(files)
    const options = { batch: 6, input, prepare, seed: 5, workers }
    const expected = await batches(files, options, 0, 9)
    t.deepEqual(await batches(custom, options, 0, 9), expected)
    // A run that goes on in the middle of an epoch, twice.
    t.deepEqual(await batches(custom, options, 2, 9), expected.slice(2))
    t.deepEqual(await batches(custom, options, 5, 9), expected.slice(5))
    const evaluation = { ...options, mode: 'evaluate' } as const
    t.deepEqual(await batches(custom, evaluation, 0, 4), await batches(files, evaluation, 0, 4))
  })
}

test('a part, the memory cache and statistics are as of files', async (t) => {
  const files = await folderOf(t)
  const custom = customOf(files)
  const options = { batch: 4, input, prepare, mode: 'evaluate' } as const
  const chosen = [20, 3, 3, 11]
  t.deepEqual(await batches(subset(custom, chosen), options, 0, 1), await batches(subset(files, chosen), options, 0, 1))
  const reading = { workers: 1, signal: undefined }
  t.deepEqual(await completePreparation({}, input, { train: custom, ...reading }), await completePreparation({}, input, { train: files, ...reading }))
  const [kept, expected] = await Promise.all([custom, files].map((dataset) => cacheInMemory(dataset, { input, prepare })))
  t.deepEqual(kept!.source, expected!.source)
})

for (const channels of [1, 3]) {
  test(`pixels of a function make the batches of memory, ${channels} channels`, async (t) => {
    const shape = { height: 4, width: 5, channels }
    const bytes = 20 * channels
    const images = randomBytes(count * bytes, 8)
    const labels = Array.from({ length: count }, (_, index) => index % 3)
    const memory = await memoryDataset({ images, labels, classes: 3, ...shape })
    const custom = customDataset({ length: count, labels, pixels: shape, read: (index) => images.subarray(index * bytes, (index + 1) * bytes) })
    t.deepEqual(custom.classes, ['0', '1', '2'])
    const options = { batch: 5, input: shape, seed: 2, workers: 2 }
    t.deepEqual(await batches(custom, options, 0, 8), await batches(memory, options, 0, 8))
  })
}

test('so many reads at once as are allowed, whatever the number of workers', async (t) => {
  const files = await folderOf(t)
  for (const reads of [1, 5]) {
    let underWay = 0
    let most = 0
    const read = async (index: number): Promise<Uint8Array> => {
      most = Math.max(most, ++underWay)
      const bytes = await readFile((files.source as RangeSource).files.at(index)!)
      // However slowly the others are begun.
      while (most < reads) await new Promise(setImmediate)
      underWay--
      return bytes
    }
    const custom = customOf(files, { read, reads })
    await batches(custom, { batch: 12, input, prepare, workers: 1 }, 0, 2)
    t.is(most, reads)
    // What the loader had asked for ahead.
    while (underWay > 0) await new Promise(setImmediate)
    most = 0
    t.like(await sizeRange(custom), { smallest: { height: 6, width: 7 }, largest: { height: 8, width: 10 } })
    t.is(most, reads, 'sizes')
  }
})

test('a function that gives its bytes at once leaves the event loop its turns', async (t) => {
  const pixels = { height: 1, width: 1, channels: 1 }
  const labels = new Int32Array(64)
  const milliseconds = 0.5
  let held = 0
  let longest = 0
  const read = (): Uint8Array => {
    const end = performance.now() + milliseconds
    while (performance.now() < end);
    longest = Math.max(longest, ++held)
    return new Uint8Array(1)
  }
  await using all = loader(customDataset({ length: 64, labels, pixels, read }), { batch: 64, mode: 'evaluate', workers: 2 })
  const ended = new AbortController()
  const turns = (async () => {
    for (; !ended.signal.aborted; held = 0) await new Promise(setImmediate)
  })()
  t.is((await all.next(0))!.count, 64)
  ended.abort()
  await turns
  t.true(longest > 0 && longest <= 16, `${longest} reads of ${milliseconds} ms in one turn`)
})

test('the fingerprint says which data it is', async (t) => {
  const files = await folderOf(t)
  const { fingerprint } = customOf(files)
  t.is(customOf(files, { read: () => new Uint8Array(), reads: 3 }).fingerprint, fingerprint)
  for (const other of [{ version: '2' }, { name: 'other' }, { labels: files.labels.map((label) => 1 - label) }])
    t.not(customOf(files, other).fingerprint, fingerprint)
})

async function failure(t: ExecutionContext, options: Partial<CustomDatasetOptions>): Promise<string> {
  const dataset = customDataset({ length: 3, labels: [0, 1, 2], name: 'mine', read: () => new Uint8Array(), ...options })
  await using all = loader(subset(dataset, [0, 2]), { batch: 2, input, mode: 'evaluate' })
  const error = await t.throwsAsync(all.next(0), { code: 'ERR_DATASET' })
  // Another try reads again.
  await t.throwsAsync(all.next(0), { code: 'ERR_DATASET' })
  return error.message
}

const good = rgbPng(5, 4, randomBytes(imageBytes, 1))
const onlySecond =
  (bad: () => unknown): CustomDatasetOptions['read'] =>
  (index) =>
    (index === 2 ? bad() : good) as Uint8Array

test('a read that rejects, gives too little or something else is named by the index that it was asked for', async (t) => {
  t.is(await failure(t, { read: onlySecond(() => Promise.reject(new Error('no such key'))) }), 'mine: sample 2: read failed: no such key')
  t.is(
    await failure(t, {
      read: onlySecond(() => {
        throw new Error('out of order')
      }),
    }),
    'mine: sample 2: read failed: out of order',
  )
  t.is(await failure(t, { read: onlySecond(() => new Uint8Array()) }), 'mine: sample 2: expected the bytes of an image file from read, got none')
  t.regex(await failure(t, { read: onlySecond(() => 'text') }), /mine: sample 2: expected a Uint8Array from read, got "text"/)
  t.is(
    await failure(t, { pixels: input, read: (index) => new Uint8Array(index === 2 ? 59 : 60) }),
    'mine: sample 2: expected 60 bytes of pixels from read (4 x 5 x 3), got 59',
  )
  const cut = customDataset({ length: 3, labels: [0, 1, 2], name: 'mine', read: onlySecond(() => good.subarray(0, -20)) })
  await using all = loader(cut, { batch: 3, input, mode: 'evaluate' })
  const error = await t.throwsAsync(all.next(0), { code: 'ERR_IMAGE' })
  t.regex(error.message, /^mine: sample 2: /)
})

test('a read that takes too long is named, and told so', async (t) => {
  let reason: unknown
  const read = (index: number, signal: AbortSignal): Promise<Uint8Array> => {
    if (index !== 2) return Promise.resolve(good)
    signal.addEventListener('abort', () => {
      reason = signal.reason
    })
    return new Promise(() => undefined)
  }
  t.is(await failure(t, { read, timeout: 0.02 }), 'mine: sample 2: read gave nothing within 0.02 s (timeout)')
  t.is((reason as { code: string }).code, 'ERR_DATASET')
})

test('closing a loader ends what waits for a read that never ends', async (t) => {
  const signals: AbortSignal[] = []
  const read = (_: number, signal: AbortSignal): Promise<Uint8Array> => {
    signals.push(signal)
    return new Promise(() => undefined)
  }
  const stalled = customDataset({ length: 3, labels: [0, 1, 2], read, reads: 2 })
  const all = loader(stalled, { batch: 2, input, mode: 'evaluate', workers: 2 })
  const waiting = all.next(0)
  while (signals.length < 2) await new Promise(setImmediate)
  await all.close()
  t.is(await waiting, null)
  t.true(signals.every(({ aborted }) => aborted))
  t.is(signals.length, 2)

  const abort = new AbortController()
  const caching = cacheInMemory(stalled, { input, prepare: { evaluate: [centerCrop()] }, mode: 'evaluate', signal: abort.signal })
  while (signals.length < 4) await new Promise(setImmediate)
  abort.abort()
  await t.throwsAsync(caching, { code: 'ERR_ABORTED' })
  t.true(signals.every(({ aborted }) => aborted))

  const leave = new AbortController()
  const crops = tenCrops(stalled, { batch: 2, input, steps: [centerCrop()], workers: 1, signal: leave.signal }).next()
  while (signals.length < 6) await new Promise(setImmediate)
  leave.abort()
  await t.throwsAsync(crops, { code: 'ERR_ABORTED' })
  t.true(signals.every(({ aborted }) => aborted))
})

test('what is no dataset is refused before anything is read', async (t) => {
  const given = { length: 2, labels: [0, 1], read: () => new Uint8Array() }
  const refused = (options: object, code: string, message: RegExp): void => {
    const error = t.throws(() => customDataset({ ...given, ...options }), { code })
    t.regex(error.message, message)
  }
  refused({ length: 0 }, 'ERR_OPTION', /length: expected an integer from 1/)
  refused({ labels: [0] }, 'ERR_DATASET', /expected 2 labels, as there are samples, got 1/)
  refused({ labels: [0, -1] }, 'ERR_DATASET', /label of image 1: expected 0 to/)
  refused({ labels: [0, 5], classes: 3 }, 'ERR_DATASET', /label of image 1: expected 0 to 2, got 5/)
  refused({ labels: 'all' }, 'ERR_OPTION', /labels: expected an Int32Array/)
  refused({ read: undefined }, 'ERR_OPTION', /read: expected a function/)
  refused({ pixels: { height: 2, width: 2, channels: 4 } }, 'ERR_OPTION', /pixels\.channels: expected 1 or 3, got 4/)
  refused({ reads: 0 }, 'ERR_OPTION', /reads: expected an integer from 1 to 1024/)
  refused({ timeout: 0 }, 'ERR_OPTION', /timeout: expected a number above 0/)
  refused({ name: '' }, 'ERR_OPTION', /name: expected a string/)
  refused({ version: 2 }, 'ERR_OPTION', /version: expected a string/)
  refused({ reed: 1 }, 'ERR_OPTION', /did you mean "read"/)
  await t.throwsAsync(loaderOf(customDataset({ ...given, read: () => good })), { code: 'ERR_OPTION', message: /input: expected the network's input/ })
})

async function loaderOf(dataset: Dataset): Promise<void> {
  await loader(dataset, { batch: 1 }).close()
}
