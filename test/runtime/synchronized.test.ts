/** Batch statistics over the images of all ranks: the training of one process with the whole batch. */
import test from 'ava'
import type { Network } from '../../lib/layers/layer.js'
import { compile } from '../../lib/runtime/compile.js'
import { alone } from '../../lib/ranks/ranks.js'
import { fit } from '../../lib/training/fit.js'
import { sgd } from '../../lib/training/sgd.js'
import { preResNet } from '../../lib/models/index.js'
import { bitsDiffer } from '../support/compare.js'
import { dropped, trained, trainedTogether, type Training } from '../support/one_tree.js'
import { allOf, together } from '../support/ranks.js'
import { someDigits, tiny } from '../training/tiny.js'

const input = { height: 12, width: 12, channels: 3 }
const small = { height: 6, width: 6, channels: 3 }
/** Norms behind convolutions, a stem and projections. */
const projected = (size: Network['input']): Network =>
  preResNet({ family: 'cifar', depth: 8, block: 'basic', shortcut: 'projection', unit: 'original', classes: 10, input: size })

/** Largest difference of two values of one name, and which that is. */
function farthest(one: ReadonlyMap<string, ArrayLike<number>>, other: ReadonlyMap<string, ArrayLike<number>>): { name: string; error: number } {
  let most = { name: '', error: 0 }
  for (const [name, values] of one) {
    Array.from(values).forEach((value, i) => {
      const error = Math.abs(value - other.get(name)![i]!)
      if (!(error <= most.error)) most = { name, error }
    })
  }
  return most
}

const trainings: readonly (readonly [string, Training, number])[] = [
  ['reference with dropout', { network: dropped(8, small), device: 'reference', precision: 'fp64', batch: 12, steps: 3 }, 1e-12],
  ['reference with projections', { network: projected(small), device: 'reference', precision: 'fp64', batch: 12, steps: 3 }, 1e-12],
  ['fp32 with dropout', { network: dropped(8, input), precision: 'fp32', batch: 24, steps: 4 }, 1e-5],
  // Later a rounding decides on which side of 0 a value is that a ReLU reads, and with it whether a gradient goes on.
  ['fp32 with projections', { network: projected(input), precision: 'fp32', batch: 24, steps: 2 }, 1e-5],
]

for (const [name, training, bound] of trainings) {
  test(`${name}: ranks with one set of statistics train as one process without groups`, async (t) => {
    const expected = await trained(training, {})
    const apart = farthest(await trainedTogether(training, 2, {}), expected)
    t.true(apart.error > 100 * bound, `statistics of each rank are another training: ${JSON.stringify(apart)}`)
    for (const ranks of [2, 3]) {
      const found = farthest(await trainedTogether(training, ranks, { synchronizedBatchNorm: true }, { seed: ranks }), expected)
      t.true(found.error <= bound, `${ranks} ranks: ${JSON.stringify(found)}`)
    }
  })
}

test('the same number of ranks gives the same bits, with recomputation too, and one process gives those without the option', async (t) => {
  const training = { network: dropped(8, input), precision: 'fp32', batch: 24, steps: 3 } as const
  const once = await trainedTogether(training, 3, { synchronizedBatchNorm: true }, { seed: 5 })
  const again = await trainedTogether(training, 3, { synchronizedBatchNorm: true, threads: 2, activationCheckpointing: 2 }, { seed: 6 })
  t.is(bitsDiffer(again, once), undefined)
  t.is(bitsDiffer(await trained(training, { synchronizedBatchNorm: true }), await trained(training, {})), undefined)
})

test('norms whose statistics stand still take no part, and their gradients are added as all others', async (t) => {
  const training = { network: dropped(8, input), precision: 'fp32', batch: 24, steps: 3, more: { frozenStatistics: ['stem.norm'] } } as const
  const found = farthest(await trainedTogether(training, 2, { synchronizedBatchNorm: true }), await trained(training, {}))
  t.true(found.error <= 1e-5, JSON.stringify(found))
})

test('a step that trains norms alone', async (t) => {
  const training = { network: dropped(8, input), precision: 'fp32', batch: 24, steps: 3, more: { frozen: ['*.conv*', 'head', 'stem'] } } as const
  const found = farthest(await trainedTogether(training, 2, { synchronizedBatchNorm: true }), await trained(training, {}))
  t.true(found.error <= 1e-5, JSON.stringify(found))
})

test('what is not finite on one rank ends all, and the operation is named', async (t) => {
  const results = await together(2, async (ranks) => {
    await using session = await compile(dropped(8, input), {
      ...{ batch: 8, device: 'cpu', precision: 'fp32', optimizer: sgd(), ranks, synchronizedBatchNorm: true },
      prepare: { normalization: { mean: [0.5, 0.5, 0.5], std: [0.3, 0.3, 0.3] } },
    } as const)
    if (ranks.rank === 1) await session.parameter('head.fc.weight').write(new Float64Array(session.parameter('head.fc.weight').length).fill(3e38))
    const images = new Uint8Array(4 * 12 * 12 * 3).fill(7)
    return await session.step({ images, labels: new Int32Array(4) }, { learningRate: 0.1 })
  })
  const errors = results.map((result) => (result as PromiseRejectedResult).reason as { code: string; message: string })
  t.is(errors[1]!.code, 'ERR_NOT_FINITE')
  t.is(errors[0]!.code, 'ERR_RANK')
  t.regex(errors[0]!.message, /^rank 1 of 2 \(.+\): step 0: the loss is not finite; first made by .* linear head\.fc in .* on this rank$/)
})

test('values of one rank that spread through the statistics of all are told from it', async (t) => {
  const { train } = await someDigits()
  const results = await together(2, async (ranks) => {
    const learningRate = ranks.rank === 1 ? { at: (step: number) => (step < 4 ? 0.1 : 1e30) } : { at: () => 0.1 }
    return fit(tiny(), { train, batch: 8, steps: 50, threads: 1, precision: 'fp32', learningRate, ranks, synchronizedBatchNorm: true }).finished
  })
  const messages = results.map((result) => ((result as PromiseRejectedResult).reason as { message: string }).message)
  t.true(
    messages.some((message) => /step 5: .* is not finite; first made by operation .* on this rank$/.test(message)),
    messages.join(),
  )
})

for (const options of [{ accumulate: 2 }, { statisticsGroups: 2 }]) {
  test(`refused: ${Object.keys(options)[0]!}`, async (t) => {
    const key = Object.keys(options)[0]!
    const prepare = { normalization: { mean: [0.5, 0.5, 0.5], std: [0.3, 0.3, 0.3] } }
    const wanted = { batch: 8, device: 'cpu', precision: 'fp32', optimizer: sgd(), prepare, synchronizedBatchNorm: true, ...options } as const
    const message = new RegExp(`compile: ${key}: expected 1 with synchronizedBatchNorm, got 2`)
    await t.throwsAsync(compile(projected(input), { ...wanted, ranks: alone }), { code: 'ERR_OPTION', message })
    await t.throwsAsync(
      allOf(2, (ranks) => compile(projected(input), { ...wanted, ranks })),
      { code: 'ERR_OPTION', message },
    )
  })
}
