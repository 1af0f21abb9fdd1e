import test from 'ava'
import { present } from '../support/case.js'
import { everyone } from '../support/executors.js'
import { besideWeights, clippedBy, gradientOf, laidOut, scaler, segmentFinder, stateOf, STATES } from '../support/gradients.js'
import { flag, given, judge, maybe, number, type NamedCase } from '../support/judge.js'
import { runOperation, type OperationCase, type Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { valuesOf } from '../support/values.js'

const factors = {
  momentum: [0.9, 0],
  nesterov: [false, true],
  clip: ['none', 'acts', 'does not act'],
  decay: [1e-2, 0],
  learningRate: [0.1, 0.01],
  /** Lengths of the segments; between them lies what no segment covers (padding, frozen parameters). */
  lengths: [[5], [16, 1, 33], [1, 100, 7], [9_000, 40]],
} as const

const cases: NamedCase[] = pairwise(factors).map(({ momentum, nesterov, clip, decay, learningRate, lengths }, index) => {
  const random = new Random(17000 + index)
  const { offsets, total } = laidOut(lengths)
  return {
    name: `momentum ${momentum}${nesterov ? ', Nesterov' : ''}, clipping ${clip}, decay ${decay}, segments of ${lengths.join()}`,
    inputs: { weights: random.normals([total]), gradients: random.normals([total]), velocity: random.normals([total], 0.5) },
    outputs: {},
    attributes: {
      momentum,
      nesterov,
      ...(clip !== 'none' && { clipNorm: clip === 'acts' ? 0.5 : 1000 }),
      offsets,
      lengths: [...lengths],
      decays: lengths.map((_, segment) => (segment % 2 === 0 ? decay : 0)),
      rates: lengths.map((_, segment) => 1 / (segment + 1)),
    },
    step: { learningRate },
  }
})

/** The launches of a GPU: gradients in two arenas, copies of the first weights, a scaler. */
const scaledFactors = {
  momentum: [0.9, 0],
  nesterov: [false, true],
  clip: ['none', 'acts', 'does not act'],
  split: ['two arenas', 'one arena', 'two arenas and copies'],
  scaler: ['scaled', 'overflow', 'none', 'due to grow', 'smallest', 'largest'],
  growthInterval: [0, 3],
  scale: [1024, 1],
} as const

const scaled: NamedCase[] = pairwise(scaledFactors).map((choice, index) => {
  const { momentum, nesterov, clip } = choice
  const random = new Random(18000 + index)
  const [Q, R] = choice.split === 'one arena' ? [0, 512] : [192, 320]
  const segments = [
    [0, 64],
    [100, 92],
    [192, 7],
    [208, 200],
  ] as const
  const state = STATES[choice.scaler]
  const scale = state === undefined ? 1 : 'scale' in state ? state.scale : choice.scale
  const weights = random.normals([Q + R])
  // Gradients as large as the loss scale makes them; near 1 where that is out of any type's range.
  const size = scale > 2 ** 20 || scale < 2 ** -20 ? 1 : scale
  const weightGradients = random.normals([Math.max(Q, 1)], size)
  const gradients = random.normals([R], size)
  const norm =
    Math.hypot(
      ...segments.flatMap(([offset, length]) =>
        Array.from({ length }, (_, i) => (offset + i < Q ? weightGradients.data[offset + i]! : gradients.data[offset + i - Q]!)),
      ),
    ) / scale
  return {
    name: `momentum ${momentum}${nesterov ? ', Nesterov' : ''}, clipping ${clip}, ${choice.split}, scaler ${choice.scaler} ${scale}, interval ${choice.growthInterval}`,
    inputs: present({
      weights,
      gradients,
      weightGradients: Q > 0 && weightGradients,
      velocity: random.normals([Q + R], 0.5),
      copies: choice.split === 'two arenas and copies' && valuesOf([Q], (i) => weights.data[i]! + 1),
      scaler: state && scaler({ ...state, scale, squares: norm ** 2 }),
    }),
    outputs: {},
    attributes: {
      momentum,
      nesterov,
      ...(clip !== 'none' && { clipNorm: clip === 'acts' ? norm / 3 : norm * 3 }),
      ...(state && { growthInterval: choice.growthInterval }),
      offsets: segments.map(([offset]) => offset),
      lengths: segments.map(([, length]) => length),
      decays: [0.01, 0, 0.01, 0],
      rates: [1, 0.5, 2, 1],
    },
    step: { learningRate: 0.1 },
  }
})

function statement(operation: OperationCase): Results {
  const [weights, velocity] = ['weights', 'velocity'].map((operand) => given(operation, operand))
  const [offsets, lengths, decays, rates] = ['offsets', 'lengths', 'decays', 'rates'].map((attribute) => operation.attributes[attribute] as number[])
  const raw = gradientOf(operation)
  const before = maybe(operation, 'scaler')
  const state = before === undefined ? undefined : stateOf(before)
  const scale = state?.scale ?? 1
  const segmentOf = segmentFinder(offsets!, lengths!)
  const clip = clippedBy(operation)
  const momentum = number(operation, 'momentum', 0)
  const still = (index: number): boolean => state?.overflow === 1 || segmentOf(index) < 0
  const gradient = (index: number): number => (clip * raw(index)) / scale + decays![segmentOf(index)]! * weights!.data[index]!
  const newVelocity = valuesOf(velocity!.shape, (index) => (still(index) ? velocity!.data[index]! : momentum * velocity!.data[index]! + gradient(index)))
  const newWeights = valuesOf(weights!.shape, (index) => {
    if (still(index)) return weights!.data[index]!
    const along = flag(operation, 'nesterov') ? gradient(index) + momentum * newVelocity.data[index]! : newVelocity.data[index]!
    return weights!.data[index]! - operation.step!.learningRate! * rates![segmentOf(index)]! * along
  })
  return { velocity: newVelocity, weights: newWeights, ...besideWeights(operation, newWeights) }
}

judge('sgd', { cases: [...cases, ...scaled], statement })

for (const executor of everyone) {
  test(`sgd: clipping gradients that are all zero changes nothing: ${executor.name}`, async (t) => {
    const results = await runOperation(executor, 'sgd', {
      inputs: { weights: valuesOf([16], () => 1.5), gradients: valuesOf([16]), velocity: valuesOf([16]) },
      outputs: {},
      attributes: { clipNorm: 1, offsets: [0], lengths: [16], decays: [0], rates: [1] },
      step: { learningRate: 0.1 },
    })
    t.deepEqual([...results['weights']!.data], Array(16).fill(1.5))
  })
}
