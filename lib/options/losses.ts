/** The plain options of what training minimizes, and of what it compares with; entries of the same kind as those in table.ts. */
import { choiceOption, numberOption, numbersOrWordOption, type RunTable } from './spec.js'

const largestAlpha = 1000

/** Of training, in `compile` and `fit`. */
export const lossOptions = {
  /** Share of the target spread over all classes. Give a number from 0 to 1 (share). @default 0 */
  labelSmoothing: numberOption({
    group: 'Training',
    help: 'share of the target spread over all classes',
    unit: 'share',
    minimum: 0,
    maximum: 1,
    fallback: 0,
    decides: true,
  }),
  /**
   * Loss of training; 'binary-cross-entropy' asks of every class by itself whether it is the image's; evaluation reports the cross-entropy with either. Give
   * "cross-entropy" or "binary-cross-entropy".
   * @default cross-entropy
   */
  loss: choiceOption({
    group: 'Training',
    help: "loss of training; 'binary-cross-entropy' asks of every class by itself whether it is the image's; evaluation reports the cross-entropy with either",
    choices: ['cross-entropy', 'binary-cross-entropy'],
    fallback: 'cross-entropy',
    decides: true,
  }),
  /**
   * Of binary-cross-entropy: targets above it become 1 and the others 0. Give a number of at least 0 and below 1 (share).
   * @default targets are taken as they are
   */
  targetThreshold: numberOption({
    group: 'Training',
    help: 'of binary-cross-entropy: targets above it become 1 and the others 0',
    unit: 'share',
    minimum: 0,
    maximum: 1,
    below: true,
    usual: 'targets are taken as they are',
    decides: true,
  }),
  /**
   * Weights [classes] of the classes in the loss of training, in their order; cross-entropy is divided by the weights of the labels (beside mixup, cutmix and
   * soft targets by the number of images), binary-cross-entropy by the number of images and classes; balanced: images / (classes x images of the class). Give
   * "balanced" or an array of numbers above 0 (weight).
   * @default 1 for each
   */
  classWeights: numbersOrWordOption({
    group: 'Training',
    help:
      'weights [classes] of the classes in the loss of training, in their order; cross-entropy is divided by the weights of the labels (beside mixup, cutmix and ' +
      'soft targets by the number of images), binary-cross-entropy by the number of images and classes; balanced: images / (classes x images of the class)',
    unit: 'weight',
    word: 'balanced',
    minimum: 0,
    above: true,
    fallback: [],
    usual: '1 for each',
    decides: true,
  }),
  /**
   * Both parameters of the Beta distribution of the share that an image keeps, to which another image of its group of statistics is added, and their labels so
   * too; 0: none; with cutmix beside, each group has one of both. Give a number from 0 to 1000 (alpha).
   * @default 0
   */
  mixup: numberOption({
    group: 'Training',
    help:
      'both parameters of the Beta distribution of the share that an image keeps, to which another image of its group of statistics is added, and their labels so ' +
      'too; 0: none; with cutmix beside, each group has one of both',
    unit: 'alpha',
    minimum: 0,
    maximum: largestAlpha,
    fallback: 0,
    decides: true,
  }),
  /**
   * The same for the share of the area that an image keeps, outside of a box that is cut out of another image of its group of statistics; labels are mixed by
   * area; 0: none. Give a number from 0 to 1000 (alpha).
   * @default 0
   */
  cutmix: numberOption({
    group: 'Training',
    help:
      'the same for the share of the area that an image keeps, outside of a box that is cut out of another image of its group of statistics; labels are mixed by ' +
      'area; 0: none',
    unit: 'alpha',
    minimum: 0,
    maximum: largestAlpha,
    fallback: 0,
    decides: true,
  }),
} satisfies RunTable
