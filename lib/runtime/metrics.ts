/** What steps and evaluations report. */
import { PreresnetError } from '../errors.js'
import type { RunResult } from '../native/types.js'

/** Values per step in RunResult.rows. */
const width = 6

/** What several training steps together gave. */
export interface StepMetrics {
  /** The index of the first of them is counted from 0, so it is at least 0. */
  readonly firstStep: number
  /** The number of steps is at least 1. */
  readonly steps: number
  /** The mean loss of each step is [steps]. */
  readonly losses: Float64Array
  /** The mean loss over all samples is in nats, at least 0. */
  readonly loss: number
  /** The number of samples that count is at least 0. */
  readonly samples: number
  /** The number of samples whose label was the first guess is at least 0. */
  readonly top1Hits: number
  /** The number of samples whose label was among the first five guesses is at least 0. */
  readonly top5Hits: number
  /** The share of the samples whose label was not the first guess is from 0 to 1. */
  readonly top1Error: number
  /** The share of the samples whose label was the first guess is from 0 to 1. */
  readonly top1Accuracy: number
  /** The seconds spent in the steps, waiting for data included, are at least 0. */
  readonly seconds: number
  /** Of them, the seconds spent waiting for data are at least 0. */
  readonly dataSeconds: number
  /** The number of steps whose gradients overflowed is at least 0: they changed no parameter. There are such steps only with a loss scale that adapts. */
  readonly skippedSteps: number
  /** The factor on gradients after the steps is from 2^-64 up to 2^64; it is absent where gradients are not multiplied by one. */
  readonly lossScale?: number
}

/** What an evaluation counted over a dataset. */
export interface Evaluation {
  /** The number of samples that count is at least 1. */
  readonly samples: number
  /** The number of images that could not be decoded, and do not count, is at least 0; it is 0 without `corrupt: 'skip'`. */
  readonly corruptImages: number
  /** The mean cross-entropy, with the training's label smoothing, is in nats, at least 0. */
  readonly loss: number
  /** The number of samples whose label was not the first guess is at least 0. */
  readonly top1Errors: number
  /** The number of samples whose label was not among the first five guesses is at least 0. */
  readonly top5Errors: number
  /** The share of the samples whose label was not the first guess is from 0 to 1. */
  readonly top1Error: number
  /** The share of the samples whose label was not among the first five guesses is from 0 to 1. */
  readonly top5Error: number
  /** The share of the samples whose label was the first guess is from 0 to 1. */
  readonly top1Accuracy: number
  /** The share of the samples whose label was among the first five guesses is from 0 to 1. */
  readonly top5Accuracy: number
  /** Which classes were taken for which is counted here. */
  readonly confusion: ConfusionMatrix
  /** The class guessed for each image [samples + corruptImages] is in the data's order; -1 is for those that do not count. */
  readonly predictions: Int32Array
  /** The seconds that it took, waiting for data included, are at least 0. */
  readonly seconds: number
  /** Of them, the seconds spent waiting for data are at least 0. */
  readonly dataSeconds: number
}

/** How many samples of one class were taken for another, or for themselves. */
export interface ConfusionCell {
  /** The class that the samples are labeled with is from 0 to `classes` - 1. */
  readonly label: number
  /** The class that was guessed is from 0 to `classes` - 1. */
  readonly guess: number
  /** The number of such samples is at least 1. */
  readonly count: number
}

/** Counts of the samples by their label and the class that was guessed. */
export interface ConfusionMatrix {
  /** The number of classes is at least 1. */
  readonly classes: number
  /** The number of samples is `counts[label * classes + guess]`: [classes, classes] in row-major order. Made when it is first read: 400 MB for 10,000 classes. */
  readonly counts: Int32Array
  /** The pairs of label and guess that occurred, in the order of `counts`: at most as many as there are samples, however many classes there are. */
  readonly cells: readonly ConfusionCell[]
}

/** @internal Sums over the samples that count, and how long it took. */
export interface EvaluationSums {
  readonly loss: number
  readonly samples: number
  readonly top1Hits: number
  readonly top5Hits: number
  readonly seconds: number
  readonly dataSeconds: number
}

/** @internal Sums of the rows of a run. */
export function sumRows({ rows, completed }: RunResult): EvaluationSums {
  const sums = new Float64Array(width)
  for (let step = 0; step < completed; step++) for (let column = 0; column < width; column++) sums[column]! += rows[step * width + column]!
  const [loss, samples, top1Hits, top5Hits, dataSeconds, seconds] = sums as unknown as [number, number, number, number, number, number]
  return { loss, samples, top1Hits, top5Hits, dataSeconds, seconds: seconds + dataSeconds }
}

/** @internal */
export function stepMetrics(firstStep: number, result: RunResult): Omit<StepMetrics, 'skippedSteps' | 'lossScale'> {
  const { loss, ...sums } = sumRows(result)
  const losses = Float64Array.from({ length: result.completed }, (_, step) => result.rows[step * width]! / result.rows[step * width + 1]!)
  return { ...sums, firstStep, steps: result.completed, losses, loss: loss / sums.samples, ...top1Shares(sums.samples, sums.top1Hits) }
}

/** @internal */
export function top1Shares(samples: number, hits: number): { top1Error: number; top1Accuracy: number } {
  return { top1Error: (samples - hits) / samples, top1Accuracy: hits / samples }
}

/** @internal The first `images` labels and predictions are of images; what stands behind them is padding. An image with a negative label does not count. */
export function evaluationOfSums(name: string, images: number, sums: EvaluationSums, labels: Int32Array, predictions: Int32Array, classes: number): Evaluation {
  const { loss, samples, top1Hits, top5Hits, seconds, dataSeconds } = sums
  if (samples === 0) throw new PreresnetError('ERR_DATASET', `evaluate: ${name}: expected images, got ${images} samples of which none can be decoded`)
  return {
    samples,
    corruptImages: images - samples,
    loss: loss / samples,
    top1Errors: samples - top1Hits,
    top5Errors: samples - top5Hits,
    ...top1Shares(samples, top1Hits),
    top5Error: (samples - top5Hits) / samples,
    top5Accuracy: top5Hits / samples,
    confusion: confusionMatrix(labels, predictions, classes),
    predictions: predictions.subarray(0, images).map((prediction, index) => (labels[index]! >= 0 ? prediction : -1)),
    seconds,
    dataSeconds,
  }
}

/** @internal Samples with a negative label are padding and do not count. */
export function confusionMatrix(labels: Int32Array, predictions: Int32Array, classes: number): ConfusionMatrix {
  const found = new Map<number, number>()
  for (let index = 0; index < labels.length; index++) {
    const label = labels[index]!
    if (label < 0) continue
    const at = label * classes + predictions[index]!
    found.set(at, (found.get(at) ?? 0) + 1)
  }
  const cells = [...found].sort(([a], [b]) => a - b).map(([at, count]) => ({ label: Math.floor(at / classes), guess: at % classes, count }))
  let counts: Int32Array | undefined
  return {
    classes,
    get counts() {
      if (counts === undefined) {
        counts = new Int32Array(classes * classes)
        for (const { label, guess, count } of cells) counts[label * classes + guess] = count
      }
      return counts
    },
    cells,
  }
}
