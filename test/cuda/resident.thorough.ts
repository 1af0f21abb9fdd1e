/** Datasets that lie on the device: what is computed is the same. */
import test from 'ava'
import { flip, loader, memoryDataset, randomCrop, type Dataset } from '../../lib/data/index.js'
import { compile } from '../../lib/runtime/compile.js'
import type { Session } from '../../lib/runtime/session.js'
import type { PreresnetError } from '../../lib/errors.js'
import { sgd } from '../../lib/training/sgd.js'
import { preResNet } from '../../lib/models/index.js'
import { emulated } from '../../lib/native/emulation.js'

/** `pixels`: of a side. 5 x 5 x 3 bytes are no whole number of sixteens, 8 x 8 x 3 are. */
async function images(pixels: number, count = 37): Promise<Dataset> {
  const bytes = Uint8Array.from({ length: count * pixels * pixels * 3 }, (_, index) => (index * 2654435761) >>> 24)
  const labels = Array.from({ length: count }, (_, index) => index % 4)
  return memoryDataset({ images: bytes, labels, height: pixels, width: pixels, channels: 3, classes: 4 })
}

function pixelsOf({ source }: Dataset): Uint8Array {
  return source.kind === 'memory' ? source.images : new Uint8Array()
}

/** `memory`: bytes of the device. */
const open = (data: ReturnType<typeof loader>, pixels: number, residentLimit?: number, memory = 0): Promise<Session> =>
  emulated({ memory }, () =>
    compile(
      preResNet({
        family: 'cifar',
        depth: 8,
        block: 'basic',
        shortcut: 'projection',
        widths: [8, 8, 8],
        input: { height: pixels, width: pixels, channels: 3 },
        classes: 4,
      }),
      { data, seed: 2, optimizer: sgd(), device: 'cuda', precision: 'fp32', ...(residentLimit !== undefined && { cuda: { residentLimit } }) },
    ),
  )

for (const pixels of [5, 8]) {
  test(`the same losses and predictions whether images of ${pixels} x ${pixels} lie on the device or are sent`, async (t) => {
    const set = await images(pixels)
    const run = async (residentLimit?: number) => {
      await using data = loader(set, { batch: 8, seed: 1, prepare: { train: [randomCrop({ pad: 1 }), flip()] }, workers: 2 })
      await using session = await open(data, pixels, residentLimit)
      // More than an epoch.
      const { losses } = await session.steps(7, { learningRate: 0.05 })
      // 37 is no whole number of batches: the last one is filled up.
      const { loss, confusion } = await session.evaluate(set)
      return { losses: [...losses], loss, counts: confusion.counts }
    }
    t.deepEqual(await run(), await run(0))
  })
}

/** Of steps before which the set became zeros: against the rules, so as to see where images come from. */
async function lossesOfZeros(residentLimit?: number, memory?: number): Promise<number[]> {
  const set = await images(8)
  await using data = loader(set, { batch: 8, seed: 1, slots: 2 })
  await using session = await open(data, 8, residentLimit, memory)
  await session.steps(1, { learningRate: 0.05 })
  pixelsOf(set).fill(0)
  return [...(await session.steps(6, { learningRate: 0.05 })).losses]
}

test('a set goes to the device where it leaves room for the code of kernels', async (t) => {
  const enough = 2 ** 26
  const taken = await (async () => {
    await using data = loader(await images(8), { batch: 8 })
    await using session = await open(data, 8, undefined, enough)
    return enough - session.memory.available
  })()
  const size = pixelsOf(await images(8)).length
  const resident = await lossesOfZeros(size)
  t.deepEqual(await lossesOfZeros(size, taken + size + 2 ** 20), resident)
  t.notDeepEqual(await lossesOfZeros(size, taken + size + 2 ** 20 - 1), resident)
})

test('a set on the device is not read again, one beyond the limit is sent each time', async (t) => {
  const size = pixelsOf(await images(8)).length
  const resident = await lossesOfZeros(size)
  const sent = await lossesOfZeros(size - 1)
  t.notDeepEqual(resident, sent)
  const untouched = await (async () => {
    await using data = loader(await images(8), { batch: 8, seed: 1 })
    await using session = await open(data, 8)
    return [...(await session.steps(7, { learningRate: 0.05 })).losses]
  })()
  t.deepEqual(resident, untouched.slice(1))
})

test('the limit is one for all sets', async (t) => {
  const [train, validation] = [await images(8), await images(8, 16)]
  const loss = async (residentLimit: number): Promise<number> => {
    await using data = loader(train, { batch: 8, seed: 1 })
    await using session = await open(data, 8, residentLimit)
    await session.steps(1, { learningRate: 0.05 })
    const first = await session.evaluate(validation)
    const pixels = pixelsOf(validation)
    const before = pixels.slice()
    pixels.fill(0)
    const { loss: again } = await session.evaluate(validation)
    pixels.set(before)
    return again - first.loss
  }
  const both = pixelsOf(train).length + pixelsOf(validation).length
  t.is(await loss(both), 0)
  t.not(await loss(both - 1), 0)
})

test('a loader that a device has read by indices still hands out pixels', async (t) => {
  const set = await images(8)
  await using data = loader(set, { batch: 8, seed: 1, prepare: { train: [randomCrop({ pad: 1 })] } })
  await using fresh = loader(set, { batch: 8, seed: 1, prepare: { train: [randomCrop({ pad: 1 })] } })
  await using session = await open(data, 8)
  await session.steps(3, { learningRate: 0.05 })
  for (const index of [0, 3, 4, 5]) t.deepEqual(await data.next(index), await fresh.next(index))
})

test('a limit below 0 is refused', async (t) => {
  await using data = loader(await images(8), { batch: 8 })
  const error = await t.throwsAsync<PreresnetError>(open(data, 8, -1))
  t.is(error.code, 'ERR_OPTION')
  t.regex(error.message, /^compile: cuda\.residentLimit: /)
})
