import test from 'ava'
import { everyone } from '../support/executors.js'
import { judge } from '../support/judge.js'
import { momentsCases, momentsStatement } from '../support/moments.js'
import { runOperation } from '../support/operation.js'
import { valuesOf } from '../support/values.js'

judge('lamb', {
  cases: momentsCases(42_000),
  statement: (operation) =>
    momentsStatement(operation, 1e-6, ({ weights, directions, decay, rate }) => {
      const whole = directions.map((direction, i) => direction + decay * weights[i]!)
      const ratio = decay === 0 ? 1 : Math.hypot(...weights) / Math.hypot(...whole)
      return weights.map((weight, i) => weight - rate * ratio * whole[i]!)
    }),
})

for (const executor of everyone) {
  test(`lamb: parameters that are all zero go by the direction as it is: ${executor.name}`, async (t) => {
    const results = await runOperation(executor, 'lamb', {
      inputs: { weights: valuesOf([16]), gradients: valuesOf([16], () => 2), firstMoment: valuesOf([16]), secondMoment: valuesOf([16]) },
      outputs: {},
      attributes: { offsets: [0], lengths: [16], decays: [0.1], rates: [1] },
      step: { learningRate: 0.5 },
    })
    for (const weight of results['weights']!.data) t.true(Math.abs(weight + 0.5) < 1e-5, String(weight))
  })
}
