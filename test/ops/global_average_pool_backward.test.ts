import test from 'ava'
import { checkAdjoint, rowOf, throughScale } from '../support/adjoint.js'
import { present } from '../support/case.js'
import { sumsOfDx } from '../support/conv_backward.js'
import { reference } from '../support/executors.js'
import { globalAveragePoolCases } from '../support/global_average_pool.js'
import { flag, given, inner, judge, type NamedCase } from '../support/judge.js'
import { runOperation, type OperationCase, type Results } from '../support/operation.js'
import { Random } from '../support/random.js'
import { image } from '../support/values.js'

const cases: NamedCase[] = globalAveragePoolCases.map(({ name, x, y, channels, groups, normalized, relu, sums }, index) => {
  const random = new Random(11000 + index)
  return {
    name,
    inputs: present({
      dy: random.normals(y),
      x: random.activations(x),
      scale: normalized && random.scales([groups, channels]),
      bias: normalized && random.normals([groups, channels], 0.5),
    }),
    outputs: present({ dx: x, sums: sums && [groups, 2, channels] }),
    attributes: { relu },
  }
})

function statement(operation: OperationCase): Results {
  const { shape } = given(operation, 'x')
  const [, C, H, W] = shape as [number, number, number, number]
  const raw = inner(operation, 'x', 'scale', 'bias')
  const dx = image(shape, (n, c, h, w) => (flag(operation, 'relu') && raw(n, c, h, w) <= 0 ? 0 : given(operation, 'dy').data[n * C + c]! / (H * W)))
  return { dx, ...sumsOfDx(operation, { dx }) }
}

judge('global_average_pool_backward', { cases, statement, derived: sumsOfDx })

test('global_average_pool_backward is the adjoint of bn_relu_global_average_pool', async (t) => {
  const random = new Random(11900)
  const [x, groups] = [[6, 17, 5, 7], 3]
  await checkAdjoint(t, {
    random,
    point: { x: random.normals(x), scale: random.scales([groups, 17]), bias: random.normals([groups, 17], 0.5) },
    forward: async (inputs) => [
      (await runOperation(reference, 'bn_relu_global_average_pool', { inputs, outputs: { y: [6, 17] }, attributes: { relu: true } }))['y']!,
    ],
    backward: async (inputs, [dy]) => {
      const operation = { inputs: { ...inputs, dy: dy! }, outputs: { dx: x, sums: [groups, 2, 17] }, attributes: { relu: true } }
      const { dx, sums } = await runOperation(reference, 'global_average_pool_backward', operation)
      return { x: throughScale(dx!, inputs['scale']!), scale: rowOf(sums!, 1), bias: rowOf(sums!, 0) }
    },
  })
})
