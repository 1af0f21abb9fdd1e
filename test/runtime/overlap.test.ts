/** Gradients that go on their way while the backward pass makes others: the same bits, whatever the buckets. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { compile } from '../../lib/runtime/compile.js'
import { preResNet } from '../../lib/models/index.js'
import { fit } from '../../lib/training/fit.js'
import { sgd } from '../../lib/training/sgd.js'
import { temporaryDirectory } from '../formats/directory.js'
import { bitsDiffer } from '../support/compare.js'
import { dropped, trained, trainedTogether } from '../support/one_tree.js'
import { allOf, together } from '../support/ranks.js'
import { someDigits } from '../training/tiny.js'

const input = { height: 12, width: 12, channels: 3 }
const training = { network: dropped(8, input), precision: 'fp32', batch: 24, steps: 4 } as const

const normalization = { mean: [0.5, 0.5, 0.5], std: [0.3, 0.3, 0.3] }
const deep = preResNet({ family: 'cifar', depth: 14, block: 'basic', classes: 10, input: { height: 28, width: 28, channels: 1 } })
const settings = { batch: 8, device: 'cpu', precision: 'fp32', optimizer: sgd(), prepare: { normalization } } as const

async function begun(more: object): Promise<number[]> {
  const [count] = await allOf(2, async (ranks) => {
    await using session = await compile(preResNet({ family: 'cifar', depth: 8, block: 'basic', classes: 10, input }), { ...settings, ranks, ...more })
    const { operations } = session.programs.programs['train']!
    return operations.flatMap(({ op, attributes }) => (op === 'all_reduce_begin' ? [attributes.offsets.length] : []))
  })
  return count!
}

test('buckets of any size give the same bits as none, in any order of arrival', async (t) => {
  const expected = await trained(training, { statisticsGroups: 4 })
  for (const [seed, reductionBucket] of [0, 1, 40, 100_000].entries()) {
    t.is(bitsDiffer(await trainedTogether(training, 4, { reductionBucket, threads: 2 }, { seed: seed + 1 }), expected), undefined, `${reductionBucket} KiB`)
  }
  const grouped = await trainedTogether(training, 2, { statisticsGroups: 2, reductionBucket: 16, activationCheckpointing: 2 }, { seed: 9 })
  t.is(bitsDiffer(grouped, expected), undefined, 'with groups and recomputation')
})

test('a bucket is begun as soon as it is full, and what is left at the end is not', async (t) => {
  t.deepEqual(await begun({ reductionBucket: 0 }), [])
  t.deepEqual(await begun({ reductionBucket: 1, accumulate: 2 }), [])
  t.deepEqual(await begun({ reductionBucket: 1, synchronizedBatchNorm: true }), [])
  const [few, many] = [await begun({ reductionBucket: 64 }), await begun({ reductionBucket: 1 })]
  t.true(few.length >= 2 && many.length > few.length, JSON.stringify([few, many]))
})

test('the trace shows what goes on beside the backward pass, and nothing of it without buckets', async (t) => {
  const folder = await temporaryDirectory(t)
  const { train } = await someDigits()
  const row = async (reductionBucket: number): Promise<{ all: Event[]; beside: Event[] }> => {
    const path = (rank: number): string => join(folder, `${reductionBucket} ${rank}.json`)
    await allOf(
      2,
      (ranks) =>
        fit(deep, { train, batch: 8, steps: 3, threads: 1, precision: 'fp32', learningRate: 0.1, reductionBucket, ranks, profile: path(ranks.rank) }).finished,
      { seed: 4 },
    )
    const { traceEvents } = JSON.parse(await readFile(path(0), 'utf8')) as { traceEvents: Event[] }
    return { all: traceEvents, beside: traceEvents.filter(({ ph, tid }) => ph === 'X' && tid === 2) }
  }
  const { all, beside } = await row(1)
  t.true(beside.length >= 3)
  const backward = all.filter(({ ph, tid, cat }) => ph === 'X' && tid === 1 && cat.endsWith('_backward'))
  const meet = (one: Event, other: Event): boolean => one.ts < other.ts + other.dur && other.ts < one.ts + one.dur
  t.true(beside.some((reduction) => backward.some((operation) => meet(operation, reduction))))
  t.deepEqual((await row(0)).beside, [])
})

interface Event {
  readonly ph: string
  readonly tid: number
  readonly cat: string
  readonly ts: number
  readonly dur: number
}

test('a rank that fails in the midst of the backward pass ends all, also those that have begun to send', async (t) => {
  const results = await together(
    2,
    async (ranks) => {
      await using session = await compile(dropped(8, input), { ...settings, ranks, reductionBucket: 1 })
      const images = new Uint8Array(4 * 12 * 12 * 3).fill(7)
      for (let step = 0; step < 50; step++) await session.step({ images, labels: new Int32Array(4) }, { learningRate: 0.01 })
    },
    { silence: 1_500, stops: { rank: 1, after: 40 } },
  )
  for (const result of results) t.is(((result as PromiseRejectedResult).reason as { code: string }).code, 'ERR_RANK')
})
