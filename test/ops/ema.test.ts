import { present } from '../support/case.js'
import { scaler, stateOf, STATES } from '../support/gradients.js'
import { given, judge, maybe, number, type NamedCase } from '../support/judge.js'
import type { OperationCase, Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { valuesOf, type Values } from '../support/values.js'

const factors = {
  decay: [0.9, 0, 0.9999],
  every: [1, 4],
  after: [0, 7],
  index: [0, 7, 8, 9, 12],
  statistics: [true, false],
  scaler: ['none', 'scaled', 'overflow'],
  /** Several pieces of any thread, and an end within a vector. */
  length: [5, 70_003],
} as const

const cases: NamedCase[] = pairwise(factors).map(({ decay, every, after, index, length, ...choice }, entry) => {
  const random = new Random(44_000 + entry)
  const state = STATES[choice.scaler]
  return {
    name: `decay ${decay}, every ${every}, after ${after}, step ${index}, ${choice.statistics ? 'with' : 'without'} statistics, scaler ${choice.scaler}, ${length} values`,
    inputs: present({
      weights: random.normals([length]),
      averages: random.normals([length]),
      statistics: choice.statistics && random.normals([33]),
      averagedStatistics: choice.statistics && random.normals([33]),
      // As if no step had been skipped but where one overflows.
      scaler: state && scaler({ ...state, skipped: choice.scaler === 'overflow' ? 0 : 1 }),
    }),
    outputs: {},
    attributes: { decay, every, after },
    step: { index: index + (choice.scaler === 'scaled' ? 1 : 0) },
  }
})

function statement(operation: OperationCase): Results {
  const state = maybe(operation, 'scaler')
  const { skipped = 0, overflow = 0 } = state === undefined ? {} : stateOf(state)
  const step = operation.step!.index! - skipped
  const share = step <= number(operation, 'after', 0) ? 1 : step % number(operation, 'every', 1) === 0 ? 1 - number(operation, 'decay', 0) : 0
  const followed = (average: Values, value: Values): Values =>
    valuesOf(average.shape, (i) => (overflow === 1 ? average.data[i]! : share * value.data[i]! + (1 - share) * average.data[i]!))
  const statistics = maybe(operation, 'statistics')
  return present({
    averages: followed(given(operation, 'averages'), given(operation, 'weights')),
    averagedStatistics: statistics && followed(given(operation, 'averagedStatistics'), statistics),
  })
}

judge('ema', { cases, statement })
