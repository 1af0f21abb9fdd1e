import { judge } from '../support/judge.js'
import { momentsCases, momentsStatement } from '../support/moments.js'

judge('adamw', {
  cases: momentsCases(41_000),
  statement: (operation) =>
    momentsStatement(operation, 1e-8, ({ weights, directions, decay, rate }) =>
      weights.map((weight, i) => weight - rate * decay * weight - rate * directions[i]!),
    ),
})
