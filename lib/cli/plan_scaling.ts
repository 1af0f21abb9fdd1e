/** `preresnet plan --ranks N`: how a step scales from one rank to N. */
import type { ProgramSet } from '../compiler/program.js'
import { updateIn } from '../compiler/update.js'
import { PreresnetError } from '../errors.js'
import { checkParts } from '../options/parts.js'
import { integerOption, numberOption, type ValuesOf } from '../options/spec.js'
import { invalid } from '../options/values.js'
import type { Scaling } from './json/scaling.js'
import { count, pairs, percent, size, table } from './output.js'
import { bucketsOf, reductionOf, scalingRows, type Work } from './scaling.js'

export const scalingOptions = {
  ranks: integerOption({
    group: 'Ranks',
    help: 'ranks that share the batch: shows the program of one of them, and what a step takes from one rank to so many; with --network-bandwidth and --network-latency',
    unit: 'ranks',
    minimum: 2,
    maximum: 1_048_576,
  }),
  networkBandwidth: numberOption({
    group: 'Ranks',
    help: "of a rank's network, in each direction; `doctor --distributed` measures it",
    unit: 'Gbit/s',
    minimum: 0,
    above: true,
  }),
  networkLatency: numberOption({
    group: 'Ranks',
    help: 'of an exchange of a few bytes between two ranks; `doctor --distributed` measures it',
    unit: 'microseconds',
    minimum: 0,
  }),
  stepTime: numberOption({
    group: 'Ranks',
    help: 'what a rank computes for in a step',
    unit: 'milliseconds',
    minimum: 0,
    above: true,
    usual: 'with --time what is measured, else unknown',
  }),
}
type ScalingValues = ValuesOf<typeof scalingOptions>

/** Images of a step that one rank computes. ERR_OPTION where the ranks do not divide the batch, or something about them is missing. */
export function imagesOfRank(
  values: ScalingValues & Omit<Parameters<typeof checkParts>[2], 'ranks'> & { readonly batch: number; readonly program: string },
): number {
  const { ranks, batch, program, networkBandwidth, networkLatency, stepTime } = values
  if (ranks === undefined) {
    const alone = Object.entries({ networkBandwidth, networkLatency, stepTime }).find(([, value]) => value !== undefined)
    if (alone === undefined) return batch
    throw new PreresnetError('ERR_OPTION', `--${alone[0].replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}: expected --ranks with it, got none`)
  }
  if (networkBandwidth === undefined || networkLatency === undefined)
    throw new PreresnetError('ERR_OPTION', '--ranks: expected --network-bandwidth and --network-latency with it; preresnet doctor --distributed measures them')
  if (program !== 'train') throw invalid('--program', '"train" with --ranks', program)
  checkParts('plan', batch, { ...values, ranks })
  return batch / ranks
}

/** Where nobody measured the phases: a convolution's two gradients take twice what its forward pass takes. */
const BACKWARD_SHARE = 2 / 3

/** Undefined without --ranks. `timed`: what --time has measured, in seconds. */
export function scalingOf(set: ProgramSet, values: ScalingValues, timed?: Work): Scaling | undefined {
  const { ranks, networkBandwidth, networkLatency, stepTime } = values
  if (ranks === undefined) return undefined
  const elements = gradientsIn(set)
  const interconnect = { bandwidth: (networkBandwidth! * 1e9) / 8, latency: networkLatency! / 1e6 }
  const reduced = reductionOf(elements, ranks, interconnect)
  const work = workOf(stepTime, timed)
  return {
    ranks,
    gradientBytes: 4 * elements,
    buckets: bucketsOf(elements),
    sentBytes: reduced.sent,
    sentBytesByRing: Math.round(reduced.sentByRing),
    bytesPerSecond: interconnect.bandwidth,
    latencySeconds: interconnect.latency,
    reductionSeconds: reduced.seconds,
    reductionSecondsByRing: reduced.secondsByRing,
    ...(work !== undefined && { computeSeconds: work.seconds, backwardSeconds: work.backward, rows: scalingRows(elements, ranks, work, interconnect) }),
  }
}

function workOf(stepTime: number | undefined, timed: Work | undefined): Work | undefined {
  if (stepTime === undefined) return timed
  const seconds = stepTime / 1e3
  return { seconds, backward: seconds * (timed === undefined ? BACKWARD_SHARE : timed.backward / timed.seconds) }
}

/** Trained values, of which each has a gradient that is added over the ranks. */
function gradientsIn({ programs }: ProgramSet): number {
  return updateIn(programs['train']!.operations)!.attributes.lengths.reduce((sum, length) => sum + length, 0)
}

export function describeScaling(scaling: Scaling): string {
  const { ranks, gradientBytes, buckets, sentBytes, sentBytesByRing, reductionSeconds, reductionSecondsByRing, computeSeconds, backwardSeconds, rows } = scaling
  const facts = pairs([
    ['gradients of a step', `${size(gradientBytes)}, in ${count(buckets)} ${buckets === 1 ? 'bucket' : 'buckets'}`],
    [`what each of ${count(ranks)} ranks sends, in the order of the tree`, `${size(sentBytes)}, ${milliseconds(reductionSeconds)}`],
    ['  the same in a ring', `${size(sentBytesByRing)}, ${milliseconds(reductionSecondsByRing)}`],
    ...(computeSeconds === undefined || backwardSeconds === undefined
      ? []
      : [['what a rank computes', `${milliseconds(computeSeconds)}, of which backward ${milliseconds(backwardSeconds)}`] as const]),
  ])
  if (rows === undefined) return `${facts}\n\nWith --time, or --step-time, also the time of a step and the efficiency from one rank to ${count(ranks)}.`
  const head = ['ranks', 'reduction', 'step', 'efficiency', 'step, overlapped', 'efficiency, overlapped']
  const cells = rows.map((row) => [
    row.ranks,
    milliseconds(row.reductionSeconds),
    milliseconds(row.stepSeconds),
    percent(row.efficiency, 1),
    milliseconds(row.overlappedStepSeconds),
    percent(row.overlappedEfficiency, 1),
  ])
  return `${facts}\n\n${table(head, cells)}\n\nEach rank with as many images as here. Overlapped: each bucket is reduced while the backward pass goes on.`
}

const milliseconds = (seconds: number): string => `${(1e3 * seconds).toFixed(2)} ms`
