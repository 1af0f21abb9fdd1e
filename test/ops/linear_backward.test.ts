import test from 'ava'
import { checkAdjoint } from '../support/adjoint.js'
import { present } from '../support/case.js'
import { wanted } from '../support/conv_backward.js'
import { onesIn } from '../support/convolution.js'
import { reference } from '../support/executors.js'
import { given, judge, type NamedCase } from '../support/judge.js'
import { runOperation, type OperationCase, type Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { dim, matrix, type Values, valuesOf } from '../support/values.js'

const factors = { N: [3, 1, 5], C: [17, 1, 64, 40], K: [10, 1, 3, 17], dw: [true, false], dbias: [true, false], dx: [true, false] } as const

/** Classifiers as large as real ones: more than a tile of every size. */
const large = [
  { N: 9, C: 128, K: 1000, dw: true, dbias: true, dx: true },
  { N: 70, C: 65, K: 10, dw: true, dbias: true, dx: true },
] as const

const cases: NamedCase[] = [...pairwise(factors), ...large]
  .filter(({ dw, dbias, dx }) => dw || dbias || dx)
  .map((choice, index) => {
    const { N, C, K } = choice
    const random = new Random(13000 + index)
    return {
      name: `${N} x ${C} to ${K}, ${onesIn(choice)}`,
      inputs: { dy: random.normals([N, K]), x: random.normals([N, C]), w: random.normals([K, C]) },
      outputs: present({ dw: choice.dw && [K, C], dbias: choice.dbias && [K], dx: choice.dx && [N, C] }),
      attributes: {},
    }
  })

/** (a^T b), columns of a by columns of b. */
function product(rows: number, columns: number, inside: number, a: (i: number, row: number) => number, b: (i: number, column: number) => number): Values {
  return matrix(rows, columns, (row, column) => Array.from({ length: inside }, (_, i) => a(i, row) * b(i, column)).reduce((sum, value) => sum + value, 0))
}

function statement(operation: OperationCase): Results {
  const [dy, x, w] = [given(operation, 'dy'), given(operation, 'x'), given(operation, 'w')]
  const [N, C, K] = [dim(x, 0), dim(x, 1), dim(w, 0)]
  const ofDy = (n: number, k: number): number => dy.data[n * K + k]!
  return wanted(operation, {
    dw: () => product(K, C, N, ofDy, (n, c) => x.data[n * C + c]!),
    dbias: () => valuesOf([K], (k) => product(K, 1, N, ofDy, () => 1).data[k]!),
    dx: () =>
      product(
        N,
        C,
        K,
        (k, n) => ofDy(n, k),
        (k, c) => w.data[k * C + c]!,
      ),
  })
}

judge('linear_backward', { cases, statement })

test('linear_backward is the adjoint of linear', async (t) => {
  const random = new Random(13900)
  const [N, C, K] = [5, 17, 10]
  await checkAdjoint(t, {
    random,
    point: { x: random.normals([N, C]), w: random.normals([K, C]), bias: random.normals([K]) },
    forward: async (inputs) => [(await runOperation(reference, 'linear', { inputs, outputs: { y: [N, K] }, attributes: {} }))['y']!],
    backward: async ({ x, w }, [dy]) => {
      const operation = { inputs: { dy: dy!, x: x!, w: w! }, outputs: { dw: [K, C], dbias: [K], dx: [N, C] }, attributes: {} }
      const { dw, dbias, dx } = await runOperation(reference, 'linear_backward', operation)
      return { x: dx!, w: dw!, bias: dbias! }
    },
  })
})
