import { present } from '../support/case.js'
import { wanted } from '../support/conv_backward.js'
import { onesIn } from '../support/convolution.js'
import { scaler } from '../support/gradients.js'
import { given, judge, maybe, number, type NamedCase } from '../support/judge.js'
import { classWeights, testLoss } from '../support/losses.js'
import type { OperationCase, Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { matrix, valuesOf, type Values } from '../support/values.js'

const factors = {
  N: [5, 1, 3],
  K: [10, 2, 5, 6, 17, 1000],
  logits: ['normal', 'equal', 'huge'],
  target: ['hard', 'smoothed', 'soft'],
  padding: ['none', 'some', 'all'],
  weights: [false, true],
  dlogits: [true, false],
  probabilities: [true, false],
  predictions: [true, false],
  scaler: ['none', 'scaled'],
} as const

const logitsOf = (random: Random, kind: 'normal' | 'equal' | 'huge', N: number, K: number): Values =>
  // Few different values: ties in every row.
  kind === 'equal' ? random.integers([N, K], 3) : random.normals([N, K], kind === 'huge' ? 200 : 2)

const combinations = pairwise(factors)
/** More samples than share a partial sum. */
const many = [
  { ...combinations[0]!, N: 130, K: 10 },
  { ...combinations[1]!, N: 33, K: 17, padding: 'some' as const },
]

const cases: NamedCase[] = [...combinations, ...many].map((choice, index) => {
  const { N, K, logits, target, padding } = choice
  const random = new Random(15000 + index)
  const labels = random.integers([N], K)
  for (let n = 0; n < N; n++) if (padding === 'all' || (padding === 'some' && n % 2 === 1)) labels.data[n] = -1
  return {
    name: `${N} x ${K}, ${logits} logits, ${target} targets, ${padding} padding, ${choice.weights ? 'with' : 'without'} class weights, scaler ${choice.scaler}, ${onesIn(choice)}`,
    inputs: present({
      logits: logitsOf(random, logits, N, K),
      labels,
      targets: target === 'soft' && random.distributions(N, K),
      scaler: choice.scaler === 'scaled' && scaler({ scale: 1024 }),
    }),
    outputs: present({
      dlogits: choice.dlogits && [N, K],
      probabilities: choice.probabilities && [N, K],
      predictions: choice.predictions && [N],
      metrics: [4],
    }),
    attributes: { ...(target === 'smoothed' && { smoothing: 0.1 }), ...(choice.weights && { classWeights: classWeights(K) }) },
  }
})

function statement(operation: OperationCase): Results {
  const [logits, labels, targets] = [given(operation, 'logits'), given(operation, 'labels').data, maybe(operation, 'targets')]
  const [N, K] = logits.shape as [number, number]
  const smoothing = number(operation, 'smoothing', 0)
  const scale = maybe(operation, 'scaler')?.data[0] ?? 1
  const rows = Array.from({ length: N }, (_, n) => [...logits.data.subarray(n * K, (n + 1) * K)])
  const target = (n: number, k: number): number => targets?.data[n * K + k] ?? (labels[n] === k ? 1 - smoothing + smoothing / K : smoothing / K)
  // log p = -log(sum over j of exp(logit j - logit)), the sum's largest term first.
  const logProbability = (n: number, k: number): number => {
    const row = rows[n]!
    const gap = Math.max(...row) - row[k]!
    return -gap - Math.log(row.reduce((sum, other) => sum + Math.exp(other - row[k]! - gap), 0))
  }
  const weights = (operation.attributes['classWeights'] as readonly number[] | undefined) ?? Array.from({ length: K }, () => 1)
  const share = (n: number, k: number): number => weights[k]! * target(n, k)
  const mass = (n: number): number => rows[n]!.reduce((sum, _, k) => sum + share(n, k), 0)
  const ranking = rows.map((row) => row.map((_, k) => k).sort((a, b) => row[b]! - row[a]! || a - b))
  const counting = rows.map((_, n) => n).filter((n) => labels[n] !== -1)
  const hits = (k: number): number => counting.filter((n) => ranking[n]!.slice(0, k).includes(labels[n]!)).length
  const divisor = targets === undefined ? counting.reduce((sum, n) => sum + weights[labels[n]!]!, 0) : counting.length
  const costs = counting.reduce((sum, n) => sum - rows[n]!.reduce((part, _, k) => part + share(n, k) * logProbability(n, k), 0), 0)
  const loss = counting.length === 0 ? 0 : (costs * counting.length) / divisor
  return wanted(operation, {
    dlogits: () => matrix(N, K, (n, k) => (labels[n] === -1 ? 0 : (scale * (Math.exp(logProbability(n, k)) * mass(n) - share(n, k))) / divisor)),
    probabilities: () => matrix(N, K, (n, k) => Math.exp(logProbability(n, k))),
    predictions: () => valuesOf([N], (n) => ranking[n]![0]!),
    metrics: () => ({ shape: [4], data: Float64Array.of(loss, counting.length, hits(1), hits(5)) }),
  })
}

judge('softmax_cross_entropy', { cases, statement })
testLoss('softmax_cross_entropy', { seed: 15_900, targets: ['hard', 'smoothed', 'soft'], refused: [10, -2] })
