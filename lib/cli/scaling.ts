/**
 * What several ranks make of a step, by a model of two numbers, the latency of an exchange (alpha) and the bandwidth of a machine's network (beta). docs/ranks.md
 * has its formulas and what was measured beside them.
 */

const FLOAT = 4
/** Elements that are reduced at a time, and of which a rank's part is a multiple; native/cpu/gradient_sums.cpp has both. */
const BUCKET = 2 ** 18
const LINE = 16
/** Small exchanges of a step: which step all are at, and the metrics. */
const SMALL_EXCHANGES = 2
/** Exchanges of a bucket: its parts to those who add them, and the sums to all. */
const BUCKET_EXCHANGES = 2

interface Interconnect {
  /** Bytes a second that a rank sends, and as many that it receives. */
  readonly bandwidth: number
  /** Seconds of an exchange of a few bytes between two ranks. */
  readonly latency: number
}

/** Seconds of a rank's own work in a step. */
export interface Work {
  readonly seconds: number
  /** Those of the backward pass, in which gradients come one after another. */
  readonly backward: number
}

interface Reduced {
  /** Bytes that a rank sends, in the order of the tree and in a ring. */
  readonly sent: number
  readonly sentByRing: number
  readonly seconds: number
  readonly secondsByRing: number
}

export const bucketsOf = (elements: number): number => Math.ceil(elements / BUCKET)

/** The reduction of so many gradients, with everything else that the ranks of a step exchange. */
export function reductionOf(elements: number, ranks: number, { bandwidth, latency }: Interconnect): Reduced {
  if (ranks === 1) return { sent: 0, sentByRing: 0, seconds: 0, secondsByRing: 0 }
  const bucket = Math.min(elements, BUCKET)
  const part = Math.ceil(bucket / (ranks * LINE)) * LINE
  const rounds = Math.ceil(elements / (ranks * part))
  const sent = rounds * BUCKET_EXCHANGES * (ranks - 1) * part * FLOAT
  const sentByRing = (2 * (ranks - 1) * elements * FLOAT) / ranks
  const hops = Math.ceil(Math.log2(ranks))
  return {
    sent,
    sentByRing,
    seconds: (BUCKET_EXCHANGES * rounds + SMALL_EXCHANGES) * hops * latency + sent / bandwidth,
    secondsByRing: 2 * (ranks - 1) * latency + SMALL_EXCHANGES * hops * latency + sentByRing / bandwidth,
  }
}

interface ScalingRow {
  readonly ranks: number
  readonly reductionSeconds: number
  /** The reduction follows the backward pass. */
  readonly stepSeconds: number
  readonly efficiency: number
  /** A bucket is reduced as soon as its gradients are there. */
  readonly overlappedStepSeconds: number
  readonly overlappedEfficiency: number
}

/** One rank, each power of two below `ranks`, and `ranks`, each rank with the same work. */
export function scalingRows(elements: number, ranks: number, work: Work, interconnect: Interconnect): ScalingRow[] {
  const counts = []
  for (let count = 1; count < ranks; count *= 2) counts.push(count)
  return [...counts, ranks].map((count) => {
    const { seconds } = reductionOf(elements, count, interconnect)
    const stepSeconds = work.seconds + seconds
    const overlappedStepSeconds = work.seconds + remainder(bucketsOf(elements), seconds, work.backward)
    return {
      ranks: count,
      reductionSeconds: seconds,
      stepSeconds,
      efficiency: work.seconds / stepSeconds,
      overlappedStepSeconds,
      overlappedEfficiency: work.seconds / overlappedStepSeconds,
    }
  })
}

/** What of the reduction is left when the backward pass has ended: at least its last bucket, and what did not fit beside the pass, which gives the first bucket after 1/buckets of its time. */
function remainder(buckets: number, seconds: number, backward: number): number {
  return Math.max(seconds / buckets, seconds - (backward * (buckets - 1)) / buckets)
}
