/** What steps and evaluations report. */
import type { RunResult } from '../native/types.js'

/** Values per step in RunResult.rows. */
const width = 6

/** Several training steps together. */
export interface StepMetrics {
  /** Index of the first of them, counted from 0. */
  readonly firstStep: number
  /** How many. */
  readonly steps: number
  /** Mean loss of each step. */
  readonly losses: Float64Array
  /** Mean loss over all samples. */
  readonly loss: number
  readonly samples: number
  readonly top1Hits: number
  readonly top5Hits: number
  /** Share of the samples whose label was not the first guess, 0 to 1. */
  readonly top1Error: number
  /** Share of the samples whose label was the first guess, 0 to 1. */
  readonly top1Accuracy: number
  /** Seconds spent in the steps, waiting for data included. */
  readonly seconds: number
  /** Of them, seconds spent waiting for data. */
  readonly dataSeconds: number
  /** Steps whose gradients overflowed: they changed no parameter. Only with a loss scale that adapts. */
  readonly skippedSteps: number
  /** After the steps; absent where gradients are not multiplied by one. */
  readonly lossScale?: number
}

export interface Evaluation {
  readonly samples: number
  /** Mean cross-entropy, with the training's label smoothing. */
  readonly loss: number
  /** Samples whose label was not the first guess. */
  readonly top1Errors: number
  /** Samples whose label was not among the first five guesses. */
  readonly top5Errors: number
  /** Share of the samples whose label was not the first guess, 0 to 1. */
  readonly top1Error: number
  /** Share of the samples whose label was not among the first five guesses, 0 to 1. */
  readonly top5Error: number
  /** Share of the samples whose label was the first guess, 0 to 1. */
  readonly top1Accuracy: number
  /** Share of the samples whose label was among the first five guesses, 0 to 1. */
  readonly top5Accuracy: number
  readonly confusion: ConfusionMatrix
  /** Class guessed for each sample, in the data's order. */
  readonly predictions: Int32Array
  readonly seconds: number
}

export interface ConfusionMatrix {
  readonly classes: number
  /** `counts[label * classes + guess]`. */
  readonly counts: Int32Array
}

/** @internal Sums of the rows of a run. */
export function sumRows({ rows, completed }: RunResult): {
  loss: number
  samples: number
  top1Hits: number
  top5Hits: number
  dataSeconds: number
  seconds: number
} {
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

/** @internal Samples with a negative label are padding and do not count. */
export function confusionMatrix(labels: Int32Array, predictions: Int32Array, classes: number): ConfusionMatrix {
  const counts = new Int32Array(classes * classes)
  for (let index = 0; index < labels.length; index++) {
    const label = labels[index]!
    if (label >= 0) counts[label * classes + predictions[index]!]! += 1
  }
  return { classes, counts }
}
