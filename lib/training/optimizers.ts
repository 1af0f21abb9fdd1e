/** Optimizers beside `sgd`, and how any of them is read. */
import { checkOptions, pick, withDefaults } from '../options/check.js'
import type { Given } from '../options/spec.js'
import { adamWOptions, lambOptions, larsOptions } from '../options/optimizers.js'
import { checkOptimizer, type LarsOptimizer, type MomentsOptimizer, type Optimizer } from '../runtime/optimizer.js'
import { ownSgdOptions, sgd, sgdTable } from './sgd.js'

/** Everything that `adamW` takes. */
export const adamWTable: typeof adamWOptions & typeof ownSgdOptions = { ...adamWOptions, ...ownSgdOptions }
/** Everything that `lamb` takes. */
export const lambTable: typeof lambOptions & typeof ownSgdOptions = { ...lambOptions, ...ownSgdOptions }
/** Everything that `lars` takes. */
export const larsTable: typeof larsOptions & typeof ownSgdOptions = { ...larsOptions, ...ownSgdOptions }

/** The options of `adamW` are these. */
export type AdamWOptions = Given<typeof adamWTable>
/** The options of `lamb` are these. */
export type LambOptions = Given<typeof lambTable>
/** The options of `lars` are these. */
export type LarsOptions = Given<typeof larsTable>

/**
 * Makes AdamW (Loshchilov and Hutter, 2017) as PyTorch has it, with both moments corrected for their start at 0. It is plain data. A step that a loss scale
 * skips counts for nothing.
 * @param options - Factors of the moments, weight decay and clipping.
 * @throws ERR_OPTION where an option is unknown or out of range.
 */
export function adamW(options: AdamWOptions = {}): MomentsOptimizer {
  return Object.freeze({ kind: 'adamW', ...withDefaults(adamWTable, checkOptions('adamW', adamWTable, options)) })
}

/**
 * Makes LAMB (You and others, 2019) as timm has it: AdamW's direction plus the decayed weights, for each decaying parameter scaled to the norm of the parameter
 * itself. It is plain data.
 * @param options - Factors of the moments, weight decay and clipping.
 * @throws ERR_OPTION where an option is unknown or out of range.
 */
export function lamb(options: LambOptions = {}): MomentsOptimizer {
  return Object.freeze({ kind: 'lamb', ...withDefaults(lambTable, checkOptions('lamb', lambTable, options)) })
}

/**
 * Makes LARS (You, Gitman and Ginsburg, 2017, algorithm 1), for large batches: v = momentum v + rate ratio (clip(g) + decay w); w = w - v, where for each weight
 * ratio = trustCoefficient |w| / (|g| + decay |w|). Norms and biases have a ratio of 1, and so has a weight that is all zero. It is plain data.
 * @param options - Momentum, trust coefficient, weight decay and clipping.
 * @throws ERR_OPTION where an option is unknown or out of range.
 */
export function lars(options: LarsOptions = {}): LarsOptimizer {
  return Object.freeze({ kind: 'lars', ...withDefaults(larsTable, checkOptions('lars', larsTable, options)) })
}

/** Checked once more by the function of its kind: plain data may come from anywhere. */
export function readOptimizer(where: string, value: unknown): Optimizer {
  const { kind, ...options } = checkOptimizer(where, value)
  switch (kind) {
    case 'sgd':
      return sgd(pick(sgdTable, options))
    case 'adamW':
      return adamW(pick(adamWTable, options))
    case 'lamb':
      return lamb(pick(lambTable, options))
    case 'lars':
      return lars(pick(larsTable, options))
  }
}
