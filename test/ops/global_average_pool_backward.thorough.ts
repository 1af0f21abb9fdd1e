import test from 'ava'
import { checkPooling } from '../support/adjoint.js'
import { normOf, present } from '../support/case.js'
import { sumsOfDx } from '../support/conv_backward.js'
import { globalAveragePoolCases } from '../support/global_average_pool.js'
import { flag, given, inner, judge, type NamedCase } from '../support/judge.js'
import type { OperationCase, Results } from '../support/operation.js'
import { Random } from '../support/random.js'
import { image } from '../support/values.js'

const cases: NamedCase[] = globalAveragePoolCases.map(({ name, x, y, channels, groups, normalized, relu, sums }, index) => {
  const random = new Random(11000 + index)
  return {
    name,
    inputs: present({
      dy: random.normals(y),
      x: random.activations(x),
      ...normOf(random, normalized, groups, channels),
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
  const pooling = { forward: 'bn_relu_global_average_pool', backward: 'global_average_pool_backward', y: [6, 17], attributes: { relu: true } } as const
  await checkPooling(t, new Random(11900), [6, 17, 5, 7], pooling)
})
