/** What an optimizer is to a session: plain data, turned into settings for every parameter of a graph. */
import type { UpdateOptions } from '../compiler/options.js'
import type { Graph } from '../graph/graph.js'
import { PreresnetError } from '../errors.js'
import { fields, invalid } from '../options/values.js'
import { matches, select } from './patterns.js'

/** An optimizer is what `sgd`, `adamW`, `lamb` or `lars` makes. */
export type Optimizer = SgdOptimizer | LarsOptimizer | MomentsOptimizer

/** Every optimizer has these settings. */
interface CommonSettings {
  /** The weight decay is a factor of at least 0. */
  readonly weightDecay: number
  /** With 'norm-and-bias', norms and biases do not decay. */
  readonly excludeFromDecay: 'none' | 'norm-and-bias'
  /** Some parameters have settings of their own; the first group that matches counts. */
  readonly groups: readonly ParameterGroup[]
  /** The largest norm of all gradients together is at least 0; 0 is any. */
  readonly clipNorm: number
}

/** Stochastic gradient descent with these settings is what `sgd` makes. */
export interface SgdOptimizer extends CommonSettings {
  readonly kind: 'sgd'
  /** The momentum is a factor from 0 to 1. */
  readonly momentum: number
  /** Whether the momentum is Nesterov's. */
  readonly nesterov: boolean
}

/** LARS with these settings is what `lars` makes. */
export interface LarsOptimizer extends CommonSettings {
  readonly kind: 'lars'
  /** The momentum is a factor from 0 to 1. */
  readonly momentum: number
  /** The share of its own norm by which a weight moves at a learning rate of 1 is above 0. */
  readonly trustCoefficient: number
}

/** AdamW or LAMB with these settings is what `adamW` and `lamb` make. */
export interface MomentsOptimizer extends CommonSettings {
  /** The kind is the name of the function that made it. */
  readonly kind: 'adamW' | 'lamb'
  /** The factor of the moving average of gradients is from 0 to below 1. */
  readonly beta1: number
  /** The factor of the moving average of squared gradients is from 0 to below 1. */
  readonly beta2: number
  /** The value added to the root of that average is above 0. */
  readonly epsilon: number
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

/** A number that each kind has. */
const marks = { sgd: 'momentum', adamW: 'beta1', lamb: 'beta1', lars: 'trustCoefficient' } as const

/** What `sgd` and the others make; their values are checked there. */
export function checkOptimizer(where: string, value: unknown): Optimizer {
  const given = fields(value)
  const { kind, groups } = given
  const known = typeof kind === 'string' && Object.hasOwn(marks, kind) && typeof given[marks[kind as keyof typeof marks]] === 'number'
  if (!known || !Array.isArray(groups)) throw invalid(where, 'an optimizer, such as sgd()', value)
  return value as Optimizer
}

/** `frozen`: patterns of parameters that are not trained. */
export function updateOptions(graph: Graph, optimizer: Optimizer, frozen: readonly string[]): UpdateOptions {
  const names = graph.parameters.map(({ name }) => name)
  const still = select('frozen', frozen, names)
  optimizer.groups.forEach(({ match }, index) => select(`optimizer.groups[${index}].match`, [match], names))
  const settings: Record<string, UpdateOptions['settings'][string]> = {}
  for (const { name, role } of graph.parameters) {
    if (still.has(name)) continue
    const group = optimizer.groups.find(({ match }) => matches(match, name))
    const excluded = optimizer.excludeFromDecay === 'norm-and-bias' && role !== 'weight'
    // The usual exclusions: norms and biases have few values, and norms of theirs say little.
    const adapts = optimizer.kind === 'lars' && role === 'weight'
    settings[name] = {
      decay: group?.weightDecay ?? (excluded ? 0 : optimizer.weightDecay),
      rate: group?.rate ?? 1,
      ...(adapts && { coefficient: optimizer.trustCoefficient }),
    }
  }
  if (Object.keys(settings).length === 0) throw new PreresnetError('ERR_OPTION', 'frozen: every parameter is frozen; nothing is left to train')
  const { clipNorm } = optimizer
  if (optimizer.kind === 'sgd') {
    const { momentum, nesterov } = optimizer
    return { momentum, nesterov, clipNorm, settings }
  }
  if (optimizer.kind === 'lars') return { kind: 'lars', momentum: optimizer.momentum, clipNorm, settings }
  const { kind, beta1, beta2, epsilon } = optimizer
  return { kind, beta1, beta2, epsilon, clipNorm, settings }
}
