import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import type { PreresnetError } from '../../lib/errors.js'
import { flip, randomCrop } from '../../lib/data/index.js'
import { readJsonLines } from '../../lib/formats/jsonl.js'
import { readSafetensors } from '../../lib/formats/safetensors.js'
import { compile } from '../../lib/runtime/compile.js'
import { listCheckpoints, verifyCheckpoint } from '../../lib/training/checkpoint.js'
import { fit } from '../../lib/training/fit.js'
import type { FitOptions, FitSettings } from '../../lib/training/fit_options.js'
import type { Manifest } from '../../lib/training/manifest.js'
import { describeModel } from '../../lib/runtime/model_file.js'
import type { RunEvent } from '../../lib/training/run_events.js'
import { cosine } from '../../lib/training/schedules.js'
import { sgd } from '../../lib/training/sgd.js'
import { temporaryDirectory } from '../formats/directory.js'
import { someDigits, tiny } from './tiny.js'

const preparation = { train: [randomCrop({ pad: 2 }), flip()] }

/** 399 digits in batches of 8: epochs of 49 steps, 7 digits left out of each. */
async function options(more: Partial<FitSettings & { steps: number }> = {}): Promise<FitOptions> {
  const { train } = await someDigits()
  return {
    train,
    batch: 8,
    steps: 60,
    seed: 5,
    threads: 1,
    learningRate: cosine({ base: 0.1, steps: 60 }),
    prepare: preparation,
    ...more,
  }
}

async function all(events: AsyncIterable<RunEvent>): Promise<RunEvent[]> {
  const list: RunEvent[] = []
  for await (const event of events) list.push(event)
  return list
}

const kinds = (events: readonly RunEvent[]): string[] => events.filter(({ kind }) => kind !== 'step').map((event) => `${event.kind} ${event.step}`)

test('a run learns, tells what it does and leaves its files', async (t) => {
  const directory = await temporaryDirectory(t)
  const { test: validate } = await someDigits()
  await using run = fit(
    tiny(),
    await options({
      steps: 1000,
      validate,
      validateEvery: 400,
      logEvery: 200,
      learningRate: 0.1,
      prepare: {},
      checkpoint: { directory, every: 500, keep: 10 },
    }),
  )
  const events = await all(run.events)
  const trained = await run.finished
  t.is(trained.step, 1000)
  t.is(trained.outcome, 'completed')
  t.true(trained.validation!.top1Error < 0.5, `${trained.validation!.top1Error}`)
  t.is(trained.validation!.samples, validate.length)
  t.is(trained.best!.top1Error, Math.min(...events.flatMap((event) => (event.kind === 'validation' ? [event.top1Error] : []))))

  const [first] = events
  t.like(first, { kind: 'start', step: 0, steps: 1000, stepsPerEpoch: 49, network: 'tiny', device: 'cpu', precision: 'fp32' })
  const told = kinds(events)
  for (const event of ['validation 400', 'checkpoint 500', 'validation 800', 'validation 1000', 'checkpoint 1000', 'finished 1000'])
    t.true(told.includes(event), event)
  t.is(told.at(-1), 'finished 1000')
  t.is(told.filter((event) => event === 'checkpoint 1000').length, 1)
  const steps = events.filter((event) => event.kind === 'step')
  t.deepEqual(
    steps.filter(({ logged }) => logged).map(({ step }) => step),
    [200, 400, 600, 800, 1000],
  )
  for (const event of steps)
    t.true(event.loss > 0 && event.top1Error >= 0 && event.imagesPerSecond > 0 && event.dataShare >= 0 && event.dataShare <= 1 && event.secondsLeft >= 0)

  const lines = await readJsonLines(join(directory, 'metrics.jsonl'))
  t.deepEqual(
    lines.map(({ kind, step }) => `${kind as string} ${step as number}`),
    ['train 200', 'train 400', 'validation 400', 'train 600', 'train 800', 'validation 800', 'train 1000', 'validation 1000'],
  )
  t.true((lines[0]!['loss'] as number) > (lines[6]!['loss'] as number))
  t.is(lines.at(-1)!['top1Error'], trained.validation!.top1Error)
  for (const event of steps) t.true(Math.abs(event.top1Accuracy + event.top1Error - 1) < 1e-12, `${event.top1Accuracy}`)
  for (const key of ['top1Accuracy', 'top5Accuracy'] as const) t.is(lines.at(-1)![key], trained.validation![key])
  t.is(trained.best!.top1Accuracy, Math.max(...events.flatMap((event) => (event.kind === 'validation' ? [event.top1Accuracy] : []))))
  t.is((await readdir(directory)).filter((name) => name.startsWith('events.out.tfevents.')).length, 1)
  const manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as Manifest
  t.like(manifest.recipe, { seed: 5, batch: 8, device: 'cpu', train: { name: 'train', length: 399 } })
  t.like(manifest.stretches[0], { firstStep: 0, lastStep: 1000, outcome: 'completed' })
  t.is(manifest.stretches[0]!.versions['node'], process.version)

  const path = join(directory, 'model.safetensors')
  await trained.save(path)
  await using session = await compile(tiny(), { data: validate, prepare: (await describeModel(path)).prepare!, batch: 7 })
  await session.load(path)
  t.is((await session.evaluate(validate)).top1Errors, trained.validation!.top1Errors)
})

/** Every byte of the newest checkpoint's tensors. */
async function newest(directory: string): Promise<{ step: number; model: Buffer; optimizer: Buffer }> {
  const { path, step } = (await listCheckpoints(directory)).at(-1)!
  return { step, model: await readFile(join(path, 'model.safetensors')), optimizer: await readFile(join(path, 'optimizer.safetensors')) }
}

test('a run that is killed and resumed in mid-epoch, with other threads and workers, ends in the same bits', async (t) => {
  const base = await temporaryDirectory(t)
  const [straight, broken] = [join(base, 'straight'), join(base, 'broken')]
  const network = tiny({ dropout: 0.2 })
  // Long enough that a run is still going on when the news of its checkpoint has come, on a busy machine too.
  const steps = 400
  const learningRate = cosine({ base: 0.1, steps })
  await fit(network, await options({ steps, learningRate, checkpoint: { directory: straight, every: steps } })).finished

  for (const [kill, threads, workers] of [
    [14, 1, 2],
    [21, 2, 3],
    [56, 1, 1],
  ] as const) {
    const run = fit(
      network,
      await options({ steps, learningRate, threads, workers, logEvery: 5, checkpoint: { directory: broken, every: 7, keep: 2, resume: true } }),
    )
    for await (const event of run.events) if (event.kind === 'checkpoint' && event.step >= kill) break
    await run[Symbol.asyncDispose]()
    await t.throwsAsync(run.finished, { code: 'ERR_ABORTED', message: /disposed of/ })
    // What a writer that was killed leaves behind, newer than everything that is whole.
    await mkdir(join(broken, '.step-00000399.0123456789ab.tmp'))
    await writeFile(join(broken, '.step-00000399.0123456789ab.tmp', 'model.safetensors'), 'half')
  }
  const { step } = await newest(broken)
  t.true(step >= 56 && step < steps && step % 7 === 0, 'the last one was broken, too')
  await using last = fit(
    network,
    await options({ steps, learningRate, threads: 2, workers: 2, checkpoint: { directory: broken, every: 7, keep: 2, resume: true } }),
  )
  const events = await all(last.events)
  const start = events[0]!
  t.true(start.kind === 'start' && start.step === step && start.resumedFrom!.endsWith(`step-${String(step).padStart(8, '0')}`))
  t.deepEqual(await newest(broken), await newest(straight))
  t.false((await readdir(broken)).some((name) => name.startsWith('.')))
  t.is((await listCheckpoints(broken)).length, 2)

  const logged = (await readJsonLines(join(broken, 'metrics.jsonl'))).map((line) => line['step'] as number)
  t.deepEqual(
    logged,
    [...new Set(logged)].sort((a, b) => a - b),
    'no step is logged twice',
  )
  const { stretches } = JSON.parse(await readFile(join(broken, 'manifest.json'), 'utf8')) as Manifest
  t.is(stretches.length, 4)
  t.is(stretches[0]!.outcome, 'failed')
  t.is(stretches[3]!.outcome, 'completed')
})

test('stop saves and ends; the run goes on from there to the same bits', async (t) => {
  const base = await temporaryDirectory(t)
  const [straight, stopped] = [join(base, 'straight'), join(base, 'stopped')]
  await fit(tiny(), await options({ checkpoint: { directory: straight, every: 60 } })).finished
  const run = fit(tiny(), await options({ checkpoint: { directory: stopped, every: 1000 } }))
  for await (const event of run.events) if (event.kind === 'step') break
  const half = await run.stop()
  t.is(half.outcome, 'stopped')
  t.true(half.step > 0 && half.step < 60)
  t.is((await newest(stopped)).step, half.step)
  const whole = await fit(tiny(), await options({ checkpoint: { directory: stopped, every: 1000, resume: true } })).finished
  t.is(whole.outcome, 'completed')
  t.deepEqual(await newest(stopped), await newest(straight))
})

test('a complete run is resumed to its result', async (t) => {
  const directory = await temporaryDirectory(t)
  const { test: validate } = await someDigits()
  const more = { steps: 10, validate, checkpoint: { directory, resume: true } }
  const first = await fit(tiny(), await options(more)).finished
  const lines = await readFile(join(directory, 'metrics.jsonl'), 'utf8')
  const again = await fit(tiny(), await options(more)).finished
  t.deepEqual(again.tensors, first.tensors)
  t.is(again.validation!.top1Errors, first.validation!.top1Errors)
  t.is(await readFile(join(directory, 'metrics.jsonl'), 'utf8'), lines)
})

test('a run may be made longer', async (t) => {
  const base = await temporaryDirectory(t)
  const [straight, longer] = [join(base, 'straight'), join(base, 'longer')]
  await fit(tiny(), await options({ steps: 20, learningRate: 0.1, checkpoint: { directory: straight } })).finished
  await fit(tiny(), await options({ steps: 12, learningRate: 0.1, checkpoint: { directory: longer } })).finished
  const { train } = await someDigits()
  // The same images, whose folder was called by another path.
  const renamed = { ...train, name: '/elsewhere/train/' }
  await fit(tiny(), await options({ train: renamed, steps: 20, learningRate: 0.1, checkpoint: { directory: longer, resume: true } })).finished
  t.deepEqual(await newest(longer), await newest(straight))
})

test('a run under a schedule of its own length is made longer with the former length', async (t) => {
  const directory = await temporaryDirectory(t)
  const checkpoint = { directory, resume: true }
  await fit(tiny(), await options({ steps: 5, learningRate: cosine({ base: 0.1 }), checkpoint })).finished
  await t.throwsAsync(fit(tiny(), await options({ steps: 8, learningRate: cosine({ base: 0.1 }), checkpoint })).finished, {
    code: 'ERR_CHECKPOINT',
    message: /another run: learningRate: steps 5 before, 8 now; to go on at the rates of before pass the same ones \(--schedule-steps 5\)/,
  })
  const former = cosine({ base: 0.1, steps: 5 })
  t.is((await fit(tiny(), await options({ steps: 8, learningRate: former, checkpoint })).finished).step, 8)
})

test('a checkpoint of another run is refused, and what differs is said', async (t) => {
  const directory = await temporaryDirectory(t)
  const checkpoint = { directory, resume: true }
  await fit(tiny(), await options({ steps: 5, checkpoint })).finished
  const { train, test: other } = await someDigits()
  const refused = async (more: Partial<FitSettings & { steps: number }>, message: RegExp, network = tiny()): Promise<void> => {
    await t.throwsAsync(fit(network, await options({ steps: 5, checkpoint, ...more })).finished, { code: 'ERR_CHECKPOINT', message })
  }
  await refused({ seed: 6 }, /another run: seed: 5 before, 6 now/)
  await refused({ batch: 16 }, /batch: 8 before, 16 now/)
  await refused({ train: other }, /train: train \(399 images, fingerprint \w+\) before, test \(100 images, fingerprint \w+\) now/)
  await refused({ optimizer: sgd({ momentum: 0.5 }), learningRate: 0.3 }, /optimizer: .*"momentum":0.9.*; learningRate: /)
  await refused({ prepare: {} }, /prepare\.train: \[\{.*"randomCrop".* before, \[\] now/)
  const normalization = { mean: [0.9], std: [0.01] }
  await refused(
    { prepare: { ...preparation, normalization } },
    /prepare\.normalization: \{"mean":\[0\.1\d+\],"std":\[0\.3\d+\]\} before, \{"mean":\[0\.9\],"std":\[0\.01\]\} now/,
  )
  await refused({ labelSmoothing: 0.1 }, /labelSmoothing: 0 before, 0\.1 now/)
  await refused({ statisticsGroups: 2 }, /statisticsGroups: 1 before, 2 now/)
  await refused({ convolution: 'direct' }, /convolution: "auto" before, "direct" now/)
  await refused({ frozen: ['stem'] }, /frozen: \[\] before, \["stem"\] now/)
  await refused({ frozenStatistics: ['norm'] }, /frozenStatistics: \[\] before, \["norm"\] now/)
  await refused({ precision: 'bf16' }, /precision: "fp32" before, "bf16" now/)
  await refused({}, /network: "tiny" before, "wide" now \(layers\.stem\.channels: 8 before, 4 now\)/, tiny({ name: 'wide', channels: 4 }))
  await refused({ steps: 4 }, /has 5 steps, more than the 4/)
  await refused(
    { checkpoint: { directory } },
    /holds checkpoints of an earlier run, up to step 5; resume that run \(--resume, in code checkpoint\.resume: true\), or take another directory/,
  )
  const [entry] = await listCheckpoints(directory)
  await writeFile(join(entry!.path, 'optimizer.safetensors'), '')
  await refused({ train }, /damaged: optimizer\.safetensors/)
})

test('a run goes on with other groups and accumulations of the same product, to the same bits', async (t) => {
  const [whole, directory] = [await temporaryDirectory(t), await temporaryDirectory(t)]
  const run = async (steps: number, directory: string, more: Partial<FitSettings>) =>
    fit(tiny({ dropout: 0.2 }), await options({ steps, precision: 'fp32', learningRate: 0.1, checkpoint: { directory, resume: true }, ...more })).finished
  await run(6, whole, { statisticsGroups: 4 })
  await run(3, directory, { accumulate: 4 })
  const message = /accumulate: 4 before, 2 now; statisticsGroups x accumulate must stay 4: 4 x 1, 2 x 2, 1 x 4$/
  await t.throwsAsync(run(6, directory, { accumulate: 2 }), { code: 'ERR_CHECKPOINT', message })
  t.is((await run(6, directory, { statisticsGroups: 2, accumulate: 2 })).step, 6)
  t.deepEqual(await newest(directory), await newest(whole))
})

test('a run on another device is refused before there is a session, which has options of its own', async (t) => {
  const directory = await temporaryDirectory(t)
  const checkpoint = { directory, resume: true }
  await fit(tiny(), await options({ steps: 5, checkpoint })).finished
  const path = join((await listCheckpoints(directory))[0]!.path, 'state.json')
  const state = JSON.parse(await readFile(path, 'utf8')) as { recipe: object }
  // As a run on a GPU writes it, which only a session there would take.
  const recipe = { ...state.recipe, device: 'cuda', precision: 'bf16', cuda: { tune: { key: 1 }, deterministic: false } }
  await writeFile(path, JSON.stringify({ ...state, recipe }))
  for (const device of ['cpu', 'reference'] as const) {
    const run = fit(tiny(), await options({ steps: 5, checkpoint, device, cuda: { deterministic: false } }))
    await t.throwsAsync(run.finished, { code: 'ERR_CHECKPOINT', message: new RegExp(`another run: device: "cuda" before, "${device}" now`) })
  }
})

test('a loss that is not finite ends the run; readers and awaiters are told, and what was saved stays', async (t) => {
  const directory = await temporaryDirectory(t)
  await fit(tiny(), await options({ steps: 10, learningRate: 0.01, checkpoint: { directory } })).finished
  const saved = await newest(directory)
  const other = join(directory, 'other')
  const run = fit(tiny(), await options({ steps: 100, learningRate: 1e30, checkpoint: { directory: other, every: 1 } }))
  await t.throwsAsync(all(run.events), { code: 'ERR_NOT_FINITE', message: /step/ })
  await t.throwsAsync(run.finished, { code: 'ERR_NOT_FINITE' })
  for (const { path } of await listCheckpoints(other)) {
    const { tensors } = await readSafetensors(join(path, 'model.safetensors'))
    for (const [name, { data }] of tensors)
      t.true(
        (data as Float32Array).every((value) => Number.isFinite(value)),
        name,
      )
  }
  t.deepEqual(await newest(directory), saved)
  const { stretches } = JSON.parse(await readFile(join(other, 'manifest.json'), 'utf8')) as Manifest
  t.like(stretches[0], { outcome: 'failed' })
})

test('the best checkpoint stays beside the newest', async (t) => {
  const directory = await temporaryDirectory(t)
  const { test: validate } = await someDigits()
  const run = fit(tiny(), await options({ steps: 80, validate, validateEvery: 10, checkpoint: { directory, every: 5, keep: 1 } }))
  const events = await all(run.events)
  const { best } = await run.finished
  t.deepEqual(
    (await listCheckpoints(directory)).map(({ step }) => step),
    [...new Set([best!.step, 80])],
  )
  t.is(events.filter((event) => event.kind === 'validation' && event.best).at(-1)!.step, best!.step)
  t.is((await verifyCheckpoint((await listCheckpoints(directory)).at(-1)!.path)).best!.step, best!.step)
})

test('an abort ends the run without saving and keeps its reason', async (t) => {
  const directory = await temporaryDirectory(t)
  const controller = new AbortController()
  const reason = new Error('enough')
  const run = fit(tiny(), await options({ steps: 1_000_000, signal: controller.signal, checkpoint: { directory, every: 1_000_000 } }))
  for await (const event of run.events) {
    if (event.kind === 'start') controller.abort(reason)
    break
  }
  const error = await t.throwsAsync<PreresnetError>(run.finished, { code: 'ERR_ABORTED', message: 'aborted: enough' })
  t.is(error.cause, reason)
  t.deepEqual(await listCheckpoints(directory), [])
})

test('a failure that nobody waits for does not end the process', async (t) => {
  const directory = await temporaryDirectory(t)
  const script = join(directory, 'script.mjs')
  await writeFile(
    script,
    `import { fit } from ${JSON.stringify(new URL('../../lib/training/fit.js', import.meta.url).href)}
     import { tiny, someDigits } from ${JSON.stringify(new URL('./tiny.js', import.meta.url).href)}
     const { train } = await someDigits()
     fit(tiny(), { train, batch: 8, steps: 5, learningRate: 0.1, device: 'cpu', precision: 'fp64' })
     process.on('exit', (code) => console.log('left with', code))`,
  )
  const { stdout } = await promisify(execFile)(process.execPath, [script])
  t.is(stdout, 'left with 0\n')
})

test('fine-tuning: a replaced head over frozen layers', async (t) => {
  const directory = await temporaryDirectory(t)
  const { train } = await someDigits()
  const path = join(directory, 'ten.safetensors')
  const ten = await fit(tiny(), await options()).finished
  await ten.save(path)
  const few = { ...train, classes: train.classes.slice(0, 2), labels: train.labels.map((label) => label % 2) }
  const network = tiny({ name: 'parity', classes: 2 })
  const body = ['stem', 'unit', 'norm']
  const tuned = await fit(
    network,
    await options({ train: few, frozen: body, frozenStatistics: ['unit', 'norm'], initialize: { from: path, except: ['head'] } }),
  ).finished
  for (const [name, { data, shape }] of tuned.tensors) {
    if (body.some((part) => name.startsWith(`${part}.`))) t.deepEqual(data, ten.tensors.get(name)!.data, name)
    else t.is(shape[0], 2, name)
  }
  await t.throwsAsync(fit(network, await options({ train: few, initialize: { from: path } })).finished, {
    code: 'ERR_PARAMETER',
    message: /head\.fc\.weight: expected shape \[2, 8\], got \[10, 8\]/,
  })
  await t.throwsAsync(fit(network, await options({ train: few, initialize: { from: join(directory, 'none') } })).finished, {
    code: 'ERR_FILE',
    message: /no such file/,
  })
})

test('a model file that does not fit is refused before anything is written', async (t) => {
  const path = join(await temporaryDirectory(t), 'model.safetensors')
  const { train } = await someDigits()
  {
    await using session = await compile(tiny({ dropout: 0.5 }), { data: train, prepare: {}, batch: 2, seed: 1 })
    await session.save(path)
  }
  await using other = await compile(tiny(), { data: train, prepare: {}, batch: 2, seed: 2 })
  const before = await other.parameter('stem.weight').read()
  await other.load(path)
  t.notDeepEqual(await other.parameter('stem.weight').read(), before)
  await using wide = await compile(tiny({ channels: 4 }), { data: train, prepare: {}, batch: 2 })
  const start = await wide.parameter('stem.weight').read()
  await t.throwsAsync(wide.load(path, { except: ['stem'] }), { code: 'ERR_PARAMETER', message: /expected shape/ })
  await t.throwsAsync(wide.load(path, { except: ['stemm'] }), { code: 'ERR_OPTION', message: /did you mean "stem"/ })
  t.deepEqual(await wide.parameter('stem.weight').read(), start)
})

test('the output has a directory of its own where one is asked for', async (t) => {
  const output = join(await temporaryDirectory(t), 'deep', 'run')
  await fit(tiny(), await options({ steps: 3, output })).finished
  t.deepEqual((await readdir(output)).map((name) => name.replace(/^events\..*/, 'events')).sort(), ['events', 'manifest.json', 'metrics.jsonl'])
  await fit(tiny(), await options({ steps: 4, output })).finished
  t.deepEqual(
    (await readJsonLines(join(output, 'metrics.jsonl'))).map(({ step }) => step),
    [4],
    'a run from the start replaces the files of an earlier one',
  )
  t.is((await readdir(output)).length, 3)
})
