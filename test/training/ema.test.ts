/** Moving averages in sessions and runs; test/ops and test/goldens say what a step of theirs is. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { memoryDataset } from '../../lib/data/index.js'
import { listCheckpoints } from '../../lib/training/checkpoint.js'
import { fit } from '../../lib/training/fit.js'
import type { FitOptions } from '../../lib/training/fit_options.js'
import { compile } from '../../lib/runtime/compile.js'
import type { Session } from '../../lib/runtime/session.js'
import { temporaryDirectory } from '../formats/directory.js'
import { randomBytes } from '../support/bytes.js'
import { BATCH, openSmall } from '../support/emulated.js'
import { open, valuesBatch } from '../support/session.js'
import { someDigits, tiny } from './tiny.js'

const namesOf = (session: Session): string[] => [...session.parameterNames, ...session.bufferNames]

test('averages follow parameters and running statistics: copies first, then every few steps', async (t) => {
  const [decay, every, after] = [0.75, 2, 1]
  const session = await open(t, { device: 'reference', precision: 'fp64', batch: 4, ema: { decay, every, after } })
  const expected = new Map<string, Float64Array>()
  for (let step = 0; step < 6; step++) {
    await session.step(valuesBatch(4), { learningRate: 0.1 })
    for (const name of namesOf(session)) {
      const now = Float64Array.from(await session.parameter(name).read())
      const before = expected.get(name)
      if (step <= after || before === undefined) expected.set(name, now)
      else if (step % every === 0)
        expected.set(
          name,
          before.map((value, i) => decay * value + (1 - decay) * now[i]!),
        )
    }
  }
  for (const [name, values] of expected) {
    const got = await session.average(name).read()
    values.forEach((value, i) => t.true(Math.abs(value - got[i]!) <= 1e-12 * (1 + Math.abs(value)), name))
  }
  t.notDeepEqual([...(await session.average('stem.weight').read())], [...(await session.parameter('stem.weight').read())])
})

const prepare = { normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } }
const pixels = (count: number, seed: number): { images: Uint8Array; labels: Int32Array } => ({
  images: randomBytes(count * 8 * 8 * 3, seed),
  labels: Int32Array.from({ length: count }, (_, image) => (image * 3 + seed) % 10),
})

for (const [name, options] of Object.entries({
  cpu: { device: 'cpu', precision: 'fp32' },
  'the emulated GPU in fp32': { precision: 'fp32' },
  'the emulated GPU in fp16, whose convolutions read copies': { precision: 'fp16' },
} as const)) {
  test(`what evaluates averages is what evaluates a session that has them as its weights: ${name}`, async (t) => {
    const session = await openSmall(8, {}, { ...options, prepare, ema: { decay: 0.9 } })
    const plain = await openSmall(8, {}, { ...options, prepare })
    t.teardown(async () => {
      await session.dispose()
      await plain.dispose()
    })
    for (let step = 0; step < 4; step++) await session.step(pixels(BATCH, step), { learningRate: 0.1 })
    for (const parameter of namesOf(session)) await plain.parameter(parameter).write(await session.average(parameter).read())
    const { programs } = session
    t.true(programs.programs['train']!.operations.some(({ op }) => op === 'ema'))
    const averaged = programs.programs['evaluate@ema']!.operations
    t.is(averaged.filter(({ op }) => op === 'compute_weights').length, options.precision === 'fp16' ? 1 : 0)
    const data = await memoryDataset({ ...pixels(10, 7), height: 8, width: 8, channels: 3, classes: 10 })
    const [ofAverages, ofWeights, trained] = [await session.evaluate(data, { weights: 'ema' }), await plain.evaluate(data), await session.evaluate(data)]
    t.deepEqual(ofAverages.predictions, ofWeights.predictions)
    t.is(ofAverages.loss, ofWeights.loss)
    t.not(ofAverages.loss, trained.loss)
  })
}

test('a run that is killed and goes on ends with the same averages; they are what is validated and saved', async (t) => {
  const base = await temporaryDirectory(t)
  const [straight, broken] = [join(base, 'straight'), join(base, 'broken')]
  const { train, test: validate } = await someDigits()
  const options = (directory: string, use: 'ema' | 'trained', threads = 1): FitOptions => ({
    train,
    validate,
    batch: 8,
    precision: 'fp32',
    steps: 120,
    validateEvery: 60,
    seed: 5,
    threads,
    learningRate: 0.05,
    ema: { decay: 0.95, use },
    checkpoint: { directory, every: 20, resume: true },
  })
  const whole = await fit(tiny(), options(straight, 'ema')).finished
  const run = fit(tiny(), options(broken, 'trained', 2))
  for await (const event of run.events) if (event.kind === 'checkpoint') break
  await run[Symbol.asyncDispose]()
  await t.throwsAsync(run.finished, { code: 'ERR_ABORTED' })
  t.true((await listCheckpoints(broken)).at(-1)!.step < 120)
  await t.throwsAsync(fit(tiny(), { ...options(broken, 'ema'), ema: { decay: 0.5 } }).finished, {
    code: 'ERR_CHECKPOINT',
    message: /ema\.decay: 0\.95 before, 0\.5 now/,
  })
  const raw = await fit(tiny(), options(broken, 'trained', 1)).finished
  const files = await Promise.all(
    [straight, broken].map(async (directory) => {
      const { path } = (await listCheckpoints(directory)).at(-1)!
      return Promise.all(['model', 'optimizer', 'ema'].map((file) => readFile(join(path, `${file}.safetensors`))))
    }),
  )
  t.deepEqual(files[0], files[1])
  const model = join(base, 'model.safetensors')
  await whole.save(model)
  const session = await compile(tiny(), { batch: 10, precision: 'fp32', threads: 1, prepare: whole.description.prepare! })
  t.teardown(() => session.dispose())
  await session.load(model)
  t.is((await session.evaluate(validate)).top1Errors, whole.validation!.top1Errors)
  t.notDeepEqual([...whole.tensors.get('stem.weight')!.data], [...raw.tensors.get('stem.weight')!.data])
})

test('refused: averages of a session that trains nothing, and weights that are not there', async (t) => {
  const gray = { normalization: { mean: [0.5], std: [0.5] } }
  await t.throwsAsync(compile(tiny(), { batch: 8, prepare: gray, ema: { decay: 0.9 } }), { code: 'ERR_OPTION', message: /ema: expected an optimizer beside/ })
  const session = await open(t, { device: 'reference', batch: 8, prepare: gray })
  const { test: data } = await someDigits()
  await t.throwsAsync(session.evaluate(data, { weights: 'ema' }), { code: 'ERR_OPTION', message: /evaluate: weights: .*without `ema`/ })
  await t.throwsAsync(session.save('nowhere', { weights: 'ema' }), { code: 'ERR_OPTION', message: /save: weights: .*without `ema`/ })
  t.throws(() => session.average('stem.weight'), { code: 'ERR_PARAMETER' })
  const averaged = await open(t, { device: 'reference', batch: 8, prepare: gray, ema: { decay: 0.9 } })
  await t.throwsAsync(averaged.evaluate(data, { weights: 'ema', crops: '10' }), { code: 'ERR_OPTION', message: /crops: expected "1" for moving averages/ })
})
