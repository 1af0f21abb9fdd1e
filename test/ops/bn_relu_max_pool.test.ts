import { normOf, present } from '../support/case.js'
import { judge, sumsOfY, type NamedCase } from '../support/judge.js'
import type { OperationCase, Results } from '../support/operation.js'
import { firstMaximum, poolingCases, reachingCases } from '../support/pooling.js'
import { Random } from '../support/random.js'
import { image } from '../support/values.js'

const cases: NamedCase[] = [...poolingCases, ...reachingCases].map(({ name, x, y, channels, groups, normalized, sums, ties, attributes }, index) => {
  const random = new Random(8000 + index)
  return {
    name,
    inputs: present({
      x: ties ? random.integers(x, 4, -1) : random.normals(x),
      ...normOf(random, normalized, groups, channels),
    }),
    outputs: present({ y, sums: sums && [groups, 2, channels] }),
    attributes,
  }
})

function statement(operation: OperationCase): Results {
  const best = firstMaximum(operation)
  const y = image(operation.outputs['y'] as readonly number[], (...position) => best(...position).value)
  return { y, ...sumsOfY(operation, { y }) }
}

judge('bn_relu_max_pool', { cases, statement, derived: sumsOfY })
