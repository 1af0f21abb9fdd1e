/** Cases and the statement of adamw and lamb, which differ in how they go along the same direction. */
import { besideWeights, clippedBy, gradientOf, laidOut, scaledCases, segmentFinder, stateOf } from './gradients.js'
import { given, maybe, number, type NamedCase } from './judge.js'
import type { OperationCase, Results } from './operation.js'
import { pairwise } from './pairwise.js'
import { Random } from './random.js'
import { valuesOf, type Values } from './values.js'

const factors = {
  beta1: [0.9, 0],
  beta2: [0.999, 0.95],
  epsilon: [1e-8, 1e-3],
  clip: ['none', 'acts'],
  decay: [0.02, 0],
  index: [0, 1, 999],
  learningRate: [0.1, 0.01],
  /** Between the segments lies what none covers. */
  lengths: [[5], [16, 1, 33], [1, 100, 7], [20_000, 40]],
} as const

const plain = (seed: number): NamedCase[] =>
  pairwise(factors).map(({ clip, decay, index, learningRate, lengths, ...attributes }, entry) => {
    const random = new Random(seed + entry)
    const { offsets, total } = laidOut(lengths)
    const { beta1, beta2, epsilon } = attributes
    return {
      name: `betas ${beta1} and ${beta2}, epsilon ${epsilon}, clipping ${clip}, decay ${decay}, step ${index}, segments of ${lengths.join()}`,
      inputs: { weights: random.normals([total]), gradients: random.normals([total]), ...momentsOf(random, total) },
      outputs: {},
      attributes: {
        ...attributes,
        ...(clip === 'acts' && { clipNorm: 0.5 }),
        offsets,
        lengths: [...lengths],
        decays: lengths.map((_, segment) => (segment % 2 === 0 ? decay : 0)),
        rates: lengths.map((_, segment) => 1 / (segment + 1)),
      },
      step: { learningRate, index },
    }
  })

function momentsOf(random: Random, total: number): Record<'firstMoment' | 'secondMoment', Values> {
  const second = random.normals([total], 0.5)
  return { firstMoment: random.normals([total], 0.5), secondMoment: valuesOf([total], (i) => second.data[i]! ** 2) }
}

export const momentsCases = (seed: number): NamedCase[] => [
  ...plain(seed),
  ...scaledCases({ seed: seed + 500, kept: momentsOf, step: { learningRate: 0.1, index: 9 } }),
]

interface Along {
  /** Weights of the segment, and Adam's direction of each element. */
  readonly weights: readonly number[]
  readonly directions: readonly number[]
  readonly decay: number
  readonly rate: number
}

/** `step`: the weights of one segment after the step. */
export function momentsStatement(operation: OperationCase, defaultEpsilon: number, step: (along: Along) => number[]): Results {
  const [weights, first, second] = ['weights', 'firstMoment', 'secondMoment'].map((operand) => given(operation, operand)) as [Values, Values, Values]
  const [offsets, lengths, decays, rates] = ['offsets', 'lengths', 'decays', 'rates'].map((attribute) => operation.attributes[attribute] as number[])
  const before = maybe(operation, 'scaler')
  const state = before === undefined ? undefined : stateOf(before)
  const segmentOf = segmentFinder(offsets!, lengths!)
  const still = (index: number): boolean => state?.overflow === 1 || segmentOf(index) < 0
  const [beta1, beta2] = [number(operation, 'beta1', 0.9), number(operation, 'beta2', 0.999)]
  const raw = gradientOf(operation)
  const factor = clippedBy(operation) / (state?.scale ?? 1)
  const averaged = ({ shape, data }: Values, beta: number, power: number): Values =>
    valuesOf(shape, (i) => (still(i) ? data[i]! : data[i]! + (1 - beta) * ((factor * raw(i)) ** power - data[i]!)))
  const [newFirst, newSecond] = [averaged(first, beta1, 1), averaged(second, beta2, 2)]
  const done = (operation.step?.index ?? 0) + 1 - (state?.skipped ?? 0)
  const epsilon = number(operation, 'epsilon', defaultEpsilon)
  const newWeights = valuesOf(weights.shape, (i) => weights.data[i]!)
  offsets!.forEach((offset, segment) => {
    if (still(offset)) return
    const indices = Array.from({ length: lengths![segment]! }, (_, i) => offset + i)
    const stepped = step({
      weights: indices.map((i) => weights.data[i]!),
      directions: indices.map((i) => newFirst.data[i]! / (1 - beta1 ** done) / (Math.sqrt(newSecond.data[i]! / (1 - beta2 ** done)) + epsilon)),
      decay: decays![segment]!,
      rate: rates![segment]! * operation.step!.learningRate!,
    })
    indices.forEach((i, place) => (newWeights.data[i] = stepped[place]!))
  })
  return { firstMoment: newFirst, secondMoment: newSecond, weights: newWeights, ...besideWeights(operation, newWeights) }
}
