/** Files that are no images. */
import test from 'ava'
import { rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheInMemory, flip, loader, randomCrop, subset, type LoadedBatch, type LoaderOptions, type MemorySource } from '../../lib/data/index.js'
import { completePreparation } from '../../lib/data/prepare/complete.js'
import { temporaryFolder } from '../support/folder.js'
import { numbered, numberedBytes, numberedFiles, numberedShape as input, readBatches } from '../support/numbered.js'

const prepare = { train: [randomCrop({ pad: 1 }), flip()] }
const options: LoaderOptions = { batch: 6, seed: 5, input, prepare, corrupt: 'skip' }
const length = 20
const corrupt = [3, 8, 9, 14]

/** What a place of a batch holds. */
const at = ({ images, labels, crops }: LoadedBatch, place: number): unknown[] => [
  labels[place],
  [...images.subarray(place * numberedBytes, (place + 1) * numberedBytes)],
  [...crops.subarray(place * 3, place * 3 + 3)],
]

/** The nearest place of the same batch that is good; the one before where two are as near. */
function nearest(labels: Int32Array, place: number): number {
  for (let distance = 1; distance < labels.length; distance++) {
    for (const other of [place - distance, place + distance]) if (other in labels && !corrupt.includes(labels[other]!)) return other
  }
  throw new Error('no good one')
}

test('in training the nearest good image of the batch stands in the place of a corrupt one, and nothing else moves', async (t) => {
  const folder = await temporaryFolder(t)
  const whole = await readBatches(await numbered(length), options, 0, 30)
  const dataset = await numberedFiles(folder, length, corrupt)
  await using batches = loader(dataset, { ...options, workers: 3 })
  let replaced = 0
  for await (const batch of batches) {
    const expected = whole[batch.index]!
    t.is(batch.count, 6)
    for (let place = 0; place < 6; place++) {
      const isCorrupt = corrupt.includes(expected.labels[place]!)
      replaced += Number(isCorrupt)
      t.deepEqual(at(batch, place), at(expected, isCorrupt ? nearest(expected.labels, place) : place), `batch ${batch.index}, place ${place}`)
    }
    if (batch.index === 29) break
  }
  t.true(replaced > 20, `${replaced} replaced`)
  t.deepEqual(
    batches.corruptImages.map(({ sample }) => sample),
    corrupt,
  )
  for (const { sample, reason } of batches.corruptImages) t.true(reason.startsWith(`${join(folder, `${sample}.png`)}: `), reason)
  await batches.close()
  t.is(batches.corruptImages.length, 4, 'known after the end, too')
})

test('neither workers nor ranks nor a memory cache change what is skipped', async (t) => {
  const folder = await temporaryFolder(t)
  const dataset = await numberedFiles(folder, length, corrupt)
  const expected = await readBatches(dataset, options, 0, 12)
  for (const workers of [2, 7]) t.deepEqual(await readBatches(dataset, { ...options, workers }, 0, 12), expected)
  const kept = await cacheInMemory(dataset, { input, prepare, corrupt: 'skip' })
  t.deepEqual(
    (kept.source as MemorySource).corrupt!.map(({ sample }) => sample),
    corrupt,
  )
  t.deepEqual(await readBatches(kept, options, 0, 12), expected)
  const parts = await Promise.all([0, 1, 2].map((rank) => readBatches(dataset, { ...options, rank, ranks: 3 }, 0, 12)))
  for (const [index, { labels }] of expected.entries())
    t.deepEqual(
      parts.flatMap((batches) => [...batches[index]!.labels]),
      [...labels],
    )
})

test('in evaluation a corrupt image does not count, and the others keep their places', async (t) => {
  const folder = await temporaryFolder(t)
  const dataset = await numberedFiles(folder, length, corrupt)
  for (const data of [dataset, await cacheInMemory(dataset, { input, corrupt: 'skip' })]) {
    const batches = await readBatches(data, { batch: 6, mode: 'evaluate', input, corrupt: 'skip', workers: 2 }, 0, 4)
    t.deepEqual(
      batches.flatMap(({ labels }) => [...labels]),
      Array.from({ length: 24 }, (_, index) => (corrupt.includes(index) || index >= length ? -1 : index)),
    )
    t.deepEqual(
      batches.map(({ count }) => count),
      [5, 4, 5, 2],
    )
    t.true(batches.every(({ images, labels }) => images.every((byte, index) => byte === Math.max(labels[Math.floor(index / numberedBytes)]!, 0))))
  }
})

test("with 'error', and without an option, the file is named", async (t) => {
  const folder = await temporaryFolder(t)
  const dataset = await numberedFiles(folder, length, corrupt)
  const kept = await cacheInMemory(dataset, { input, corrupt: 'skip' })
  const message = new RegExp(`^${join(folder, '3.png')}: `)
  for (const more of [{}, { corrupt: 'error' }] as const) {
    for (const data of [dataset, kept]) {
      await using batches = loader(data, { batch: 6, mode: 'evaluate', input, ...more })
      await t.throwsAsync(batches.next(0), { code: 'ERR_IMAGE', message })
      t.is((await batches.next(3))!.labels[0], 18, 'the other batches are unharmed')
    }
  }
  await t.throwsAsync(cacheInMemory(dataset, { input }), { code: 'ERR_IMAGE', message })
})

test('a batch without a good image is an error', async (t) => {
  const dataset = await numberedFiles(await temporaryFolder(t), 4, [0, 1, 2, 3])
  await using batches = loader(dataset, { ...options, batch: 4 })
  await t.throwsAsync(batches.next(0), { code: 'ERR_IMAGE' })
})

test('a file that is gone is no corrupt image', async (t) => {
  const folder = await temporaryFolder(t)
  const dataset = await numberedFiles(folder, 4)
  await truncate(join(folder, '1.png'), 40)
  await rm(join(folder, '2.png'))
  await using batches = loader(dataset, { batch: 2, mode: 'evaluate', input, corrupt: 'skip' })
  t.deepEqual([...(await batches.next(0))!.labels], [0, -1])
  await t.throwsAsync(batches.next(1), { code: 'ERR_FILE', message: /2\.png/ })
})

test('what was left out of memory goes with a subset', async (t) => {
  const dataset = await numberedFiles(await temporaryFolder(t), length, corrupt)
  const part = subset(await cacheInMemory(dataset, { input, corrupt: 'skip' }), [9, 0, 3, 5])
  t.deepEqual(
    (part.source as MemorySource).corrupt!.map(({ sample }) => sample),
    [0, 2],
  )
})

test('normalization is measured over the images that are some', async (t) => {
  const folder = await temporaryFolder(t)
  const reading = { workers: 2, signal: undefined, corrupt: 'skip' } as const
  const dataset = await numberedFiles(join(folder, 'some'), length, corrupt)
  const good = Array.from({ length }, (_, index) => index).filter((index) => !corrupt.includes(index))
  const expected = (await completePreparation({}, input, { train: subset(await numbered(length), good), ...reading })).normalization
  t.deepEqual((await completePreparation({}, input, { train: dataset, ...reading })).normalization, expected)
  const kept = await cacheInMemory(dataset, { input, corrupt: 'skip' })
  t.deepEqual((await completePreparation({}, input, { train: kept, ...reading })).normalization, expected)
  const none = await numberedFiles(join(folder, 'none'), 2, [0, 1])
  await t.throwsAsync(completePreparation({}, input, { train: none, ...reading }), { code: 'ERR_DATASET', message: /of which none can be decoded: .*0\.png/ })
})
