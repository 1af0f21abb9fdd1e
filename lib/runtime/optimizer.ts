/** What an optimizer is to a session: plain data, turned into settings for every parameter of a graph. */
import type { UpdateOptions } from '../compiler/options.js'
import type { Graph } from '../graph/graph.js'
import { PreresnetError } from '../errors.js'
import { fields, invalid } from '../options/values.js'
import { matches, select } from './patterns.js'

export interface SgdOptimizer {
  readonly kind: 'sgd'
  readonly momentum: number
  readonly nesterov: boolean
  readonly weightDecay: number
  /** 'norm-and-bias': no decay for norms and biases. */
  readonly excludeFromDecay: 'none' | 'norm-and-bias'
  readonly groups: readonly ParameterGroup[]
  /** 0: none. */
  readonly clipNorm: number
}

/** Settings of some parameters; the first group that matches a parameter counts. */
export interface ParameterGroup {
  /** A parameter's name, a path above it, or a pattern with `*`. */
  readonly match: string
  /** @default the optimizer's, exclusions included */
  readonly weightDecay?: number
  /** Factor on the step's learning rate. @default 1 */
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
