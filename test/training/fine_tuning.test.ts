/** Training further from a model file: what is taken from it, and what is new. */
import { join } from 'node:path'
import test from 'ava'
import { memoryDataset } from '../../lib/data/index.js'
import { describeModel, modelMetadata } from '../../lib/runtime/model_file.js'
import { readSafetensors, writeSafetensors } from '../../lib/formats/safetensors.js'
import { batchNorm, conv2d, globalAveragePool, network, relu } from '../../lib/layers/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { fit, startFrom } from '../../lib/training/index.js'
import { temporaryFolder } from '../support/folder.js'
import { someDigits, tiny } from './tiny.js'

const settings = { batch: 8, steps: 1, seed: 3, threads: 1, learningRate: 1e-9 } as const

test('the same number of classes: network, weights and normalization of the file', async (t) => {
  const { train } = await someDigits()
  const path = join(await temporaryFolder(t), 'ten.safetensors')
  const ten = await fit(tiny(), { ...settings, train, prepare: { normalization: { mean: [0.25], std: [0.5] } } }).finished
  await ten.save(path)
  const { network, options, ...more } = await startFrom(path, train)
  t.deepEqual(network, tiny())
  t.deepEqual(options, { initialize: { from: path, except: [] }, prepare: { normalization: { mean: [0.25], std: [0.5] } } })
  t.deepEqual(more, {})
  const tuned = await fit(network, { ...settings, ...options, train }).finished
  const before = ten.tensors.get('head.fc.weight')!.data as Float32Array
  ;(tuned.tensors.get('head.fc.weight')!.data as Float32Array).forEach((value, index) => t.true(Math.abs(value - before[index]!) < 1e-6))
  await tuned.save(path)
  t.deepEqual((await describeModel(path)).prepare!.normalization, { mean: [0.25], std: [0.5] })
})

test('another number of classes: a new head, and nothing else is new', async (t) => {
  const { train } = await someDigits()
  const path = join(await temporaryFolder(t), 'ten.safetensors')
  const ten = await fit(tiny(), { ...settings, train }).finished
  await ten.save(path)
  const two = { ...train, classes: ['even', 'odd'], labels: train.labels.map((label) => label % 2) }
  const { network, options, replaced } = await startFrom(path, two)
  t.deepEqual(network, tiny({ classes: 2 }))
  t.deepEqual(options.initialize.except, ['head.fc.weight', 'head.fc.bias'])
  t.is(replaced, 10)
  const tuned = await fit(network, { ...settings, ...options, train: two }).finished
  t.deepEqual(tuned.tensors.get('head.fc.weight')!.shape, [2, 8])
  const [was, is] = [ten, tuned].map(({ tensors }) => tensors.get('unit.conv1.weight')!.data as Float32Array) as [Float32Array, Float32Array]
  is.forEach((value, index) => t.true(Math.abs(value - was[index]!) < 1e-6))
})

test("a file's resize is for images from files: those in memory stay as they are", async (t) => {
  const { train } = await someDigits()
  const path = join(await temporaryFolder(t), 'model.safetensors')
  {
    await using session = await compile(tiny(), { device: 'reference', batch: 1 })
    await session.save(path)
  }
  const { tensors } = await readSafetensors(path)
  t.deepEqual((await startFrom(path, train)).options.prepare, {})
  const evaluate = [{ kind: 'resize', size: 32 }, { kind: 'centerCrop' }] as const
  const normalization = { mean: [0.5], std: [0.5] }
  await writeSafetensors(path, tensors, modelMetadata({ network: tiny(), prepare: { evaluate, normalization } }))
  t.deepEqual((await startFrom(path, train)).options.prepare, { normalization })
  const files = { ...train, source: { kind: 'ranges' } } as never
  t.deepEqual((await startFrom(path, files)).options.prepare, { evaluate, normalization })
})

test('refused: a network without a linear layer at its end, no model, no dataset', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'model.safetensors')
  const { train } = await someDigits()
  const input = { height: 8, width: 8, channels: 1 }
  {
    const layers = [conv2d({ channels: 10, kernel: 3 }), batchNorm(), relu(), globalAveragePool()]
    await using session = await compile(network({ input, layers }), { device: 'reference', batch: 1 })
    await session.save(path)
  }
  const images = await memoryDataset({ name: 'one', images: new Uint8Array(64), labels: Int32Array.of(0), height: 8, width: 8, channels: 1, classes: ['a'] })
  await t.throwsAsync(startFrom(path, images), { code: 'ERR_OPTION', message: /expected a network that ends with a linear layer, to train it for 1 classes$/ })
  await writeSafetensors(path, new Map([['x', { dtype: 'F32', shape: [1], data: new Float32Array(1) }]]))
  await t.throwsAsync(startFrom(path, train), {
    code: 'ERR_FILE',
    message: /was it saved by preresnet\? \(weights of other libraries: importWeights, preresnet import\)$/,
  })
  await t.throwsAsync(startFrom(path, 7 as never), { code: 'ERR_OPTION', message: /startFrom: train: expected a dataset/ })
})
