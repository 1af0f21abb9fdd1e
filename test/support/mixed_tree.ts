/** Mixed images, class weights and images that come twice, in groups, accumulations and ranks. */
import test from 'ava'
import { bitsDiffer } from './compare.js'
import { dropped, trained, trainedTogether, type Mixture, type precisions } from './one_tree.js'

const classWeights = Array.from({ length: 10 }, (_, k) => 0.3 + 0.17 * k)
const input = { height: 12, width: 12, channels: 3 }
const mixtures: readonly Mixture[] = [
  { accumulate: 4, threads: 1 },
  { statisticsGroups: 2, accumulate: 2, threads: 3, activationCheckpointing: 2 },
]

/** Registers the tests. */
export function testMixed(precision: (typeof precisions)[number]): void {
  for (const [what, more] of [
    ['mixed images', { mixup: 0.4, cutmix: 1 }],
    ['mixed images with losses of single classes', { mixup: 0.4, cutmix: 1, loss: 'binary-cross-entropy', classWeights }],
    ['class weights', { classWeights }],
  ] as const) {
    test(`${what}, each image twice, ${precision}: the same bits in groups, accumulations and ranks`, async (t) => {
      const training = { network: dropped(8, input), precision, batch: 24, steps: 3, more, repeatedAugmentation: 2 }
      const expected = await trained(training, { statisticsGroups: 4 })
      for (const values of expected.values()) t.true(Array.from(values).every(Number.isFinite))
      for (const mixture of mixtures) t.is(bitsDiffer(await trained(training, mixture), expected), undefined, JSON.stringify(mixture))
      t.is(bitsDiffer(await trainedTogether(training, 4, {}, { seed: 1 }), expected), undefined, '4 ranks')
      t.is(bitsDiffer(await trainedTogether(training, 2, { accumulate: 2, threads: 2 }, { seed: 2 }), expected), undefined, '2 ranks, 2 accumulations')
      t.not(bitsDiffer(await trained({ ...training, more: {} }, { statisticsGroups: 4 }), expected), undefined)
      t.not(bitsDiffer(await trained({ ...training, repeatedAugmentation: 1 }, { statisticsGroups: 4 }), expected), undefined)
    })
  }
}
