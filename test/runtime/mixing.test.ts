/** Sessions whose images are mixed: what they compute is what soft targets and mixed values come to. */
import test from 'ava'
import { balancedWeights } from '../../lib/data/class_weights.js'
import { flip, loader, randomCrop, type Loader, type LoaderOptions } from '../../lib/data/index.js'
import { preResNet } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import type { SessionOptions } from '../../lib/runtime/session_options.js'
import { sgd } from '../../lib/training/sgd.js'
import { bitsDiffer } from '../support/compare.js'
import { onGpu } from '../support/emulated.js'
import { noise } from '../support/one_tree.js'
import { allValues } from '../support/session.js'

const input = { height: 8, width: 8, channels: 3 }
const network = preResNet({ family: 'cifar', depth: 8, block: 'basic', shortcut: 'projection', widths: [8, 8, 16], classes: 10, input })
const normalization = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] }
const prepare = { train: [randomCrop({ pad: 1 }), flip()], normalization }
const batch = 8
const rate = { learningRate: 0.1 }
const training = { precision: 'fp64', device: 'reference', seed: 4, optimizer: sgd(), labelSmoothing: 0.1 } as const

const loaded = async (more: Partial<LoaderOptions> = {}): Promise<Loader> =>
  loader(await noise(40, input), { batch, seed: 3, prepare, mixup: 0.7, cutmix: 1, groups: 2, ...more })

/** Crops, mirrors, normalizes and mixes a batch by hand, and its labels. */
async function byHand(data: Loader, index: number, smoothing: number): Promise<{ x: Float64Array; targets: Float64Array; labels: Int32Array }> {
  const { images, labels, crops, mixes } = (await data.next(index))!
  const { height, width, channels } = input
  const at = (n: number, c: number, h: number, w: number): number => {
    const [top, left, mirrored] = crops.subarray(n * 3, n * 3 + 3) as unknown as [number, number, number]
    const [row, column] = [top + h - 1, left + (mirrored === 1 ? width - 1 - w : w) - 1]
    if (row < 0 || row >= height || column < 0 || column >= width) return 0
    return (images[((n * height + row) * width + column) * channels + c]! / 255 - normalization.mean[c]!) / normalization.std[c]!
  }
  const x = new Float64Array(batch * channels * height * width)
  const targets = new Float64Array(batch * 10).fill(smoothing / 10)
  for (let n = 0; n < batch; n++) {
    const [partner, units, top, left, rows, columns] = mixes!.subarray(n * 6, n * 6 + 6) as unknown as [number, number, number, number, number, number]
    const share = units / 2 ** 24
    for (let c = 0; c < channels; c++) {
      for (let h = 0; h < height; h++) {
        for (let w = 0; w < width; w++) {
          const inside = h >= top && h < top + rows && w >= left && w < left + columns
          x[((n * channels + c) * height + h) * width + w] = inside ? share * at(n, c, h, w) + (1 - share) * at(partner, c, h, w) : at(n, c, h, w)
        }
      }
    }
    const other = ((1 - share) * rows * columns) / (height * width)
    targets[n * 10 + labels[n]!]! += (1 - smoothing) * (1 - other)
    targets[n * 10 + labels[partner]!]! += (1 - smoothing) * other
  }
  return { x, targets, labels }
}

for (const more of [{}, { loss: 'binary-cross-entropy', targetThreshold: 0.2 }, { classWeights: Array.from({ length: 10 }, (_, k) => 0.5 + k / 7) }] as const) {
  test(`mixed images train as mixed values with soft targets do: ${JSON.stringify(more).slice(0, 60)}`, async (t) => {
    await using data = await loaded()
    await using mixed = await compile(network, { ...training, ...more, data, mixup: 0.7, cutmix: 1, statisticsGroups: 2 })
    await using soft = await compile(network, { ...training, ...more, batch, softTargets: true, labelSmoothing: 0, statisticsGroups: 2 })
    for (let index = 0; index < 3; index++) {
      const { loss } = await mixed.steps(1, rate)
      const expected = await soft.step(await byHand(data, index, 0.1), rate)
      t.true(Math.abs(loss - expected.loss) < 1e-10, `${loss} ${expected.loss}`)
    }
    const [own, other] = [await allValues(mixed), await allValues(soft)]
    for (const [name, values] of Object.entries(own)) values.forEach((value, at) => t.true(Math.abs(value - other[name]![at]!) < 1e-9, name))
  })
}

for (const [device, more] of [
  ['cpu', { device: 'cpu', precision: 'fp32', threads: 2 }],
  ['the emulated GPU', { device: 'cuda', precision: 'fp32' }],
] as const) {
  test(`a batch of the caller's says what is mixed as a loader does, on ${device}, and agrees with the reference`, async (t) => {
    const options = { seed: 4, optimizer: sgd(), labelSmoothing: 0.1, mixup: 0.7, cutmix: 1, statisticsGroups: 2, ...more } as const
    const opened = async (given: SessionOptions & { data: Loader }) => (device === 'cpu' ? compile(network, given) : onGpu(network, given))
    await using data = await loaded()
    await using first = await opened({ ...options, data })
    await using second = await opened({ ...options, data })
    await using judge = await compile(network, { ...options, ...training, data })
    const losses = await first.steps(3, rate)
    for (let index = 0; index < 3; index++) {
      const { loss } = await second.step((await data.next(index))!, rate)
      t.is(Math.fround(loss), Math.fround(losses.losses[index]!))
      t.true(Math.abs(loss - (await judge.steps(1, rate)).loss) < 1e-4)
    }
    t.is(bitsDiffer(new Map(Object.entries(await allValues(second))), new Map(Object.entries(await allValues(first)))), undefined)
  })
}

test('evaluation and inference mix nothing', async (t) => {
  await using data = await loaded()
  await using mixed = await compile(network, { ...training, data, mixup: 0.7, cutmix: 1, statisticsGroups: 2 })
  await using plain = await compile(network, { ...training, batch, prepare })
  const images = await noise(20, input)
  t.is((await mixed.evaluate(images)).loss, (await plain.evaluate(images)).loss)
})

test("balanced weights are those of the loader's images", async (t) => {
  // Of seven classes there are four images, of three classes three.
  await using data = loader(await noise(37, input), { batch, seed: 3, prepare })
  const losses = []
  for (const classWeights of ['balanced', balancedWeights(data.dataset), []] as const) {
    await using session = await compile(network, { ...training, data, classWeights })
    losses.push((await session.steps(2, rate)).losses.join())
  }
  t.is(losses[0], losses[1])
  t.not(losses[0], losses[2])
})

test('refused: what is mixed is missing, or not asked for; partners of other groups; soft targets beside; weights of other classes', async (t) => {
  await using data = await loaded()
  const options = { ...training, mixup: 0.7, cutmix: 1, statisticsGroups: 2 }
  await using mixed = await compile(network, { ...options, data })
  await using plain = await compile(network, { ...training, batch, prepare })
  await using unmixed = await loaded({ mixup: 0, cutmix: 0 })
  const { mixes, ...given } = (await data.next(0))!
  const refused = (promise: Promise<unknown>, message: RegExp, code = 'ERR_OPTION'): Promise<unknown> => t.throwsAsync(promise, { code, message })
  await refused(mixed.step(given, rate), /batch\.mixes: expected an Int32Array of 48, got undefined/)
  await refused(mixed.step({ ...given, mixes: mixes!.slice(6) }, rate), /batch\.mixes: expected 48 values, got 42/)
  await refused(mixed.step({ ...given, mixes: mixes!.with(0, 8) }, rate), /mixes of image 0: expected 0 to 7, got 8/, 'ERR_DATASET')
  await using parted = await compile(network, { ...options, data, statisticsGroups: 1, accumulate: 2 })
  await refused(parted.step({ ...given, mixes: mixes!.with(0, 4) }, rate), /mixes of image 0: expected 0 to 3, got 4/, 'ERR_DATASET')
  await refused(plain.step({ ...given, mixes: mixes! }, rate), /batch\.mixes: expected none: the session was compiled without mixup and cutmix/)
  await refused(mixed.steps(1, { ...rate, loader: unmixed }), /steps: loader: expected one with mixup or cutmix, as the session/)
  await using others = await loaded({ groups: 4 })
  await refused(mixed.steps(1, { ...rate, loader: others }), /steps: loader: expected one of 2 groups, .* got 4/)
  await refused(plain.steps(1, { ...rate, loader: data }), /steps: loader: expected one without mixup and cutmix, as the session/)
  await refused(compile(network, { ...options, data, statisticsGroups: 4 }), /compile: data: expected a loader of 4 groups, .* got 2/)
  await refused(compile(network, { ...options, batch, softTargets: true }), /compile: softTargets: expected false with mixup or cutmix/)
  await refused(compile(network, { ...training, batch, classWeights: [1, 2] }), /compile: classWeights: expected 10 numbers, one for each output, got 2/)
  await refused(compile(network, { ...training, batch, classWeights: 'balanced' }), /compile: classWeights: expected numbers, or `data` to count/)
  await refused(compile(network, { ...training, batch, classWeights: Array.from({ length: 10 }, () => 0) }), /classWeights: expected .*above 0/)
})
