/** What an optimizer is to a session: plain data, turned into settings for every parameter of a graph. */
import type { UpdateOptions } from '../compiler/options.js'
import type { Graph } from '../graph/graph.js'
import { PreresnetError } from '../errors.js'
import { fields, invalid } from '../options/values.js'
import { matches, select } from './patterns.js'

/** Stochastic gradient descent with these settings is what `sgd` makes. */
export interface SgdOptimizer {
  readonly kind: 'sgd'
  /** The momentum is a factor from 0 to 1. */
  readonly momentum: number
  /** Whether the momentum is Nesterov's. */
  readonly nesterov: boolean
  /** The weight decay is a factor of at least 0. */
  readonly weightDecay: number
  /** With 'norm-and-bias', norms and biases do not decay. */
  readonly excludeFromDecay: 'none' | 'norm-and-bias'
  /** Some parameters have settings of their own; the first group that matches counts. */
  readonly groups: readonly ParameterGroup[]
  /** The largest norm of all gradients together is at least 0; 0 is any. */
  readonly clipNorm: number
}

/** Some parameters have these settings; the first group that matches a parameter counts. */
export interface ParameterGroup {
  /** The group has parameters of this name, those below this path, or those of this pattern with `*`. */
  readonly match: string
  /** The weight decay is a factor of at least 0. @default the optimizer's, exclusions included */
  readonly weightDecay?: number
  /** The step's learning rate is multiplied by this factor of at least 0. @default 1 */
  readonly rate?: number
}

/** What `sgd` makes; its values are checked there. */
export function checkOptimizer(where: string, value: unknown): SgdOptimizer {
  const { kind, groups, momentum } = fields(value)
  if (kind !== 'sgd' || !Array.isArray(groups) || typeof momentum !== 'number') throw invalid(where, 'an optimizer, such as sgd()', value)
  return value as SgdOptimizer
}

/** `frozen`: patterns of parameters that are not trained. */
export function updateOptions(graph: Graph, optimizer: SgdOptimizer, frozen: readonly string[]): UpdateOptions {
  const names = graph.parameters.map(({ name }) => name)
  const still = select('frozen', frozen, names)
  optimizer.groups.forEach(({ match }, index) => select(`optimizer.groups[${index}].match`, [match], names))
  const settings: Record<string, { decay: number; rate: number }> = {}
  for (const { name, role } of graph.parameters) {
    if (still.has(name)) continue
    const group = optimizer.groups.find(({ match }) => matches(match, name))
    const excluded = optimizer.excludeFromDecay === 'norm-and-bias' && role !== 'weight'
    settings[name] = { decay: group?.weightDecay ?? (excluded ? 0 : optimizer.weightDecay), rate: group?.rate ?? 1 }
  }
  if (Object.keys(settings).length === 0) throw new PreresnetError('ERR_OPTION', 'frozen: every parameter is frozen; nothing is left to train')
  const { momentum, nesterov, clipNorm } = optimizer
  return { momentum, nesterov, clipNorm, settings }
}
