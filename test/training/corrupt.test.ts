/** Runs and evaluations over files that are no images. */
import test from 'ava'
import { loader, type LoaderOptions } from '../../lib/data/index.js'
import { batchNorm, classifierHead, conv2d, network, relu } from '../../lib/layers/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { fit } from '../../lib/training/index.js'
import type { FinishedEvent, StepEvent } from '../../lib/training/run_events.js'
import { join } from 'node:path'
import { readJsonLines } from '../../lib/formats/jsonl.js'
import { temporaryFolder } from '../support/folder.js'
import { numberedFiles, numberedShape as input } from '../support/numbered.js'

const length = 20
const corrupt = [3, 8, 9, 14]
const small = network({
  name: 'small',
  input,
  layers: { stem: conv2d({ channels: 8, kernel: 3 }), norm: [batchNorm(), relu()], head: classifierHead({ classes: length }) },
})

test.serial('a run skips and counts them, whether files are kept in memory or not, and names each once', async (t) => {
  const folder = await temporaryFolder(t)
  const train = await numberedFiles(join(folder, 'data'), length, corrupt)
  const told: string[] = []
  const listen = (warning: Error): void => void told.push(warning.message)
  process.on('warning', listen)
  t.teardown(() => process.off('warning', listen))
  const losses: number[][] = []
  for (const cache of ['memory', 'files'] as const) {
    const output = join(folder, cache)
    await using run = fit(small, {
      train,
      validate: train,
      batch: 6,
      steps: 9,
      logEvery: 3,
      seed: 2,
      threads: 1,
      learningRate: 0.1,
      precision: 'fp32',
      cache,
      corrupt: 'skip',
      output,
    })
    const steps: StepEvent[] = []
    let end: FinishedEvent | undefined
    for await (const event of run.events) {
      if (event.kind === 'step') steps.push(event)
      if (event.kind === 'finished') end = event
    }
    const trained = await run.finished
    losses.push(steps.filter(({ logged }) => logged).map(({ loss }) => loss))
    t.is(end!.corruptImages, 4)
    t.true(end!.dataShare >= 0 && end!.dataShare <= 1)
    t.like(trained.validation, { samples: 16, corruptImages: 4 })
    t.deepEqual(
      [...trained.validation!.predictions].flatMap((prediction, index) => (prediction === -1 ? [index] : [])),
      corrupt,
    )
    const lines = (await readJsonLines(join(output, 'metrics.jsonl'))).filter(({ kind }) => kind === 'train')
    t.is(lines.at(-1)!['corruptImages'], 4)
  }
  // Steps are run in stretches whose length the clock decides, and the losses of a stretch are summed first: the last bit is not certain.
  const rounded = losses.map((values) => values.map((loss) => loss.toPrecision(13)))
  t.deepEqual(rounded[0], rounded[1])
  await new Promise((resolve) => setImmediate(resolve))
  for (const index of corrupt)
    t.is(told.filter((text) => text.includes(join('data', `${index}.png: `)) && text.startsWith('skipped: ')).length, 2, 'once a run')
})

test("a run with 'error' ends, and one with 'skip' goes on from its checkpoint", async (t) => {
  const folder = await temporaryFolder(t)
  const train = await numberedFiles(join(folder, 'data'), length, corrupt)
  const prepare = { train: [], evaluate: [], normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } }
  const options = { train, batch: 2, seed: 2, threads: 1, learningRate: 0.1, cache: 'files', precision: 'fp32', prepare } as const
  const checkpoint = { directory: join(folder, 'run'), every: 1, resume: true }
  await t.throwsAsync(fit(small, { ...options, steps: 10, checkpoint }).finished, { code: 'ERR_IMAGE', message: /data.*\.png: / })
  const resumed = await fit(small, { ...options, steps: 10, checkpoint, corrupt: 'skip' }).finished
  const straight = await fit(small, { ...options, steps: 10, corrupt: 'skip' }).finished
  t.deepEqual([...resumed.tensors], [...straight.tensors])
})

test('ranks of an evaluation count what is theirs', async (t) => {
  const train = await numberedFiles(await temporaryFolder(t), length, corrupt)
  const prepare = { evaluate: [], normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } }
  await using session = await compile(small, { prepare, batch: 2, threads: 1, precision: 'fp32' })
  const options: LoaderOptions = { batch: 6, input, mode: 'evaluate', prepare, corrupt: 'skip' }
  const parts = []
  for (let rank = 0; rank < 3; rank++) {
    await using batches = loader(train, { ...options, rank, ranks: 3 })
    parts.push(await session.evaluate(batches))
  }
  const whole = await session.evaluate(train, { corrupt: 'skip' })
  for (const key of ['samples', 'corruptImages', 'top1Errors', 'top5Errors'] as const)
    t.is(
      parts.reduce((sum, part) => sum + part[key], 0),
      whole[key],
    )
  t.is(whole.samples, 16)
  await t.throwsAsync(session.evaluate(train), { code: 'ERR_IMAGE', message: /3\.png: / })
})
