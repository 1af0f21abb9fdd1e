/** The CPU executor takes a batch through a convolution in blocks of images. How many are in one must not show in any bit. */
import test from 'ava'
import { bitsDiffer } from '../support/compare.js'
import { onHost } from '../support/executors.js'
import { runOperation, type OperationCase, type Results } from '../support/operation.js'
import { Random } from '../support/random.js'

const variable = 'PRERESNET_BLOCK_IMAGES'
const images = 35

const random = new Random(7000)
const forward: OperationCase = {
  inputs: {
    x: random.activations([images, 20, 8, 8]),
    xScale: random.scales([1, 20]),
    xBias: random.normals([1, 20], 0.5),
    w: random.normals([24, 20, 3, 3], 0.1),
  },
  outputs: { y: [images, 24, 8, 8], sums: [1, 2, 24] },
  attributes: { padding: 1, xRelu: true },
}
const backward: OperationCase = {
  inputs: {
    ...forward.inputs,
    d: random.normals([images, 24, 8, 8]),
    y: random.normals([images, 24, 8, 8]),
    dA: random.scales([1, 24]),
    dB: random.normals([1, 24]),
  },
  outputs: { dw: [24, 20, 3, 3], dbias: [24], dx: [images, 20, 8, 8], sums: [1, 2, 20] },
  attributes: { padding: 1, xRelu: true, mask: true },
}

/** So many filters that their gradient is made in another way. */
const wide: OperationCase = {
  inputs: { d: random.normals([9, 128, 7, 7]), x: random.activations([9, 128, 7, 7]), w: random.normals([128, 128, 3, 3], 0.05) },
  outputs: { dw: [128, 128, 3, 3], dx: [9, 128, 7, 7] },
  attributes: { padding: 1 },
}

for (const executor of onHost) {
  for (const winograd of [false, true]) {
    test.serial(`${executor.name}${winograd ? ', Winograd' : ''}: blocks of any size give the same bits`, async (t) => {
      const run = async (op: 'conv' | 'conv_backward', operation: OperationCase, threads: number): Promise<Results> =>
        runOperation(executor, op, { ...operation, attributes: { ...operation.attributes, winograd } }, { threads })
      const before = process.env[variable]
      try {
        Reflect.deleteProperty(process.env, variable)
        const all = async (threads: number): Promise<Results[]> => [
          await run('conv', forward, threads),
          await run('conv_backward', backward, threads),
          await run('conv_backward', wide, threads),
        ]
        const expected = await all(1)
        for (const block of [1, 3, 8, 64]) {
          process.env[variable] = String(block)
          t.is(bitsDiffer(await all(3), expected), undefined, `${block} images a block`)
        }
      } finally {
        if (before === undefined) Reflect.deleteProperty(process.env, variable)
        else process.env[variable] = before
      }
    })
  }
}
