import test from 'ava'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { wholeFiles } from '../../lib/data/dataset.js'
import { flip, loader, randomCrop, type Dataset, type LoadedBatch, type LoaderOptions, type Preparation } from '../../lib/data/index.js'
import { temporaryFolder } from '../support/folder.js'
import { labelsOf, numbered, numberedBytes, numberedShape, readBatches as read } from '../support/numbered.js'
import { philoxWord } from '../support/philox.js'
import { rgbPng } from '../support/png.js'

const count = 43
const shape = numberedShape
const imageBytes = numberedBytes

const cropped = (pad: number, mirrored = false): Preparation => ({ train: [randomCrop({ pad }), ...(mirrored ? [flip()] : [])] })

/** Fisher and Yates over Philox, as native/data/order.h promises; with integers of any size. */
function expectedOrder(seed: number, epoch: number, length: number): number[] {
  const order = Array.from({ length }, (_, index) => index)
  for (let step = 0; step + 1 < length; step++) {
    const word = 4 * Math.floor(step / 2) + 2 * (step % 2)
    const random = (BigInt(philoxWord(seed, 0x6f726472, epoch, word)) << 32n) | BigInt(philoxWord(seed, 0x6f726472, epoch, word + 1))
    const last = length - 1 - step
    const other = Number((random * BigInt(last + 1)) >> 64n)
    ;[order[last], order[other]] = [order[other]!, order[last]!]
  }
  return order
}

test('the order of an epoch is the shuffle of seed and epoch', async (t) => {
  const dataset = await numbered(count)
  for (const seed of [0, 7, 2 ** 40 + 1]) {
    const labels = labelsOf(await read(dataset, { batch: 5, seed }, 0, 24))
    for (const epoch of [0, 1, 2]) t.deepEqual(labels.slice(epoch * 40, (epoch + 1) * 40), expectedOrder(seed, epoch, count).slice(0, 40))
  }
})

test('epochs and seeds differ, and an epoch has no image twice', async (t) => {
  const dataset = await numbered(count)
  const labels = labelsOf(await read(dataset, { batch: 5, seed: 1 }, 0, 16))
  const [first, second] = [labels.slice(0, 40), labels.slice(40)]
  t.is(new Set(first).size, 40)
  t.is(new Set(second).size, 40)
  t.notDeepEqual(first, second)
  t.notDeepEqual(first, labelsOf(await read(dataset, { batch: 5, seed: 2 }, 0, 8)))
})

test('neither workers nor slots change a byte', async (t) => {
  const dataset = await numbered(count)
  const options = { batch: 7, seed: 3, prepare: cropped(2, true) }
  const expected = await read(dataset, { ...options, workers: 1, slots: 2 }, 0, 30)
  for (const [workers, slots] of [
    [2, 2],
    [3, 5],
    [8, 16],
  ] as const) {
    t.deepEqual(await read(dataset, { ...options, workers, slots }, 0, 30), expected)
  }
})

test('a loader that begins anywhere goes on as one that was not interrupted', async (t) => {
  const dataset = await numbered(count)
  const options = { batch: 6, seed: 4, prepare: cropped(1, true), workers: 2 }
  const expected = await read(dataset, options, 0, 25)
  for (const first of [1, 6, 7, 8, 20]) t.deepEqual(await read(dataset, options, first, 25), expected.slice(first))
})

test('jumps back and forth, also at once, give the same batches', async (t) => {
  const dataset = await numbered(count)
  const options = { batch: 6, seed: 5, prepare: cropped(1), workers: 3, slots: 2 }
  const expected = await read(dataset, options, 0, 30)
  await using batches = loader(dataset, options)
  const indices = [12, 3, 4, 5, 29, 0, 1, 28, 1, 1, 2, 15, 14, 13]
  for (const index of indices) t.deepEqual(await batches.next(index), expected[index])
  t.deepEqual(
    await Promise.all(indices.map((index) => batches.next(index))),
    indices.map((index) => expected[index]!),
  )
})

test('pixels belong to their labels', async (t) => {
  for (const { images, labels } of await read(await numbered(count), { batch: 4, seed: 6, workers: 2 }, 0, 20)) {
    t.deepEqual(
      [...images],
      [...labels].flatMap((label) => new Array<number>(imageBytes).fill(label)),
    )
  }
})

test('crops is a function of seed, epoch and image, not of the batch', async (t) => {
  const dataset = await numbered(40)
  const placements = async (batch: number, seed: number): Promise<Map<number, number[]>[]> => {
    const batches = await read(dataset, { batch, seed, prepare: cropped(3, true), workers: 2 }, 0, 80 / batch)
    const epochs = [new Map<number, number[]>(), new Map<number, number[]>()]
    batches.forEach(({ labels, crops }, index) =>
      labels.forEach((label, position) => epochs[Math.floor((index * batch) / 40)]!.set(label, [...crops.slice(position * 3, position * 3 + 3)])),
    )
    return epochs
  }
  const expected = await placements(5, 8)
  t.is(expected[0]!.size, 40)
  t.deepEqual(await placements(10, 8), expected)
  const byLabel = (epoch: Map<number, number[]>): number[][] => Array.from({ length: 40 }, (_, label) => epoch.get(label)!)
  t.notDeepEqual(byLabel(expected[0]!), byLabel(expected[1]!))
  t.notDeepEqual(await placements(5, 9), expected)
})

test('every position in the border is taken about equally often, mirrored half of the time', async (t) => {
  const batches = await read(await numbered(40), { batch: 40, seed: 2, prepare: cropped(2, true) }, 0, 200)
  const positions = new Map<string, number>()
  let mirrored = 0
  for (const { crops } of batches) {
    for (let index = 0; index < crops.length; index += 3) {
      const position = `${crops[index]!} ${crops[index + 1]!}`
      positions.set(position, (positions.get(position) ?? 0) + 1)
      mirrored += crops[index + 2]!
    }
  }
  t.is(positions.size, 25)
  // 8,000 draws: 320 a position, give or take six times 17.5.
  for (const times of positions.values()) t.true(Math.abs(times - 320) < 105, `${times} times`)
  t.true(Math.abs(mirrored - 4000) < 270, `${mirrored} mirrored`)
})

test('without flip nothing is mirrored, without pad nothing is moved', async (t) => {
  const [plain] = await read(await numbered(count), { batch: 40, seed: 2 }, 0, 1)
  t.deepEqual([...plain!.crops], new Array(120).fill(0))
  const [moved] = await read(await numbered(count), { batch: 40, seed: 2, prepare: cropped(4) }, 0, 1)
  t.true(moved!.crops.some((value, index) => index % 3 < 2 && value > 0))
  t.true(moved!.crops.every((value, index) => index % 3 < 2 || value === 0))
})

test('evaluation goes in order, pads the last batch and ends', async (t) => {
  await using batches = loader(await numbered(count), { batch: 20, mode: 'evaluate', prepare: cropped(4, true), seed: 9, workers: 3 })
  t.is(batches.batches, 3)
  for (let pass = 0; pass < 2; pass++) {
    const all: LoadedBatch[] = []
    for await (const batch of batches.from(0)) all.push(batch.copy())
    t.deepEqual(
      all.map((batch) => batch.count),
      [20, 20, 3],
    )
    t.deepEqual(
      labelsOf(all),
      Array.from({ length: 60 }, (_, index) => (index < count ? index : -1)),
    )
    const pixels = all.flatMap(({ images }) => [...images])
    t.deepEqual(
      pixels,
      Array.from({ length: 60 * imageBytes }, (_, byte) => (byte < count * imageBytes ? Math.floor(byte / imageBytes) : 0)),
    )
    t.true(all.every(({ crops }) => crops.every((value, index) => value === (index % 3 === 2 ? 0 : 4))))
    t.is(await batches.next(3), null)
  }
})

test('training takes a batch of all images, and none of more', async (t) => {
  const dataset = await numbered(count)
  t.is(new Set(labelsOf(await read(dataset, { batch: count }, 0, 1))).size, count)
  const error = t.throws(() => loader(dataset, { batch: count + 1 }), { code: 'ERR_DATASET' })
  t.regex(error.message, /batch of 44 images, got 43/)
  const [only] = await read(dataset, { batch: count + 1, mode: 'evaluate' }, 0, 1)
  t.is(only!.count, count)
})

test('options are checked', async (t) => {
  const dataset = await numbered(count)
  const refused = (options: object, message: RegExp): void => {
    const error = t.throws(() => loader(dataset, options as LoaderOptions), { code: 'ERR_OPTION' })
    t.regex(error.message, message)
  }
  refused({}, /batch: expected an integer from 1 to 1048576, got undefined/)
  refused({ batch: 0 }, /batch/)
  refused({ batch: 2, worker: 1 }, /did you mean "workers"/)
  refused({ batch: 2, workers: 0 }, /workers: expected an integer from 1 to 256, got 0/)
  refused({ batch: 2, slots: 1 }, /slots/)
  refused({ batch: 2, seed: -1 }, /seed/)
  refused({ batch: 2, mode: 'trian' }, /did you mean "train"/)
  refused({ batch: 2, flip: true }, /unknown option "flip"/)
  refused(
    { batch: 2, prepare: { train: [{ kind: 'randomCrop', pad: 1025 }] } },
    /loader: prepare\.train\[0\]: randomCrop: pad: expected an integer from 0 to 1024, got 1025/,
  )
  refused({ batch: 2, input: { height: 2, width: 3 } }, /loader: input\.channels: expected an integer/)
  const files = { ...dataset, source: wholeFiles([]) }
  t.throws(() => loader(files, { batch: 2 }), { code: 'ERR_OPTION', message: /loader: input: expected the network's input/ })
})

test('an image that cannot be decoded spoils its own batch alone, and is named', async (t) => {
  const folder = await temporaryFolder(t)
  const paths = Array.from({ length: 6 }, (_, index) => join(folder, `${index}.png`))
  for (const [index, path] of paths.entries()) {
    await writeFile(path, index === 3 ? 'no image' : rgbPng(3, 2, new Uint8Array(imageBytes).fill(index)))
  }
  const dataset: Dataset = { ...(await numbered(6)), source: wholeFiles(paths) }
  await using batches = loader(dataset, { batch: 2, input: shape, mode: 'evaluate', workers: 2 })
  t.deepEqual([...(await batches.next(0))!.images], [...new Uint8Array(imageBytes).fill(0), ...new Uint8Array(imageBytes).fill(1)])
  for (let attempt = 0; attempt < 2; attempt++) {
    const error = await t.throwsAsync(batches.next(1), { code: 'ERR_IMAGE' })
    t.true(error.message.startsWith(`${paths[3]!}: `), error.message)
  }
  t.deepEqual([...(await batches.next(2))!.labels], [4, 5])
  await writeFile(paths[3]!, rgbPng(3, 2, new Uint8Array(imageBytes).fill(9)))
  t.is((await batches.next(1))!.images[imageBytes], 9)
})

test('of several failures the first image is named, whichever worker was faster', async (t) => {
  const dataset: Dataset = {
    ...(await numbered(8)),
    source: wholeFiles(Array.from({ length: 8 }, (_, index) => `/nowhere/${index}.png`)),
  }
  await using batches = loader(dataset, { batch: 8, input: shape, mode: 'evaluate', workers: 8 })
  for (let attempt = 0; attempt < 20; attempt++) {
    const error = await t.throwsAsync(batches.next(0), { code: 'ERR_FILE' })
    t.is(error.message, '/nowhere/0.png: No such file or directory')
  }
})

test('close ends a loader whose batches nobody fetched', async (t) => {
  const batches = loader(await numbered(count), { batch: 4, workers: 4 })
  await batches.next(100)
  await batches.close()
  await batches.close()
  await t.throwsAsync(async () => batches.next(0), { code: 'ERR_DISPOSED' })
})
