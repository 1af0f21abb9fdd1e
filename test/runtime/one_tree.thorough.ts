/** Fifty steps of ResNet-20 with everything that hangs on an image's place in the batch: the same bits, whoever computes which group. */
import test from 'ava'
import { bitsDiffer } from '../support/compare.js'
import { testMixed } from '../support/mixed_tree.js'
import { dropped, precisions, trained, trainedTogether, type Mixture } from '../support/one_tree.js'

const mixtures: readonly Mixture[] = [
  { statisticsGroups: 4 },
  { accumulate: 4, threads: 1 },
  { statisticsGroups: 2, accumulate: 2, threads: 3 },
  { accumulate: 4, activationCheckpointing: 3 },
]

/** The same among ranks, which come to every exchange at moments of their own. */
const shared: readonly (readonly [ranks: number, mixture: Mixture])[] = [
  [2, { accumulate: 2 }],
  [2, { statisticsGroups: 2, threads: 2 }],
  [4, { threads: 1 }],
]

for (const precision of precisions) {
  test.serial(`ResNet-20, ${precision}: four groups in every way`, async (t) => {
    const training = { network: dropped(20, { height: 16, width: 16, channels: 3 }), precision, batch: 32, steps: 50 }
    const [expected, ...others] = await Promise.all(mixtures.map((mixture) => trained(training, mixture)))
    for (const values of expected!.values()) t.true(Array.from(values).every(Number.isFinite))
    others.forEach((other, index) => t.is(bitsDiffer(other, expected), undefined, JSON.stringify(mixtures[index + 1])))
    for (const [ranks, mixture] of shared) {
      t.is(bitsDiffer(await trainedTogether(training, ranks, mixture, { seed: ranks }), expected), undefined, `${ranks} ranks, ${JSON.stringify(mixture)}`)
    }
  })
}

test.serial('ResNet-20: eight groups in every way', async (t) => {
  const training = { network: dropped(20, { height: 16, width: 16, channels: 3 }), precision: 'fp32', batch: 32, steps: 10 } as const
  const ways = [1, 2, 4, 8].map((accumulate) => ({ accumulate, statisticsGroups: 8 / accumulate }))
  const [expected, ...others] = await Promise.all(ways.map((way) => trained(training, way)))
  others.forEach((other, index) => t.is(bitsDiffer(other, expected), undefined, JSON.stringify(ways[index + 1])))
})

// In fp32 it is tested beside.
for (const precision of precisions) if (precision !== 'fp32') testMixed(precision)
