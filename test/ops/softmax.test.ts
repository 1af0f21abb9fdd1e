import { given, judge, type NamedCase } from '../support/judge.js'
import type { OperationCase, Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { matrix } from '../support/values.js'

const factors = { N: [3, 1, 5], K: [10, 1, 2, 17, 1000], spread: [1, 300], offset: [0, 1e4] } as const

const cases: NamedCase[] = pairwise(factors).map(({ N, K, spread, offset }, index) => ({
  name: `${N} x ${K}, spread ${spread} around ${offset}`,
  inputs: { logits: new Random(14000 + index).normals([N, K], spread, offset) },
  outputs: { probabilities: [N, K] },
  attributes: {},
}))

/** 1 / sum over j of exp(logit j - logit): no common factor to take out. */
function statement(operation: OperationCase): Results {
  const logits = given(operation, 'logits')
  const [N, K] = logits.shape as [number, number]
  return {
    probabilities: matrix(N, K, (n, k) => {
      const row = logits.data.subarray(n * K, (n + 1) * K)
      return 1 / row.reduce((sum, other) => sum + Math.exp(other - row[k]!), 0)
    }),
  }
}

judge('softmax', { cases, statement })
