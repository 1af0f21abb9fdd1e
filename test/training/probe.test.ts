/** Norms of signals and gradients by depth: beside the reference executor, and beside what follows from the head by hand. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { loader, memoryDataset } from '../../lib/data/index.js'
import { buildGraph } from '../../lib/graph/build.js'
import { preResNet } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { modelTensors } from '../../lib/runtime/internals.js'
import { probe, probedUnits, type ProbedUnit } from '../../lib/runtime/probe.js'
import { fit, sgd } from '../../lib/training/index.js'
import { randomBytes } from '../support/bytes.js'
import { temporaryFolder } from '../support/folder.js'

const size = { height: 8, width: 8 }
const prepare = { evaluate: [], normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } }

const images = (count: number) =>
  memoryDataset({
    images: randomBytes(count * 8 * 8 * 3, 3),
    labels: Int32Array.from({ length: count }, (_, index) => index % 4),
    ...size,
    channels: 3,
    classes: 4,
  })

const settings = {
  threads: 1,
  labelSmoothing: 0,
  loss: 'cross-entropy',
  targetThreshold: undefined,
  classWeights: [],
  optimizer: sgd(),
  frozen: [],
  frozenStatistics: [],
  seed: 7,
} as const

/** What is probed on a device, and the network's own outputs for the same images in evaluation. */
async function probed(unit: 'original' | 'pre-activation' | 'bn-after-addition', device: 'cpu' | 'reference'): Promise<ProbedUnit[]> {
  const network = preResNet({ family: 'cifar', depth: 14, unit, classes: 4, input: size })
  await using session = await compile(network, { device: 'reference', batch: 1, evaluation: false, prepare, seed: 7 })
  await using batches = loader(await images(24), { batch: 8, seed: 7, prepare })
  return await probe(network, await modelTensors(session, 'trained'), batches, { ...settings, convolution: 'auto', device })
}

for (const unit of ['original', 'pre-activation', 'bn-after-addition'] as const) {
  test(`${unit}: in fp32 as by the reference executor`, async (t) => {
    const [fast, judge] = [await probed(unit, 'cpu'), await probed(unit, 'reference')]
    t.deepEqual(
      judge.map(({ name }) => name),
      ['stem', '0.0', '0.1', '1.0', '1.1', '2.0', '2.1'].map((name) => (name === 'stem' ? name : `stages.${name.replace('.', '.blocks.')}`)),
    )
    for (const [index, { name, signal, gradient }] of fast.entries()) {
      const { signal: wantedSignal, gradient: wantedGradient } = judge[index]!
      t.true(wantedSignal > 0 && wantedGradient > 0, name)
      t.true(Math.abs(signal - wantedSignal) < 1e-4 * wantedSignal, `${name}: signal ${signal}, ${wantedSignal}`)
      t.true(Math.abs(gradient - wantedGradient) < 1e-3 * wantedGradient, `${name}: gradient ${gradient}, ${wantedGradient}`)
    }
    t.is(new Set(judge.map(({ gradient }) => gradient)).size, 7)
  })
}

test('what is probed last follows from the head: the gradient is the one of the pooled features', async (t) => {
  const network = preResNet({ family: 'cifar', depth: 8, unit: 'original', classes: 4, input: size })
  const data = await images(8)
  await using session = await compile(network, { device: 'reference', batch: 1, evaluation: false, prepare, seed: 7 })
  const tensors = await modelTensors(session, 'trained')
  await using batches = loader(data, { batch: 8, seed: 7, prepare })
  const last = (await probe(network, tensors, batches, { ...settings, convolution: 'auto', device: 'reference' })).at(-1)!
  // The bias of the head gets the sum of dlogits, its weight the sum of dlogits times features, of the mean loss.
  await using training = await compile(network, {
    device: 'reference',
    data: batches,
    prepare,
    optimizer: sgd({ momentum: 0, weightDecay: 0 }),
    evaluation: false,
    seed: 7,
  })
  await training.steps(1, { learningRate: 0 })
  const bias = await training.gradient('head.fc.bias').read()
  const weight = tensors.get('head.fc.weight')!.data as Float32Array
  t.is(bias.length, 4)
  // With all images' dlogits equal to the mean one the norm would be that of W^T b / HW, HW = 4, over 4 pixels: never more than what was probed, by convexity.
  const pooled = Array.from({ length: 64 }, (_, feature) => [0, 1, 2, 3].reduce((sum, out) => sum + weight[out * 64 + feature]! * bias[out]!, 0))
  const least = Math.sqrt(pooled.reduce((sum, value) => sum + value * value, 0) / 4)
  t.true(last.gradient >= least * 0.999, `${last.gradient} ${least}`)
  t.true(last.gradient < 2 * Math.max(...weight.map(Math.abs)) * Math.sqrt(64 / 4))
})

test('every unit of a network is probed where it ends', (t) => {
  const ends = (unit: 'original' | 'pre-activation'): string[] =>
    probedUnits(buildGraph(preResNet({ family: 'cifar', depth: 8, unit, classes: 4, input: size }))).map(({ node }) => node)
  t.deepEqual(ends('pre-activation'), ['stem.conv', 'stages.0.blocks.0.add', 'stages.1.blocks.0.add', 'stages.2.blocks.0.add'])
  t.is(ends('original')[1], 'stages.0.blocks.0.relu2')
})

test('a run notes what was asked for, and its bits are those of a run that noted nothing', async (t) => {
  const folder = await temporaryFolder(t)
  const network = preResNet({ family: 'cifar', depth: 8, classes: 4, input: size })
  const data = await images(24)
  const run = (name: string, steps: readonly number[]) =>
    fit(network, {
      train: data,
      batch: 4,
      steps: 6,
      learningRate: 0.1,
      device: 'cpu',
      precision: 'fp32',
      threads: 1,
      seed: 2,
      output: join(folder, name),
      probe: steps,
    }).finished
  const [plain, noted] = [await run('plain', []), await run('noted', [0, 3, 6, 9])]
  const lines = (await readFile(join(folder, 'noted', 'probe.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { step: number; images: number; units: ProbedUnit[] })
  t.deepEqual(
    lines.map(({ step, images: count, units }) => [step, count, units.length]),
    [0, 3, 6].map((step) => [step, 4, 4]),
  )
  t.not(lines[0]!.units[1]!.signal, lines[1]!.units[1]!.signal)
  for (const [name, { data: values }] of plain.tensors) t.deepEqual(noted.tensors.get(name)!.data, values, name)
  await t.throwsAsync(fit(network, { train: data, batch: 4, steps: 1, learningRate: 0.1, device: 'cpu', precision: 'fp32', probe: [0] }).finished, {
    code: 'ERR_OPTION',
    message: 'fit: probe: expected an output directory beside, got none',
  })
})
