/** The trace of a few steps that a run leaves behind: which steps, and that it changes nothing. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { fit, type FitOptions, type FitSettings } from '../../lib/training/index.js'
import { temporaryDirectory } from '../formats/directory.js'
import { someDigits, tiny } from './tiny.js'

interface Event {
  readonly name: string
  readonly cat: string
  readonly ph: string
  readonly ts: number
  readonly dur: number
  readonly pid: number
  readonly tid: number
  readonly args: { readonly layer: string; readonly step: number; readonly name?: string }
}

async function options(more: Partial<FitSettings & { steps: number }> = {}): Promise<FitOptions> {
  return { train: (await someDigits()).train, batch: 8, steps: 8, seed: 5, threads: 1, learningRate: 0.1, ...more }
}

async function traceOf(path: string): Promise<Event[]> {
  const { traceEvents, displayTimeUnit } = JSON.parse(await readFile(path, 'utf8')) as { traceEvents: Event[]; displayTimeUnit: string }
  if (displayTimeUnit !== 'ms') throw new Error(displayTimeUnit)
  return traceEvents
}

test('three steps after the first two, one operation after the other', async (t) => {
  const path = join(await temporaryDirectory(t), 'trace.json')
  // A line of the log ends a call in the midst of the three.
  await using run = fit(tiny(), await options({ profile: path, logEvery: 3 }))
  await run.finished
  const events = await traceOf(path)
  t.is(events.filter(({ ph }) => ph === 'M').length, 2)
  const operations = events.filter(({ ph }) => ph === 'X')
  t.deepEqual([...new Set(operations.map(({ args }) => args.step))], [2, 3, 4])
  const step = (index: number): string[] => operations.filter(({ args }) => args.step === index).map(({ name }) => name)
  t.deepEqual(step(3), step(2))
  t.deepEqual(step(4), step(2))
  t.is(step(2).at(-1), 'sgd sgd')
  t.true(step(2).includes('conv stem'))
  for (const [index, { name, cat, ts, dur, pid, tid, args }] of operations.entries()) {
    t.is(name, `${cat} ${args.layer}`)
    t.true(pid === 1 && tid === 1 && dur >= 0)
    const before = operations[index - 1]
    // Microseconds in floating point.
    if (before !== undefined) t.true(ts >= before.ts + before.dur - 1e-3, `${name} begins when ${before.name} has ended`)
  }
})

test('a run of two steps shows both', async (t) => {
  const path = join(await temporaryDirectory(t), 'trace.json')
  await using run = fit(tiny(), await options({ steps: 2, profile: path }))
  await run.finished
  t.deepEqual([...new Set((await traceOf(path)).filter(({ ph }) => ph === 'X').map(({ args }) => args.step))], [0, 1])
})

test('a profile changes no bit of what is learnt', async (t) => {
  const path = join(await temporaryDirectory(t), 'trace.json')
  const learnt = async (more: Partial<FitSettings & { steps: number }>): Promise<unknown> => {
    await using run = fit(tiny(), await options(more))
    const { tensors } = (await run.finished) as unknown as { tensors: unknown }
    return tensors
  }
  t.deepEqual(await learnt({ profile: path }), await learnt({}))
})

test('a file with the longest name that there is', async (t) => {
  const path = join(await temporaryDirectory(t), 'n'.repeat(255))
  await using run = fit(tiny(), await options({ steps: 2, profile: path }))
  await run.finished
  t.true((await traceOf(path)).length > 0)
})

test('a file that cannot be written', async (t) => {
  const path = join(await temporaryDirectory(t), 'missing', 'trace.json')
  await using run = fit(tiny(), await options({ profile: path }))
  await t.throwsAsync(run.finished, { code: 'ERR_FILE' })
  t.throws(() => fit(tiny(), { profile: 7 } as never), { code: 'ERR_OPTION' })
})
