/** Optimizers beside `sgd`, and how any of them is read. */
import { checkOptions, pick, withDefaults } from '../options/check.js'
import type { Given } from '../options/spec.js'
import { adamWOptions, lambOptions } from '../options/optimizers.js'
import { checkOptimizer, type MomentsOptimizer, type Optimizer } from '../runtime/optimizer.js'
import { ownSgdOptions, sgd, sgdTable } from './sgd.js'

/** Everything that `adamW` takes. */
export const adamWTable: typeof adamWOptions & typeof ownSgdOptions = { ...adamWOptions, ...ownSgdOptions }
/** Everything that `lamb` takes. */
export const lambTable: typeof lambOptions & typeof ownSgdOptions = { ...lambOptions, ...ownSgdOptions }

/** The options of `adamW` are these. */
export type AdamWOptions = Given<typeof adamWTable>
/** The options of `lamb` are these. */
export type LambOptions = Given<typeof lambTable>

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
  }
}
