import test from 'ava'
import { judged, reference } from '../support/executors.js'
import { flag, given, judge, number, type NamedCase } from '../support/judge.js'
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
  lengths: [[5], [16, 1, 33], [1, 100, 7]],
} as const

const cases: NamedCase[] = pairwise(factors).map(({ momentum, nesterov, clip, decay, learningRate, lengths }, index) => {
  const random = new Random(17000 + index)
  const offsets = lengths.map((_, segment) => lengths.slice(0, segment).reduce<number>((sum, length) => sum + length + 3, 16))
  const total = offsets.at(-1)! + lengths.at(-1)! + 4
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

function statement(operation: OperationCase): Results {
  const [weights, gradients, velocity] = ['weights', 'gradients', 'velocity'].map((operand) => given(operation, operand))
  const [offsets, lengths, decays, rates] = ['offsets', 'lengths', 'decays', 'rates'].map((attribute) => operation.attributes[attribute] as number[])
  const segmentOf = (index: number): number => offsets!.findIndex((offset, segment) => index >= offset && index < offset + lengths![segment]!)
  const norm = Math.sqrt(gradients!.data.reduce((sum, value, index) => sum + (segmentOf(index) < 0 ? 0 : value * value), 0))
  const clipNorm = number(operation, 'clipNorm', 0)
  const clip = clipNorm === 0 ? 1 : Math.min(1, clipNorm / norm)
  const momentum = number(operation, 'momentum', 0)
  const gradient = (index: number): number => clip * gradients!.data[index]! + decays![segmentOf(index)]! * weights!.data[index]!
  const newVelocity = valuesOf(velocity!.shape, (index) =>
    segmentOf(index) < 0 ? velocity!.data[index]! : momentum * velocity!.data[index]! + gradient(index),
  )
  return {
    velocity: newVelocity,
    weights: valuesOf(weights!.shape, (index) => {
      if (segmentOf(index) < 0) return weights!.data[index]!
      const along = flag(operation, 'nesterov') ? gradient(index) + momentum * newVelocity.data[index]! : newVelocity.data[index]!
      return weights!.data[index]! - operation.step!.learningRate! * rates![segmentOf(index)]! * along
    }),
  }
}

judge('sgd', { cases, statement })

for (const executor of [reference, ...judged]) {
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
