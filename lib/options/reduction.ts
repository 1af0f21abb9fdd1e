/** How several ranks share what a step computes; entries of the same kind as those in table.ts. */
import { choiceOption, flagOption, integerOption, type RunTable } from './spec.js'

/** Of `compile` and `fit`, where there are several ranks. */
export const reductionOptions = {
  /**
   * Of several ranks: batch statistics over the images of all of them, as if one process had the whole batch; expects 1 for accumulate and statisticsGroups.
   * Give true or false.
   * @default false
   */
  synchronizedBatchNorm: flagOption({
    group: 'Ranks',
    help:
      'of several ranks: batch statistics over the images of all of them, as if one process had the whole batch; expects 1 for accumulate and ' +
      'statisticsGroups',
    fallback: false,
    decides: true,
  }),
  /**
   * How gradients of several ranks are added; 'ordered': by a tree, to the same bits on every machine; 'fast': by the engine as it likes, so that bits may hang
   * on its version and on where the ranks are. Give "ordered" or "fast".
   * @default ordered
   */
  reduction: choiceOption({
    group: 'Ranks',
    help:
      "how gradients of several ranks are added; 'ordered': by a tree, to the same bits on every machine; 'fast': by the engine as it likes, so that bits may " +
      'hang on its version and on where the ranks are',
    choices: ['ordered', 'fast'],
    fallback: 'ordered',
    decides: true,
  }),
  /**
   * Of several ranks: gradients go on their way as soon as so many of them are there, while the backward pass makes the others; the same bits; 0: all at its
   * end. Give an integer of at least 0 (KiB).
   * @default 0
   */
  reductionBucket: integerOption({
    group: 'Ranks',
    help:
      'of several ranks: gradients go on their way as soon as so many of them are there, while the backward pass makes the others; the same bits; 0: all at ' +
      'its end',
    unit: 'KiB',
    minimum: 0,
    fallback: 0,
    decides: false,
  }),
} satisfies RunTable
