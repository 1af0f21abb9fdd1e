import { invalid, knownKeys, number, string } from '../options/values.js'
import { checkOptions, withDefaults } from '../options/check.js'
import { valueOption, type Given, type RunTable } from '../options/spec.js'
import { sgdOptions } from '../options/optimizers.js'
import type { ParameterGroup, SgdOptimizer } from '../runtime/optimizer.js'

/** Those that are values of this room. */
export const ownSgdOptions = {
  /** Settings of some parameters; the first group that matches a parameter counts. Give a list of groups. @default [] */
  groups: valueOption<readonly ParameterGroup[]>()({
    group: 'Optimizer',
    help: 'settings of some parameters; the first group that matches a parameter counts',
    accepts: 'a list of groups',
    fallback: Object.freeze([]),
    decides: true,
    read(where, value) {
      if (!Array.isArray(value)) throw invalid(where, 'a list of groups', value)
      return Object.freeze(value.map((group: ParameterGroup, index) => parameterGroup(`${where}[${index}]`, group)))
    },
  }),
} satisfies RunTable

/** Everything that `sgd` takes. */
export const sgdTable: typeof sgdOptions & typeof ownSgdOptions = { ...sgdOptions, ...ownSgdOptions }

/** The options of `sgd` are these. */
export type SgdOptions = Given<typeof sgdTable>

/**
 * Makes stochastic gradient descent as PyTorch has it: g' = clip(g) + decay w; v = momentum v + g'; w = w - rate (nesterov ? g' + momentum v : v). It is plain
 * data. The defaults are the paper's (Appendix).
 * @param options - Momentum, weight decay and clipping.
 * @throws ERR_OPTION where an option is unknown or out of range.
 */
export function sgd(options: SgdOptions = {}): SgdOptimizer {
  const values = withDefaults(sgdTable, checkOptions('sgd', sgdTable, options))
  if (values.nesterov && values.momentum === 0) throw invalid('sgd: momentum', 'more than 0 for nesterov', values.momentum)
  return Object.freeze({ kind: 'sgd', ...values })
}

function parameterGroup(where: string, group: ParameterGroup): ParameterGroup {
  knownKeys(where, group, ['match', 'weightDecay', 'rate'])
  return Object.freeze({
    match: string(`${where}.match`, group.match),
    ...(group.weightDecay !== undefined && { weightDecay: number(`${where}.weightDecay`, group.weightDecay, 0) }),
    ...(group.rate !== undefined && { rate: number(`${where}.rate`, group.rate, 0) }),
  })
}
