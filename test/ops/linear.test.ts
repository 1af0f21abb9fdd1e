import { present } from '../support/case.js'
import { given, judge, maybe, type NamedCase } from '../support/judge.js'
import type { OperationCase, Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { dim, matrix } from '../support/values.js'

const factors = { N: [3, 1, 5], C: [17, 1, 64, 40], K: [10, 1, 3, 17], bias: [true, false] } as const

/** Classifiers as large as real ones: more than a tile of every size. */
const large = [
  { N: 9, C: 640, K: 1000, bias: true },
  { N: 70, C: 65, K: 10, bias: true },
] as const

const cases: NamedCase[] = [...pairwise(factors), ...large].map(({ N, C, K, bias }, index) => {
  const random = new Random(12000 + index)
  return {
    name: `${N} x ${C} to ${K}${bias ? ', bias' : ''}`,
    inputs: present({ x: random.normals([N, C]), w: random.normals([K, C], 1 / Math.sqrt(C)), bias: bias && random.normals([K]) }),
    outputs: { y: [N, K] },
    attributes: {},
  }
})

function statement(operation: OperationCase): Results {
  const [x, w, bias] = [given(operation, 'x'), given(operation, 'w'), maybe(operation, 'bias')]
  const [N, C] = x.shape as [number, number]
  return {
    y: matrix(N, dim(w, 0), (n, k) => {
      const row = x.data.subarray(n * C, (n + 1) * C)
      return row.reduce((sum, value, c) => sum + value * w.data[k * C + c]!, 0) + (bias?.data[k] ?? 0)
    }),
  }
}

judge('linear', { cases, statement })
