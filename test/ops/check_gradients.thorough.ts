import { present } from '../support/case.js'
import { gradientOf, scaler, stateOf } from '../support/gradients.js'
import { given, judge, type NamedCase } from '../support/judge.js'
import type { OperationCase, Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'

/** Segments of [0, Q) and of [Q, P), with gaps that nobody looks at. */
const factors = {
  weights: ['none', 'some', 'many'],
  bad: ['none', 'infinite', 'NaN', 'in a gap'],
  where: ['weights', 'rest'],
  scale: [1, 1024, 2 ** -3],
  before: ['good', 'overflow'],
} as const

const GAPS = { none: [], some: [10, 180, 300], many: [9_010, 20_000] } as const
const SEGMENTS = {
  none: [],
  some: [
    [64, 100],
    [192, 64],
  ],
  many: [
    [0, 9_000],
    [9_024, 10_944],
  ],
} as const
const LENGTHS = { none: 0, some: 320, many: 20_032 } as const
const R = 80

const cases: NamedCase[] = pairwise(factors).map((choice, index) => {
  const random = new Random(26000 + index)
  const Q = LENGTHS[choice.weights]
  const segments = [...SEGMENTS[choice.weights], [Q + 16, 5], [Q + 32, 33]] as const
  const weightGradients = random.normals([Math.max(Q, 1)], 0.5)
  const gradients = random.normals([R], 0.5)
  const inWeights = choice.where === 'weights' && Q > 0
  const { data } = inWeights ? weightGradients : gradients
  const value = choice.bad === 'NaN' ? NaN : -Infinity
  if (choice.bad === 'in a gap') for (const position of inWeights ? GAPS[choice.weights] : [0, 25, 70]) data[position] = value
  else if (choice.bad !== 'none') data[inWeights ? segments[1][0] + 7 : 20] = value
  return {
    name: `${Q} + ${R}, ${choice.bad} bad${choice.bad === 'none' ? '' : ` (${choice.where})`}, scale ${choice.scale}, before ${choice.before}`,
    inputs: present({
      weightGradients: Q > 0 && weightGradients,
      gradients,
      scaler: scaler({ scale: choice.scale, goodSteps: 5, overflow: choice.before === 'overflow' ? 1 : 0, skipped: 2, squares: 99 }),
    }),
    outputs: {},
    attributes: { offsets: segments.map(([offset]) => offset), lengths: segments.map(([, length]) => length) },
  }
})

function statement(operation: OperationCase): Results {
  const { offsets, lengths } = operation.attributes as { offsets: number[]; lengths: number[] }
  const gradient = gradientOf(operation)
  const seen = offsets.flatMap((offset, segment) => Array.from({ length: lengths[segment]! }, (_, index) => gradient(offset + index)))
  const before = stateOf(given(operation, 'scaler'))
  const squares = seen.reduce((sum, value) => sum + value ** 2, 0) / before.scale ** 2
  return { scaler: scaler({ ...before, overflow: seen.every(Number.isFinite) ? 0 : 1, squares }) }
}

judge('check_gradients', { cases, statement })
