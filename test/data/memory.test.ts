import test from 'ava'
import { loader, memoryDataset, subset, type MemoryDatasetOptions } from '../../lib/data/index.js'
import { normalizationOf } from '../../lib/data/prepare/normalization.js'
import { randomBytes } from '../support/bytes.js'

const options: MemoryDatasetOptions = { images: randomBytes(5 * 12, 3), labels: [0, 2, 1, 2, 0], height: 2, width: 3, channels: 2, classes: ['a', 'b', 'c'] }

test('mean and deviation are those of the pixels, channel by channel', async (t) => {
  const normalization = await normalizationOf(options.images, options.channels)
  for (const channel of [0, 1]) {
    const values = [...options.images].filter((_, index) => index % 2 === channel).map((value) => value / 255)
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
    t.true(Math.abs(normalization.mean[channel]! - mean) < 1e-12)
    t.true(Math.abs(normalization.std[channel]! - deviation) < 1e-12)
  }
})

test('statistics and fingerprint of more pixels than one slice of work', async (t) => {
  const length = 700_000
  const images = Uint8Array.from({ length: length * 3 }, (_, index) => (index % 3) * 100 + (Math.floor(index / 3) % 2))
  const normalization = await normalizationOf(images, 3)
  t.regex((await memoryDataset({ images, labels: [0], height: 700, width: 1000, channels: 3, classes: 1 })).fingerprint, /^[0-9a-f]{64}$/)
  t.deepEqual(
    normalization.mean.map((value) => Math.round(value * 255 * 1e6) / 1e6),
    [0.5, 100.5, 200.5],
  )
  t.true(normalization.std.every((value) => Math.abs(value * 255 - 0.5) < 1e-9))
})

test('a channel that never changes has deviation 1', async (t) => {
  t.deepEqual(await normalizationOf(new Uint8Array(8).fill(51), 1), { mean: [0.2], std: [1] })
})

test('the fingerprint hangs on pixels, labels and shape, and on nothing else', async (t) => {
  const { fingerprint } = await memoryDataset(options)
  t.regex(fingerprint, /^[0-9a-f]{64}$/)
  t.is((await memoryDataset({ ...options, name: 'other', images: options.images.slice() })).fingerprint, fingerprint)
  const changed = options.images.slice()
  changed[59]! ^= 1
  const others = [
    { ...options, images: changed },
    { ...options, labels: [0, 2, 1, 2, 1] },
    { ...options, height: 3, width: 2 },
  ]
  for (const other of others) t.not((await memoryDataset(other)).fingerprint, fingerprint)
})

test('what does not fit is refused', async (t) => {
  const refused = async (change: object, code: string, message: RegExp): Promise<void> => {
    const error = await t.throwsAsync(memoryDataset({ ...options, ...change }), { code })
    t.regex(error.message, message)
  }
  await refused({ labels: [0, 2, 1, 3, 0] }, 'ERR_DATASET', /label of image 3: expected 0 to 2, got 3/)
  await refused({ labels: [0, -1, 1, 2, 0] }, 'ERR_DATASET', /label of image 1/)
  await refused({ labels: [0, 0.5, 1, 2, 0] }, 'ERR_DATASET', /label of image 1/)
  await refused({ labels: [0, 1] }, 'ERR_DATASET', /expected 24 bytes for 2 images of 2 x 3 x 2, got 60/)
  await refused({ images: new Uint8Array(0), labels: [] }, 'ERR_DATASET', /at least one image/)
  await refused({ images: [1, 2] }, 'ERR_OPTION', /images: expected a Uint8Array/)
  await refused({ height: 1.5 }, 'ERR_OPTION', /height/)
  await refused({ classes: [] }, 'ERR_OPTION', /classes/)
  await refused({ chanels: 1 }, 'ERR_OPTION', /did you mean "channels"/)
  await refused({ normalization: { mean: [0], deviation: [1] } }, 'ERR_OPTION', /unknown option "normalization"/)
})

test('a subset has the images of its indices', async (t) => {
  const whole = await memoryDataset(options)
  const part = subset(whole, [4, 1])
  t.deepEqual([...part.labels], [0, 2])
  t.not(part.fingerprint, whole.fingerprint)
  t.not(part.fingerprint, subset(whole, [1, 4]).fingerprint)
  await using batches = loader(part, { batch: 2, mode: 'evaluate' })
  t.deepEqual([...(await batches.next(0))!.images], [...options.images.subarray(48, 60), ...options.images.subarray(12, 24)])
  t.throws(() => subset(whole, [5]), { code: 'ERR_OPTION' })
  t.throws(() => subset(whole, []), { code: 'ERR_DATASET' })
})
