/** On the CPU a batch costs what the images cost that are wanted of it: each operation of inference leaves out the others, and changes no bit of these. */
import test from 'ava'
import type { OperationName } from '../../lib/contracts.js'
import { bitsDiffer } from '../support/compare.js'
import { onHost } from '../support/executors.js'
import { runOperation, type OperationCase } from '../support/operation.js'
import { Code } from '../support/pointwise.js'
import { Random } from '../support/random.js'

const images = 35
const random = new Random(18000)
const plain: OperationCase = {
  inputs: { x: random.activations([images, 20, 8, 8]), w: random.normals([24, 20, 3, 3], 0.1) },
  outputs: { y: [images, 24, 8, 8] },
  attributes: { padding: 1, xRelu: true },
}
const code = new Code()
const sum = code.put('add', code.tensor(0), code.tensor(1))
const domain = [images, 17, 3, 5]

const cases: readonly (readonly [name: string, op: OperationName, operation: OperationCase])[] = [
  ['convolution', 'conv', plain],
  ['Winograd', 'conv', { ...plain, attributes: { ...plain.attributes, winograd: true } }],
  [
    'kernel 1',
    'conv',
    { inputs: { x: random.activations([images, 32, 8, 8]), w: random.normals([32, 32, 1, 1], 0.1) }, outputs: { y: [images, 32, 8, 8] }, attributes: {} },
  ],
  [
    'few pixels, many images a granule',
    'conv',
    { inputs: { x: random.activations([64, 32, 3, 3]), w: random.normals([32, 32, 3, 3], 0.1) }, outputs: { y: [64, 32, 3, 3] }, attributes: { padding: 1 } },
  ],
  [
    'slices of filters',
    'conv',
    { inputs: { x: random.activations([2, 32, 5, 5]), w: random.normals([128, 32, 3, 3], 0.1) }, outputs: { y: [2, 128, 5, 5] }, attributes: { padding: 1 } },
  ],
  [
    'input',
    'input',
    {
      inputs: { images: random.integers([images, 6, 7, 3], 256) },
      outputs: { x: [images, 3, 6, 7] },
      attributes: { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] },
    },
  ],
  [
    'pooling',
    'bn_relu_max_pool',
    { inputs: { x: random.normals([images, 20, 8, 8]) }, outputs: { y: [images, 20, 4, 4] }, attributes: { kernel: 3, stride: 2, padding: 1 } },
  ],
  [
    'bn_relu_global_average_pool',
    'bn_relu_global_average_pool',
    { inputs: { x: random.activations([images, 20, 4, 4]) }, outputs: { y: [images, 20] }, attributes: {} },
  ],
  [
    'linear',
    'linear',
    { inputs: { x: random.normals([images, 20]), w: random.normals([10, 20]), bias: random.normals([10]) }, outputs: { y: [images, 10] }, attributes: {} },
  ],
  ['softmax', 'softmax', { inputs: { logits: random.normals([images, 10]) }, outputs: { probabilities: [images, 10] }, attributes: {} }],
  [
    'pointwise',
    'pointwise',
    {
      inputs: { tensors: [random.normals(domain), random.normals(domain)], vectors: [] },
      outputs: { outputs: [domain] },
      attributes: { code: code.code, stores: [sum], domain },
    },
  ],
]

for (const executor of onHost) {
  for (const [name, op, operation] of cases) {
    test(`${executor.name}, ${name}`, async (t) => {
      const run = async (wanted: number): Promise<Float64Array> => {
        const results = Object.values(await runOperation(executor, op, { ...operation, step: { images: wanted } }, { threads: 2 }))
        t.is(results.length, 1)
        return results[0]!.data
      }
      const all = await run(0)
      const [first] = Object.values(operation.outputs)[0] as readonly (number | readonly number[])[]
      const batch = typeof first === 'number' ? first : first![0]!
      const row = all.length / batch
      t.true(all.every(Number.isFinite))
      for (const wanted of [1, 3, batch]) {
        if (wanted > batch) continue
        const some = await run(wanted)
        t.is(bitsDiffer(some.subarray(0, wanted * row), all.subarray(0, wanted * row)), undefined)
        // What is not written is the garbage of before. A few more may be, that are computed together.
        t.is(Number.isNaN(some.at(-1)!), wanted < batch, `${wanted} of ${batch}`)
      }
    })
  }

  test(`${executor.name}: no more images than the batch has`, async (t) => {
    await t.throwsAsync(runOperation(executor, 'conv', { ...plain, step: { images: images + 1 } }), {
      code: 'ERR_OPTION',
      message: /images: expected at most 35/,
    })
  })
}
