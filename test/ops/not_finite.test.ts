/** A NaN must arrive at the loss, where training stops because of it: no ReLU and no maximum may swallow one. */
import test from 'ava'
import type { OperationName } from '../../lib/contracts.js'
import { everyone } from '../support/executors.js'
import { runOperation, type OperationCase } from '../support/operation.js'
import { Code } from '../support/pointwise.js'
import { type Values, valuesOf } from '../support/values.js'

const shape = [2, 17, 4, 4]
/** Ones, and one NaN: in the last channel of the first image, at its first position. */
const poisoned = valuesOf(shape, (index) => (index === 16 * 16 ? NaN : 1))
const ones = (sizes: readonly number[]): Values => valuesOf(sizes, () => 1)
const w = ones([17, 17, 1, 1])
const relu = new Code()
relu.put('relu', relu.tensor(0))

const uses: Readonly<Record<string, readonly [OperationName, OperationCase, string]>> = {
  'the ReLU of an operand': ['conv', { inputs: { x: poisoned, w }, outputs: { y: shape }, attributes: { xRelu: true } }, 'y'],
  'norm and ReLU of an operand': [
    'conv',
    { inputs: { x: ones(shape), xScale: valuesOf([1, 17], () => NaN), xBias: ones([1, 17]), w }, outputs: { y: shape }, attributes: { xRelu: true } },
    'y',
  ],
  'the ReLU of a residual': ['conv', { inputs: { x: ones(shape), w, residual: poisoned }, outputs: { y: shape }, attributes: { residualRelu: true } }, 'y'],
  'the ReLU of a result': ['conv', { inputs: { x: poisoned, w }, outputs: { y: shape }, attributes: { relu: true } }, 'y'],
  'sums of a result': ['conv', { inputs: { x: poisoned, w }, outputs: { y: shape, sums: [1, 2, 17] }, attributes: {} }, 'sums'],
  'a ReLU of its own': ['bn_relu', { inputs: { x: poisoned }, outputs: { y: shape }, attributes: { relu: true } }, 'y'],
  'norm and ReLU of their own': [
    'bn_relu',
    { inputs: { x: ones(shape), scale: valuesOf([1, 17], () => NaN), bias: ones([1, 17]) }, outputs: { y: shape }, attributes: { relu: true } },
    'y',
  ],
  'the ReLU of an added residual': [
    'residual_add',
    { inputs: { x: ones(shape), residual: poisoned }, outputs: { y: shape }, attributes: { residualRelu: true } },
    'y',
  ],
  'the ReLU of a sum': ['residual_add', { inputs: { x: poisoned }, outputs: { y: shape }, attributes: { relu: true } }, 'y'],
  'sums of what is there': ['residual_add', { inputs: { x: poisoned }, outputs: { sums: [1, 2, 17] }, attributes: {} }, 'sums'],
  'a maximum': ['bn_relu_max_pool', { inputs: { x: poisoned }, outputs: { y: [2, 17, 2, 2] }, attributes: { relu: true } }, 'y'],
  'a mean': ['bn_relu_global_average_pool', { inputs: { x: poisoned }, outputs: { y: [2, 17] }, attributes: { relu: true } }, 'y'],
  'pointwise code': [
    'pointwise',
    { inputs: { tensors: [poisoned], vectors: [] }, outputs: { outputs: [shape] }, attributes: { code: relu.code, stores: [1], domain: shape } },
    'outputs.0',
  ],
  'the loss': [
    'softmax_cross_entropy',
    { inputs: { logits: valuesOf([2, 17], (index) => (index === 3 ? NaN : 1)), labels: valuesOf([2]) }, outputs: { metrics: [4] }, attributes: {} },
    'metrics',
  ],
  'the loss of single classes': [
    'binary_cross_entropy',
    {
      inputs: { logits: valuesOf([2, 17], (index) => (index === 3 ? NaN : 1)), labels: valuesOf([2]) },
      outputs: { dlogits: [2, 17], metrics: [4] },
      attributes: {},
    },
    'metrics',
  ],
}

for (const executor of everyone) {
  for (const [name, [op, operation, output]] of Object.entries(uses)) {
    for (const way of executor.ways(op, operation)) {
      test(`a NaN gets through ${name}: ${executor.name} ${JSON.stringify(way)}`, async (t) => {
        const { data } = (await runOperation(executor, op, { ...operation, attributes: { ...operation.attributes, ...way } }))[output]!
        t.true(data.some(Number.isNaN))
      })
    }
  }
}
