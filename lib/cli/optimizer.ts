/** The optimizer on the command line; without flags the paper's. */
import { PreresnetError } from '../errors.js'
import { choiceOption, flagOption, type Table, type ValuesOf, variant } from '../options/spec.js'
import { adamWOptions, lambOptions, larsOptions, sgdOptions } from '../options/optimizers.js'
import { describe } from '../options/values.js'
import { adamW, lamb, lars } from '../training/optimizers.js'
import { sgd } from '../training/sgd.js'
import { optionName } from './config.js'
import { fromFlags } from './flags.js'

const { momentum, nesterov, weightDecay, excludeFromDecay, clipNorm } = sgdOptions
const { beta1, beta2, epsilon } = adamWOptions
const { trustCoefficient } = larsOptions

export const optimizerOptions = {
  optimizer: choiceOption({ group: 'Optimizer', help: 'what updates the parameters', choices: ['sgd', 'adamw', 'lamb', 'lars'], fallback: 'sgd' }),
  momentum: variant(momentum, { help: 'momentum of sgd and lars', fallback: undefined, usual: String(momentum.fallback) }),
  nesterov: flagOption({ group: 'Optimizer', help: nesterov.help, usual: String(nesterov.fallback) }),
  beta1: variant(beta1, { help: `${beta1.help}, of adamw and lamb`, fallback: undefined, usual: String(beta1.fallback) }),
  beta2: variant(beta2, { help: `${beta2.help}, of adamw and lamb`, fallback: undefined, usual: String(beta2.fallback) }),
  epsilon: variant(epsilon, {
    help: `${epsilon.help}, of adamw and lamb`,
    fallback: undefined,
    usual: `${epsilon.fallback}; ${lambOptions.epsilon.fallback} of lamb`,
  }),
  trustCoefficient: variant(trustCoefficient, { help: `${trustCoefficient.help}, of lars`, fallback: undefined, usual: String(trustCoefficient.fallback) }),
  weightDecay: variant(weightDecay, { fallback: undefined, usual: `${weightDecay.fallback}; ${adamWOptions.weightDecay.fallback} of adamw and lamb` }),
  excludeFromDecay: variant(excludeFromDecay, { fallback: undefined, usual: `${excludeFromDecay.fallback}; ${larsOptions.excludeFromDecay.fallback} of lars` }),
  clipNorm: variant(clipNorm, { fallback: undefined, usual: `${clipNorm.fallback}; ${lambOptions.clipNorm.fallback} of lamb` }),
} satisfies Table

type Values = ValuesOf<typeof optimizerOptions>
type Flag = keyof Values
export type OptimizerName = Values['optimizer']

const makers = { sgd, adamw: adamW, lamb, lars } as const
const tables: Readonly<Record<OptimizerName, Table>> = { sgd: sgdOptions, adamw: adamWOptions, lamb: lambOptions, lars: larsOptions }

export function flagsOfOtherOptimizers(optimizer: OptimizerName): readonly Flag[] {
  return (Object.keys(optimizerOptions) as Flag[]).filter((key) => key !== 'optimizer' && !(key in tables[optimizer]))
}

export function optimizerOf(values: Values): ReturnType<(typeof makers)[OptimizerName]> {
  const { optimizer } = values
  for (const key of flagsOfOtherOptimizers(optimizer)) {
    if (values[key] === undefined) continue
    throw new PreresnetError('ERR_OPTION', `--${optionName(key)}: expected none with --optimizer ${optimizer}, got ${describe(values[key])}`)
  }
  const { optimizer: _, ...table } = optimizerOptions
  return makers[optimizer](fromFlags(table, values))
}
