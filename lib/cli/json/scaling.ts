/** How a step scales over ranks, by the model of docs/ranks.md. */
import { bytes, share } from './common.js'
import { integer, list, number, object, optional, type ValueOf } from './field.js'

const seconds = (help: string): ReturnType<typeof number> => number({ help, unit: 'seconds', minimum: 0 })
const ranks = (help: string): ReturnType<typeof integer> => integer({ help, unit: 'ranks', minimum: 1 })
const unknownWork = 'where it is not known what a rank computes for: without `--time` and `--step-time`'

export const scalingField = object('How a step scales over ranks that have as many images each, by a model of latency and bandwidth.', {
  ranks: ranks('Ranks that share the batch.'),
  gradientBytes: bytes('Gradients of a step, which are added over the ranks.'),
  buckets: integer({ help: 'Pieces in which they are added.', unit: 'buckets', minimum: 1 }),
  sentBytes: bytes('What a rank sends for a step in the order of the tree.'),
  sentBytesByRing: bytes('What it would send in a ring.'),
  bytesPerSecond: number({ help: 'Bandwidth that was given.', unit: 'bytes a second', minimum: 0, above: true }),
  latencySeconds: seconds('Latency that was given.'),
  reductionSeconds: seconds('Time of all exchanges of a step.'),
  reductionSecondsByRing: seconds('The same by a ring.'),
  computeSeconds: optional(seconds('What a rank computes for in a step.'), unknownWork),
  backwardSeconds: optional(seconds('Share of the backward pass in it.'), unknownWork),
  rows: optional(
    list(
      'From one rank to all.',
      object('So many ranks.', {
        ranks: ranks('How many there are.'),
        reductionSeconds: seconds('Time of all exchanges of a step.'),
        stepSeconds: seconds('Time of a step whose reduction follows the backward pass.'),
        efficiency: share('What a rank computes for, as a share of that time.'),
        overlappedStepSeconds: seconds('Time of a step whose buckets are reduced while the backward pass goes on.'),
        overlappedEfficiency: share('What a rank computes for, as a share of that time.'),
      }),
    ),
    unknownWork,
  ),
})
export type Scaling = ValueOf<typeof scalingField>
