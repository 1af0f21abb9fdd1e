import test from 'ava'
import { checkAdjoint, rowOf, throughScale } from '../support/adjoint.js'
import { present } from '../support/case.js'
import { sumsOfDx } from '../support/conv_backward.js'
import { reference } from '../support/executors.js'
import { flag, given, inner, judge, number, type NamedCase } from '../support/judge.js'
import { runOperation, type OperationCase, type Results } from '../support/operation.js'
import { averagePoolingCases, covers } from '../support/pooling.js'
import { Random } from '../support/random.js'
import { at, image } from '../support/values.js'

const cases: NamedCase[] = averagePoolingCases.map(({ name, x, y, channels, groups, normalized, sums, attributes }, index) => {
  const random = new Random(9500 + index)
  return {
    name,
    inputs: present({
      dy: random.normals(y),
      x: random.normals(x),
      scale: normalized && random.scales([groups, channels]),
      bias: normalized && random.normals([groups, channels], 0.5),
    }),
    outputs: present({ dx: x, sums: sums && [groups, 2, channels] }),
    attributes,
  }
})

function statement(operation: OperationCase): Results {
  const dy = given(operation, 'dy')
  const raw = inner(operation, 'x', 'scale', 'bias')
  const [, , P, Q] = dy.shape as [number, number, number, number]
  const dx = image(operation.outputs['dx'] as readonly number[], (n, c, h, w) => {
    if (flag(operation, 'relu') && raw(n, c, h, w) <= 0) return 0
    let total = 0
    for (let p = 0; p < P; p++) {
      for (let q = 0; q < Q; q++) if (covers(operation, p, q, h, w)) total += at(dy, n, c, p, q)
    }
    return total / number(operation, 'kernel', 0) ** 2
  })
  return { dx, ...sumsOfDx(operation, { dx }) }
}

judge('average_pool_backward', { cases, statement, derived: sumsOfDx })

test('average_pool_backward is the adjoint of bn_relu_average_pool', async (t) => {
  const random = new Random(9950)
  const [x, y, groups] = [[6, 17, 9, 7], [6, 17, 5, 4], 3]
  const attributes = { relu: true, kernel: 3, stride: 2, padding: 1 }
  await checkAdjoint(t, {
    random,
    point: { x: random.normals(x), scale: random.scales([groups, 17]), bias: random.normals([groups, 17], 0.5) },
    forward: async (inputs) => [(await runOperation(reference, 'bn_relu_average_pool', { inputs, outputs: { y }, attributes }))['y']!],
    backward: async (inputs, [dy]) => {
      const operation = { inputs: { ...inputs, dy: dy! }, outputs: { dx: x, sums: [groups, 2, 17] }, attributes }
      const { dx, sums } = await runOperation(reference, 'average_pool_backward', operation)
      return { x: throughScale(dx!, inputs['scale']!), scale: rowOf(sums!, 1), bias: rowOf(sums!, 0) }
    },
  })
})
