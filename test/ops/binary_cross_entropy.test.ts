import { present } from '../support/case.js'
import { scaler } from '../support/gradients.js'
import { given, judge, maybe, number, type NamedCase } from '../support/judge.js'
import { classWeights, testLoss } from '../support/losses.js'
import type { OperationCase, Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { matrix } from '../support/values.js'

const factors = {
  N: [5, 1, 33],
  K: [10, 2, 6, 17, 1000],
  logits: ['normal', 'equal', 'huge'],
  target: ['hard', 'smoothed', 'soft'],
  threshold: [-1, 0.2, 0],
  padding: ['none', 'some', 'all'],
  weights: [false, true],
  scaler: ['none', 'scaled'],
} as const

const cases: NamedCase[] = pairwise(factors).map((choice, index) => {
  const { N, K, target, padding, threshold } = choice
  const random = new Random(46_000 + index)
  const labels = random.integers([N], K)
  for (let n = 0; n < N; n++) if (padding === 'all' || (padding === 'some' && n % 2 === 1)) labels.data[n] = -1
  const logits = choice.logits === 'equal' ? random.integers([N, K], 3) : random.normals([N, K], choice.logits === 'huge' ? 200 : 2)
  return {
    name: `${N} x ${K}, ${choice.logits} logits, ${target} targets, threshold ${threshold}, ${padding} padding, ${choice.weights ? 'with' : 'without'} class weights, scaler ${choice.scaler}`,
    inputs: present({
      logits,
      labels,
      targets: target === 'soft' && random.distributions(N, K),
      scaler: choice.scaler === 'scaled' && scaler({ scale: 1024 }),
    }),
    outputs: { dlogits: [N, K], metrics: [4] },
    attributes: {
      ...(target === 'smoothed' && { smoothing: 0.1 }),
      ...(threshold !== -1 && { threshold }),
      ...(choice.weights && { classWeights: classWeights(K) }),
    },
  }
})

function statement(operation: OperationCase): Results {
  const [logits, labels, targets] = [given(operation, 'logits'), given(operation, 'labels').data, maybe(operation, 'targets')]
  const [N, K] = logits.shape as [number, number]
  const [smoothing, threshold] = [number(operation, 'smoothing', 0), number(operation, 'threshold', -1)]
  const scale = maybe(operation, 'scaler')?.data[0] ?? 1
  const share = (n: number, k: number): number => targets?.data[n * K + k] ?? (labels[n] === k ? 1 - smoothing + smoothing / K : smoothing / K)
  const target = (n: number, k: number): number => (threshold === -1 ? share(n, k) : Number(share(n, k) > threshold))
  const weights = (operation.attributes['classWeights'] as readonly number[] | undefined) ?? Array.from({ length: K }, () => 1)
  const x = (n: number, k: number): number => logits.data[n * K + k]!
  // -log p of the answer yes is log(1 + e^-x), and of no log(1 + e^x).
  const soft = (value: number): number => (value > 0 ? value + Math.log1p(Math.exp(-value)) : Math.log1p(Math.exp(value)))
  const counting = Array.from({ length: N }, (_, n) => n).filter((n) => labels[n] !== -1)
  const costs = counting.map((n) =>
    weights.map((weight, k) => weight * (target(n, k) * soft(-x(n, k)) + (1 - target(n, k)) * soft(x(n, k)))).reduce((sum, cost) => sum + cost / K, 0),
  )
  const hits = (most: number): number =>
    counting.filter((n) => {
      const ranking = Array.from({ length: K }, (_, k) => k).sort((a, b) => x(n, b) - x(n, a) || a - b)
      return ranking.slice(0, most).includes(labels[n]!)
    }).length
  const probability = (value: number): number => (value > 0 ? 1 / (1 + Math.exp(-value)) : Math.exp(value) / (1 + Math.exp(value)))
  return {
    dlogits: matrix(N, K, (n, k) => (labels[n] === -1 ? 0 : (scale * weights[k]! * (probability(x(n, k)) - target(n, k))) / (K * counting.length))),
    metrics: {
      shape: [4],
      data: Float64Array.of(
        costs.reduce((sum, cost) => sum + cost, 0),
        counting.length,
        hits(1),
        hits(5),
      ),
    },
  }
}

judge('binary_cross_entropy', { cases, statement })
testLoss('binary_cross_entropy', { seed: 46_900, targets: ['smoothed', 'soft'], refused: [10] })
