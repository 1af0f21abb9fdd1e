/** An evaluation that ranks have shared out: each counts its part of every batch, and all get the whole. */
import type { Loader } from '../data/loader.js'
import type { RunResult } from '../native/types.js'
import type { Ranks } from '../ranks/ranks.js'
import { sumRows, type EvaluationSums } from './metrics.js'

/** What one rank counted, with the labels and guesses of its images in the order of its batches. */
export interface EvaluationPart {
  readonly sums: EvaluationSums
  readonly labels: Int32Array
  readonly predictions: Int32Array
  /** Images that could not be decoded. */
  readonly corrupt: number
}

/** Behind the images of the last batch stands padding. */
export function partOf(result: RunResult, { corruptImages }: Loader): EvaluationPart {
  return { sums: sumRows(result), labels: result.labels!, predictions: result.predictions!, corrupt: corruptImages.length }
}

/** The whole, from the parts of all ranks; undefined where one of them has none, because its call was ended. */
export async function joined(
  ranks: Ranks,
  { dataset, batch, firstSample, firstBatch }: Loader,
  part: EvaluationPart | undefined,
): Promise<EvaluationPart | undefined> {
  const parts = await ranks.gather(part && { ...part, labels: [...part.labels], predictions: [...part.predictions] })
  const there = parts.filter((one) => one !== undefined)
  if (there.length < parts.length) return undefined
  const whole = batch * ranks.size
  const labels: number[] = []
  const predictions: number[] = []
  // As native/data/batch_cut.h shares a batch out.
  for (let first = firstBatch * whole + (firstSample % whole), step = 0; first < dataset.length; first += whole, step++) {
    const size = Math.min(whole, dataset.length - first)
    there.forEach((one, rank) => {
      const images = Math.floor(((rank + 1) * size) / ranks.size) - Math.floor((rank * size) / ranks.size)
      labels.push(...one.labels.slice(step * batch, step * batch + images))
      predictions.push(...one.predictions.slice(step * batch, step * batch + images))
    })
  }
  return {
    sums: there.map(({ sums }) => sums).reduce(added),
    labels: Int32Array.from(labels),
    predictions: Int32Array.from(predictions),
    corrupt: there.reduce((sum, { corrupt }) => sum + corrupt, 0),
  }
}

/** Counts are added; the slowest rank says how long it took. */
function added(a: EvaluationSums, b: EvaluationSums): EvaluationSums {
  return {
    loss: a.loss + b.loss,
    samples: a.samples + b.samples,
    top1Hits: a.top1Hits + b.top1Hits,
    top5Hits: a.top5Hits + b.top5Hits,
    seconds: Math.max(a.seconds, b.seconds),
    dataSeconds: Math.max(a.dataSeconds, b.dataSeconds),
  }
}
