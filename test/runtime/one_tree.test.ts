/** On a CPU the gradient of a step is one tree of sums over groups of images, whoever computes which group. */
import test from 'ava'
import { batchNorm, classifierHead, conv2d, network, relu, residual, type Network } from '../../lib/layers/index.js'
import { preResNet } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import type { Session } from '../../lib/runtime/session.js'
import { adamW, lamb } from '../../lib/training/optimizers.js'
import { sgd } from '../../lib/training/sgd.js'
import { bitsDiffer } from '../support/compare.js'
import { dropped, noise, passing, precisions, trained, trainedTogether, type Mixture } from '../support/one_tree.js'
import { testMixed } from '../support/mixed_tree.js'
import { Random } from '../support/random.js'
import { treeSum } from '../support/tree.js'

const input = { height: 12, width: 12, channels: 3 }

/** Gradients of 128 filters are computed another way than those of few; biases stand where no norm follows. */
const wide: Network = network({
  name: 'wide',
  input: { height: 5, width: 5, channels: 3 },
  layers: {
    stem: conv2d({ channels: 128, kernel: 1, bias: true }),
    unit: residual({ branch: [batchNorm(), relu(), conv2d({ channels: 128, kernel: 3 })] }),
    last: [batchNorm(), relu(), conv2d({ channels: 20, kernel: 1, bias: true })],
    head: classifierHead({ classes: 10 }),
  },
})
const networks = [preResNet({ family: 'cifar', depth: 8, block: 'basic', shortcut: 'projection', classes: 10, input }), wide]

async function gradients(session: Session): Promise<Map<string, Float64Array>> {
  const all = new Map<string, Float64Array>()
  for (const name of session.trainedNames) all.set(name, Float64Array.from(await session.gradient(name).read()))
  return all
}

for (const net of networks) {
  for (const precision of precisions) {
    test(`${net.name}, ${precision}: the gradient of a group is that of a batch of its own`, async (t) => {
      const [groups, images] = [4, 6]
      const options = { device: 'cpu', precision, threads: 2, seed: 5, optimizer: sgd({ momentum: 0, weightDecay: 0 }) } as const
      const { height, width, channels } = net.input
      const size = height * width * channels
      const x = Float64Array.from(new Random(81).normals([groups * images, height, width, channels]).data)
      const labels = Int32Array.from({ length: groups * images }, (_, index) => (index * 7) % 10)
      await using whole = await compile(net, { ...options, batch: groups * images, statisticsGroups: groups })
      await whole.step({ x, labels }, { learningRate: 0 })
      const together = await gradients(whole)
      await using one = await compile(net, { ...options, batch: images })
      const apart: Map<string, Float64Array>[] = []
      for (let group = 0; group < groups; group++) {
        const [first, end] = [group * images, (group + 1) * images]
        await one.step({ x: x.slice(first * size, end * size), labels: labels.slice(first, end) }, { learningRate: 0 })
        apart.push(await gradients(one))
      }
      for (const [name, gradient] of together) {
        t.true(gradient.some((value) => value !== 0))
        // The loss is the mean over all images: a fourth of each group's, which is exact.
        const parts = apart.map((values) => values.get(name)!.map((value) => value / groups))
        t.is(bitsDiffer(gradient, treeSum(parts, Math.fround)), undefined, name)
      }
    })
  }
}

/** Four groups in every way, with any number of threads. */
const mixtures: readonly Mixture[] = [
  { accumulate: 4, threads: 1 },
  { statisticsGroups: 2, accumulate: 2, threads: 3, activationCheckpointing: 2 },
]

for (const precision of precisions) {
  test(`${precision}: groups and accumulations with one product give the same bits in weights, momentum and statistics`, async (t) => {
    const training = { network: dropped(8, input), precision, batch: 24, steps: 5 }
    const expected = await trained(training, { statisticsGroups: 4 })
    for (const values of expected.values()) t.true(Array.from(values).every(Number.isFinite))
    for (const mixture of mixtures) t.is(bitsDiffer(await trained(training, mixture), expected), undefined, JSON.stringify(mixture))
    t.is(bitsDiffer(await trainedTogether(training, 4, {}, { seed: 1 }), expected), undefined, '4 ranks')
    t.is(bitsDiffer(await trainedTogether(training, 2, { accumulate: 2, threads: 2 }, { seed: 2 }), expected), undefined, '2 ranks, 2 accumulations')
    const other = await trained(training, { accumulate: 2 })
    t.not(bitsDiffer(other, expected), undefined, 'two groups are another training')
  })
}

test('a fast reduction adds in the order of the engine, near to the tree, and of one rank or of two there is only one order', async (t) => {
  const training = { network: dropped(8, input), precision: 'fp32', batch: 24, steps: 3 } as const
  const fast = await trainedTogether(training, 4, { reduction: 'fast' })
  const ordered = await trainedTogether(training, 4, {})
  t.not(bitsDiffer(fast, ordered), undefined, 'the emulated engine adds one rank after the other')
  for (const [name, values] of ordered) Array.from(values).forEach((value, at) => t.true(Math.abs(value - fast.get(name)![at]!) < 1e-4, name))
  t.is(bitsDiffer(await trainedTogether(training, 2, { reduction: 'fast' }), await trainedTogether(training, 2, {})), undefined)
  t.is(bitsDiffer(await trained(training, { reduction: 'fast' }), await trained(training, {})), undefined)
})

for (const optimizer of [adamW({ clipNorm: 0.5 }), lamb({ weightDecay: 0.1 })]) {
  test(`${optimizer.kind} corrects its moments by steps, not by accumulations`, async (t) => {
    const training = { network: dropped(8, input), precision: 'fp32', batch: 24, steps: 3, optimizer } as const
    const expected = await trained(training, { statisticsGroups: 4 })
    for (const values of expected.values()) t.true(Array.from(values).every(Number.isFinite))
    t.true([...expected.keys()].some((name) => name.startsWith('secondMoment of ')))
    for (const mixture of mixtures) t.is(bitsDiffer(await trained(training, mixture), expected), undefined, JSON.stringify(mixture))
  })
}

test('images that pass units by, moving averages and losses of single classes are the same in groups and in accumulations', async (t) => {
  const more = { ema: { decay: 0.5 }, loss: 'binary-cross-entropy' } as const
  const training = { network: passing(8, input), precision: 'fp32', batch: 24, steps: 3, more } as const
  const expected = await trained(training, { statisticsGroups: 4 })
  t.true(expected.has('average of stem.conv.weight'))
  for (const mixture of mixtures) t.is(bitsDiffer(await trained(training, mixture), expected), undefined, JSON.stringify(mixture))
})

testMixed('fp32')

test('three accumulations of two groups are repeated to the bit, and near to six groups', async (t) => {
  const training = { network: dropped(8, input), precision: 'fp32', batch: 24, steps: 5 } as const
  const [once, again] = [
    await trained(training, { statisticsGroups: 2, accumulate: 3 }),
    await trained(training, { statisticsGroups: 2, accumulate: 3, threads: 3 }),
  ]
  t.is(bitsDiffer(again, once), undefined)
  const six = await trained(training, { statisticsGroups: 6 })
  for (const [name, values] of six) Array.from(values).forEach((value, at) => t.true(Math.abs(value - once.get(name)![at]!) < 1e-4, name))
})

for (const [optimizer, made] of [
  [sgd({ momentum: 0.9, weightDecay: 1e-3, clipNorm: 0.5 }), dropped],
  [adamW({ epsilon: 1e-3 }), passing],
] as const) {
  test(`the reference accumulates what it computes by groups: ${optimizer.kind}`, async (t) => {
    const network = made(8, { height: 6, width: 6, channels: 3 })
    const training = { network, device: 'reference', precision: 'fp64', batch: 12, steps: 2, optimizer } as const
    const [groups, accumulated] = [await trained(training, { statisticsGroups: 3 }), await trained(training, { accumulate: 3 })]
    for (const [name, values] of groups) Array.from(values).forEach((value, at) => t.true(Math.abs(value - accumulated.get(name)![at]!) < 1e-9, name))
  })
}

test('samples that do not count are counted over the whole step', async (t) => {
  const net = dropped(8, input)
  const size = input.height * input.width * input.channels
  const { source } = await noise(16, input)
  const images = (source as unknown as { readonly images: Uint8Array }).images
  t.is(images.length, 16 * size)
  // All of the first accumulation, and more than half of the last.
  const labels = Int32Array.from({ length: 16 }, (_, index) => (index < 4 || index > 13 ? -1 : index % 10))
  const results: Map<string, Float64Array>[] = []
  for (const mixture of [{ statisticsGroups: 4 }, { accumulate: 4 }]) {
    const prepare = { normalization: { mean: [0.5, 0.5, 0.5], std: [0.3, 0.3, 0.3] } }
    await using session = await compile(net, { device: 'cpu', precision: 'fp32', batch: 16, prepare, seed: 1, optimizer: sgd(), ...mixture })
    const { samples, loss } = await session.step({ images, labels }, { learningRate: 0.1 })
    t.is(samples, 10)
    results.push((await gradients(session)).set('loss', Float64Array.of(loss)))
  }
  t.is(bitsDiffer(results[1], results[0]), undefined)
})

test('a session evaluates and infers the images of an accumulation at a time', async (t) => {
  const data = await noise(20, input)
  const results = []
  for (const mixture of [{}, { accumulate: 4 }]) {
    const prepare = { normalization: { mean: [0.5, 0.5, 0.5], std: [0.3, 0.3, 0.3] } }
    await using session = await compile(dropped(8, input), { device: 'cpu', precision: 'fp32', batch: 16, prepare, seed: 1, optimizer: sgd(), ...mixture })
    const { loss, top1Errors, samples } = await session.evaluate(data)
    t.is(samples, 20)
    results.push([loss, top1Errors])
  }
  t.is(results[1]![1], results[0]![1])
  t.true(Math.abs(results[1]![0]! - results[0]![0]!) < 1e-12)
})

for (const [what, options, code, message] of [
  ['a batch that accumulations do not divide', { accumulate: 3 }, 'ERR_OPTION', /accumulate: expected a divisor of the batch \(8\), got 3/],
  [
    'groups that do not divide an accumulation',
    { accumulate: 2, statisticsGroups: 8 },
    'ERR_OPTION',
    /a divisor of an accumulation's images \(8 \/ 2\), got 8/,
  ],
  ['values', { accumulate: 2 }, 'ERR_OPTION', /accumulate: expected 1 where values are handed over \(`x`\), got 2/],
] as const) {
  test(`refused: ${what}`, async (t) => {
    await t.throwsAsync(compile(networks[0]!, { batch: 8, device: 'cpu', precision: 'fp32', optimizer: sgd(), ...options }), { code, message })
  })
}
