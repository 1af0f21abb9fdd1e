import { invalid, knownKeys, number, boolean, oneOf, string } from '../options.js'
import type { ParameterGroup, SgdOptimizer } from '../runtime/optimizer.js'

export interface SgdOptions {
  /** @default 0.9 */
  readonly momentum?: number
  /** @default false */
  readonly nesterov?: boolean
  /** @default 1e-4 */
  readonly weightDecay?: number
  /** 'norm-and-bias': no decay for norms and biases. @default 'none' */
  readonly excludeFromDecay?: 'none' | 'norm-and-bias'
  /** Settings of some parameters; the first group that matches a parameter counts. @default [] */
  readonly groups?: readonly ParameterGroup[]
  /** Scales all gradients together so that their norm is at most this; before decay. 0: none. @default 0 */
  readonly clipNorm?: number
}

/**
 * Stochastic gradient descent as PyTorch has it: g' = clip(g) + decay w; v = momentum v + g'; w = w - rate (nesterov ? g' + momentum v : v).
 * Plain data. The defaults are the paper's.
 */
export function sgd(options: SgdOptions = {}): SgdOptimizer {
  knownKeys('sgd', options, ['momentum', 'nesterov', 'weightDecay', 'excludeFromDecay', 'groups', 'clipNorm'])
  const momentum = number('sgd: momentum', options.momentum ?? 0.9, 0, 1)
  const nesterov = boolean('sgd: nesterov', options.nesterov ?? false)
  if (nesterov && momentum === 0) throw invalid('sgd: momentum', 'more than 0 for nesterov', momentum)
  const groups = options.groups ?? []
  if (!Array.isArray(groups)) throw invalid('sgd: groups', 'a list of groups', groups)
  return Object.freeze({
    kind: 'sgd',
    momentum,
    nesterov,
    weightDecay: number('sgd: weightDecay', options.weightDecay ?? 1e-4, 0),
    excludeFromDecay: oneOf('sgd: excludeFromDecay', options.excludeFromDecay ?? 'none', ['none', 'norm-and-bias']),
    groups: Object.freeze(groups.map((group: ParameterGroup, index) => parameterGroup(`sgd: groups[${index}]`, group))),
    clipNorm: number('sgd: clipNorm', options.clipNorm ?? 0, 0),
  })
}

function parameterGroup(where: string, group: ParameterGroup): ParameterGroup {
  knownKeys(where, group, ['match', 'weightDecay', 'rate'])
  return Object.freeze({
    match: string(`${where}.match`, group.match),
    ...(group.weightDecay !== undefined && { weightDecay: number(`${where}.weightDecay`, group.weightDecay, 0) }),
    ...(group.rate !== undefined && { rate: number(`${where}.rate`, group.rate, 0) }),
  })
}
