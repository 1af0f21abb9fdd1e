import test from 'ava'
import { checkPooling } from '../support/adjoint.js'
import { normOf, present } from '../support/case.js'
import { sumsOfDx } from '../support/conv_backward.js'
import { flag, given, inner, judge, type NamedCase } from '../support/judge.js'
import type { OperationCase, Results } from '../support/operation.js'
import { firstMaximum, poolingCases, reachingCases } from '../support/pooling.js'
import { Random } from '../support/random.js'
import { at, image } from '../support/values.js'

const cases: NamedCase[] = [...poolingCases, ...reachingCases].map(({ name, x, y, channels, groups, normalized, sums, ties, attributes }, index) => {
  const random = new Random(9000 + index)
  return {
    name,
    inputs: present({
      dy: random.normals(y),
      x: ties ? random.integers(x, 4, -1) : random.normals(x),
      ...normOf(random, normalized, groups, channels),
    }),
    outputs: present({ dx: x, sums: sums && [groups, 2, channels] }),
    attributes,
  }
})

function statement(operation: OperationCase): Results {
  const dy = given(operation, 'dy')
  const best = firstMaximum(operation)
  const raw = inner(operation, 'x', 'scale', 'bias')
  const [, , P, Q] = dy.shape as [number, number, number, number]
  const dx = image(operation.outputs['dx'] as readonly number[], (n, c, h, w) => {
    if (flag(operation, 'relu') && raw(n, c, h, w) <= 0) return 0
    let total = 0
    for (let p = 0; p < P; p++) {
      for (let q = 0; q < Q; q++) {
        const first = best(n, c, p, q)
        if (first.h === h && first.w === w) total += at(dy, n, c, p, q)
      }
    }
    return total
  })
  return { dx, ...sumsOfDx(operation, { dx }) }
}

judge('max_pool_backward', { cases, statement, derived: sumsOfDx })

test('max_pool_backward is the adjoint of bn_relu_max_pool', async (t) => {
  const pooling = { forward: 'bn_relu_max_pool', backward: 'max_pool_backward', y: [6, 17, 5, 4], attributes: { relu: true } } as const
  await checkPooling(t, new Random(9900), [6, 17, 9, 7], pooling)
})
