import { given, judge, type NamedCase } from '../support/judge.js'
import type { OperationCase, Results } from '../support/operation.js'
import { Random } from '../support/random.js'
import { valuesOf } from '../support/values.js'

const sizes = [
  [64, 64],
  [640, 192],
  [10_048, 9_984],
  [128, 8],
] as const

const cases: NamedCase[] = sizes.map(([P, Q], index) => ({
  name: `${Q} of ${P}`,
  inputs: { weights: new Random(25000 + index).normals([P], 0.1) },
  outputs: { copies: [Q] },
  attributes: {},
}))

function statement(operation: OperationCase): Results {
  const { data } = given(operation, 'weights')
  return { copies: valuesOf(operation.outputs['copies'] as readonly number[], (index) => data[index]!) }
}

judge('compute_weights', { cases, statement })
