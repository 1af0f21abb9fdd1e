import { normOf, present } from '../support/case.js'
import { globalAveragePoolCases } from '../support/global_average_pool.js'
import { flag, given, inner, judge, type NamedCase } from '../support/judge.js'
import type { OperationCase, Results } from '../support/operation.js'
import { Random } from '../support/random.js'
import { matrix } from '../support/values.js'

const cases: NamedCase[] = globalAveragePoolCases.map(({ name, x, y, channels, groups, normalized, relu }, index) => {
  const random = new Random(10000 + index)
  return {
    name,
    inputs: present({
      x: random.activations(x),
      ...normOf(random, normalized, groups, channels),
    }),
    outputs: { y },
    attributes: { relu },
  }
})

function statement(operation: OperationCase): Results {
  const [N, C, H, W] = given(operation, 'x').shape as [number, number, number, number]
  const raw = inner(operation, 'x', 'scale', 'bias')
  return {
    y: matrix(N, C, (n, c) => {
      let mean = 0
      for (let h = 0; h < H; h++) for (let w = 0; w < W; w++) mean += (flag(operation, 'relu') ? Math.max(raw(n, c, h, w), 0) : raw(n, c, h, w)) / (H * W)
      return mean
    }),
  }
}

judge('bn_relu_global_average_pool', { cases, statement })
