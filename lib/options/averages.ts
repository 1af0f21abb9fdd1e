/** The plain options of moving averages; entries of the same kind as those in table.ts. */
import { integerOption, numberOption, type RunTable } from './spec.js'

/** `ema` of `compile` and `fit`. */
export const emaOptions = {
  /**
   * Share of the old value that the moving averages of parameters and running statistics keep when they are updated. Give a number of at least 0 and below 1
   * (share).
   */
  decay: numberOption({
    group: 'Training',
    help: 'share of the old value that the moving averages of parameters and running statistics keep when they are updated',
    unit: 'share',
    minimum: 0,
    maximum: 1,
    below: true,
    required: true,
    flag: 'emaDecay',
    decides: true,
  }),
  /** Steps between two updates of the moving averages. Give an integer of at least 1 (steps). @default 1 */
  every: integerOption({
    group: 'Training',
    help: 'steps between two updates of the moving averages',
    unit: 'steps',
    minimum: 1,
    fallback: 1,
    flag: 'emaEvery',
    decides: true,
  }),
  /** Step, counted from 0, up to which the moving averages are copies of what is trained. Give an integer of at least 0 (step). @default 0 */
  after: integerOption({
    group: 'Training',
    help: 'step, counted from 0, up to which the moving averages are copies of what is trained',
    unit: 'step',
    minimum: 0,
    fallback: 0,
    flag: 'emaAfter',
    decides: true,
  }),
} satisfies RunTable
