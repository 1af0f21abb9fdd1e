/** A stop is seen wherever a run is, and the run that goes on does what the one that was not stopped would have done. */
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { digits } from '../../lib/data/index.js'
import { readJsonLines, type JsonObject } from '../../lib/formats/jsonl.js'
import { listCheckpoints } from '../../lib/training/checkpoint.js'
import { fit, type Run } from '../../lib/training/fit.js'
import type { FitOptions } from '../../lib/training/fit_options.js'
import { temporaryDirectory } from '../formats/directory.js'
import { someDigits, tiny } from './tiny.js'

async function options(directory: string, more: { readonly steps: number; readonly validateEvery?: number; readonly logEvery?: number }): Promise<FitOptions> {
  const { train } = await someDigits()
  const { test: validate } = await digits()
  return {
    train,
    validate,
    batch: 8,
    seed: 5,
    threads: 1,
    learningRate: 0.1,
    checkpoint: { directory, every: 1000, resume: true },
    ...more,
  }
}

/** The lines of a log without what a clock says. */
async function linesOf(directory: string): Promise<JsonObject[]> {
  const lines = await readJsonLines(join(directory, 'metrics.jsonl'))
  return lines.map(({ seconds: _, imagesPerSecond: _1, dataShare: _2, memory: _3, ...line }) => line)
}

/** Stops the run when the validation of this step is about to begin, or has begun; resolves with the validations it reports. */
async function stopAt(run: Run, step: number): Promise<number[]> {
  const reported: number[] = []
  for await (const event of run.events) {
    if (event.kind === 'step' && event.step === step) void run.stop()
    if (event.kind === 'validation') reported.push(event.step)
  }
  return reported
}

for (const [when, stopStep] of [
  ['in the middle', 4],
  ['at the end', 6],
] as const) {
  test(`a validation ${when} is ended by a stop and not reported; who resumes makes up for it, once`, async (t) => {
    const base = await temporaryDirectory(t)
    const [straight, stopped] = [join(base, 'straight'), join(base, 'stopped')]
    const settings = { steps: 6, validateEvery: 2, logEvery: 1 }
    await fit(tiny(), await options(straight, settings)).finished
    const run = fit(tiny(), await options(stopped, settings))
    t.deepEqual(
      await stopAt(run, stopStep),
      [2, 4].filter((step) => step < stopStep),
    )
    const half = await run.finished
    t.like(half, { outcome: 'stopped', step: stopStep })
    t.is((await listCheckpoints(stopped)).at(-1)!.step, stopStep)
    for (let time = 0; time < 2; time++) {
      const whole = await fit(tiny(), await options(stopped, settings)).finished
      t.is(whole.outcome, 'completed')
      t.deepEqual(await linesOf(stopped), await linesOf(straight))
    }
    const model = async (directory: string): Promise<Buffer> => readFile(join((await listCheckpoints(directory)).at(-1)!.path, 'model.safetensors'))
    t.deepEqual(await model(stopped), await model(straight))
  })
}

test('the first line of the log after a resume is the one of a run that was not stopped', async (t) => {
  const base = await temporaryDirectory(t)
  const [straight, stopped] = [join(base, 'straight'), join(base, 'stopped')]
  const settings = { steps: 20, logEvery: 10, validateEvery: 20 }
  await fit(tiny(), await options(straight, settings)).finished
  const killed = { ...(await options(stopped, settings)), checkpoint: { directory: stopped, every: 16 } } as FitOptions
  await fit(tiny(), killed).finished
  // As if it had been killed before its last checkpoint.
  await rm(join(stopped, 'step-00000020'), { recursive: true })
  await fit(tiny(), await options(stopped, settings)).finished
  const [one, other] = [await linesOf(straight), await linesOf(stopped)]
  t.is(other.length, one.length)
  other.forEach((line, index) => {
    for (const [key, value] of Object.entries(line)) {
      // How many steps a native call has depends on the clock, and the order of a sum on that.
      if (typeof value === 'number') t.true(Math.abs(value - (one[index]![key] as number)) < 1e-9, `${key}: ${value}, ${one[index]![key] as number}`)
      else t.is(value, one[index]![key])
    }
  })
})

test('a stop before there is a session ends the preparation: there is nothing to save', async (t) => {
  const directory = await temporaryDirectory(t)
  const run = fit(tiny(), await options(directory, { steps: 3 }))
  await t.throwsAsync(run.stop(), { code: 'ERR_ABORTED', message: /stopped before its first step/ })
  await t.throwsAsync(run.finished, { code: 'ERR_ABORTED' })
  t.deepEqual(await listCheckpoints(directory), [])
})
