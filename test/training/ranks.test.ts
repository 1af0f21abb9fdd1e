/** Runs of several ranks: one log, one row of checkpoints, the same decisions, and the same bits as one process. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { flip, randomCrop, subset } from '../../lib/data/index.js'
import { readJsonLines } from '../../lib/formats/jsonl.js'
import { readSafetensors } from '../../lib/formats/safetensors.js'
import { alone, type Ranks } from '../../lib/ranks/ranks.js'
import { listCheckpoints } from '../../lib/training/checkpoint.js'
import { fit, type Run } from '../../lib/training/fit.js'
import type { FitSettings } from '../../lib/training/fit_options.js'
import type { RunEvent } from '../../lib/training/run_events.js'
import { temporaryDirectory } from '../formats/directory.js'
import { allOf, together } from '../support/ranks.js'
import { someDigits, tiny } from './tiny.js'

async function started(directory: string, steps: number, ranks: Ranks, more: Partial<FitSettings> = {}): Promise<Run> {
  const { train, test: validate } = await someDigits()
  return fit(tiny({ dropout: 0.2 }), {
    ...{ train, validate, batch: 8, steps, seed: 5, threads: 1, precision: 'fp32', learningRate: 0.1, validateEvery: 3, logEvery: 2, ranks },
    prepare: { train: [randomCrop({ pad: 2 }), flip()] },
    checkpoint: { directory, resume: true, every: 4 },
    ...more,
  })
}

/** The tensors of the newest checkpoint. */
async function newest(directory: string): Promise<unknown> {
  const { path } = (await listCheckpoints(directory)).at(-1)!
  return Promise.all(['model', 'optimizer'].map(async (file) => (await readSafetensors(join(path, `${file}.safetensors`))).tensors))
}

const logged = async (directory: string): Promise<unknown[]> =>
  (await readJsonLines(join(directory, 'metrics.jsonl'))).map(({ kind, step, top1Error, samples }) => ({ kind, step, top1Error, samples }))

test('a run of ranks has the bits, the log and the validations of one process with as many groups, and goes on with other numbers of ranks', async (t) => {
  const [whole, directory] = [await temporaryDirectory(t), await temporaryDirectory(t)]
  const expected = await (await started(whole, 18, alone, { statisticsGroups: 4 })).finished
  await allOf(4, async (ranks) => (await started(directory, 6, ranks)).finished, { seed: 1 })
  await t.throwsAsync(
    allOf(2, async (ranks) => (await started(directory, 12, ranks)).finished),
    { code: 'ERR_CHECKPOINT', message: /ranks: 4 before, 2 now; statisticsGroups x accumulate x ranks must stay 4, with 2 ranks 2 x 1, 1 x 2$/ },
  )
  await allOf(2, async (ranks) => (await started(directory, 12, ranks, { accumulate: 2 })).finished, { seed: 2 })
  const models = await allOf(2, async (ranks) => (await started(directory, 18, ranks, { statisticsGroups: 2 })).finished, { seed: 3 })
  t.deepEqual(await newest(directory), await newest(whole))
  t.deepEqual(await logged(directory), await logged(whole))
  for (const { validation, step } of models) {
    t.is(step, 18)
    t.is(validation!.samples, expected.validation!.samples)
    t.is(validation!.top1Errors, expected.validation!.top1Errors)
    t.deepEqual(validation!.predictions, expected.validation!.predictions)
    t.deepEqual(validation!.confusion.cells, expected.validation!.confusion.cells)
    t.true(Math.abs(validation!.loss - expected.validation!.loss) < 1e-9)
  }
  const { recipe } = JSON.parse(await readFile(join((await listCheckpoints(directory)).at(-1)!.path, 'state.json'), 'utf8')) as { recipe: object }
  t.like(recipe, { batch: 8, ranks: 2, statisticsGroups: 2 })
})

test('a run whose ranks share statistics goes on with any number of ranks, near to one process by itself', async (t) => {
  const [whole, directory] = [await temporaryDirectory(t), await temporaryDirectory(t)]
  const together = { synchronizedBatchNorm: true, learningRate: 0.02 } as const
  await (
    await started(whole, 8, alone, together)
  ).finished
  await allOf(4, async (ranks) => (await started(directory, 4, ranks, together)).finished, { seed: 1 })
  await allOf(2, async (ranks) => (await started(directory, 6, ranks, together)).finished, { seed: 2 })
  await (
    await started(directory, 8, alone, together)
  ).finished
  const [expected, got] = await Promise.all([whole, directory].map(async (folder) => (await newest(folder)) as Map<string, { data: ArrayLike<number> }>[]))
  expected!.forEach((file, index) => {
    for (const [name, { data }] of file) {
      const other = got![index]!.get(name)!.data
      Array.from(data).forEach((value, at) => t.true(Math.abs(value - other[at]!) <= 1e-5, `${name}: ${value} and ${other[at]!}`))
    }
  })
})

test('a stop on one rank ends all after the same step, and is saved once', async (t) => {
  const directory = await temporaryDirectory(t)
  const models = await allOf(2, async (ranks) => {
    const run = await started(directory, 100_000, ranks, { validateEvery: 100_000 })
    const events: RunEvent[] = []
    for await (const event of run.events) {
      events.push(event)
      if (ranks.rank === 1 && event.kind === 'step' && event.step > 5) void run.stop()
    }
    t.is(events.filter(({ kind }) => kind === 'checkpoint').length > 0, ranks.rank === 0)
    return run.finished
  })
  t.is(models[0]!.outcome, 'stopped')
  t.is(models[1]!.outcome, 'stopped')
  t.is(models[0]!.step, models[1]!.step)
  t.is((await listCheckpoints(directory)).at(-1)!.step, models[0]!.step)
})

test('a rank whose loss is not finite ends all, which name it and the step', async (t) => {
  const directory = await temporaryDirectory(t)
  const { train } = await someDigits()
  const results = await together(3, async (ranks) => {
    // Ranks of one run have the same options; here one has other rates, which no program shows.
    const learningRate = ranks.rank === 1 ? { at: (step: number) => (step < 4 ? 0.1 : 1e30) } : { at: () => 0.1 }
    const run = fit(tiny(), { train, batch: 9, steps: 50, threads: 1, precision: 'fp32', learningRate, ranks, output: directory })
    return run.finished
  })
  const errors = results.map((result) => (result as PromiseRejectedResult).reason as { code: string; message: string })
  t.is(errors[1]!.code, 'ERR_NOT_FINITE')
  for (const rank of [0, 2]) {
    t.is(errors[rank]!.code, 'ERR_RANK')
    t.regex(errors[rank]!.message, /^rank 1 of 3 \(.+\): step \d+: .* is not finite; /)
  }
})

test('ranks with other options or data are refused on all of them, which name these', async (t) => {
  const results = await together(2, async (ranks) => {
    const { train } = await someDigits()
    const images = ranks.rank === 0 ? train : subset(train, [...Array(390).keys()], 'other')
    return fit(tiny(), { train: images, batch: 8, steps: 5 + ranks.rank, precision: 'fp32', learningRate: 0.1, labelSmoothing: ranks.rank / 10, ranks })
      .finished
  })
  for (const result of results) {
    const { code, message } = (result as PromiseRejectedResult).reason as { code: string; message: string }
    t.is(code, 'ERR_RANK')
    t.regex(message, /rank 1 was started for another run than rank 0: steps: 5 on rank 0, 6 on rank 1; .*labelSmoothing: 0 on rank 0, 0.1 on rank 1/)
    t.regex(message, /train: train \(399 images, .+\) on rank 0, other \(390 images, .+\) on rank 1/)
  }
})

test('a number of ranks that does not divide the batch is refused before anything starts', async (t) => {
  const results = await together(3, (ranks) => started('nowhere', 5, ranks))
  for (const result of results) {
    const { code, message } = (result as PromiseRejectedResult).reason as { code: string; message: string }
    if (code !== 'ERR_RANK') t.regex(message, /fit: ranks: expected a number of ranks that divides the batch \(8\), got 3/)
  }
  t.true(results.some((result) => ((result as PromiseRejectedResult).reason as { code: string }).code === 'ERR_OPTION'))
})
