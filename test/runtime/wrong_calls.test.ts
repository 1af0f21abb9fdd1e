/** Plain mistakes, as JavaScript lets them through: each is an error of ours that says what to do. */
import { join } from 'node:path'
import test from 'ava'
import { loader, memoryDataset, shuffledLabels, subset, type LoadedBatch } from '../../lib/data/index.js'
import { Classifier } from '../../lib/inference/index.js'
import { compile } from '../../lib/runtime/compile.js'
import type { Session } from '../../lib/runtime/session.js'
import { fit } from '../../lib/training/fit.js'
import { sgd } from '../../lib/training/sgd.js'
import { temporaryDirectory } from '../formats/directory.js'
import { someDigits, tiny } from '../training/tiny.js'

const wrong = (value: unknown): never => value as never

/** Each line is an error of the compiler's, or this file does not compile. */
async function refusedByTypes(session: Session, batch: LoadedBatch | null): Promise<void> {
  const rate = { learningRate: 0.1 }
  const x = new Float32Array(1)
  // @ts-expect-error neither a batch nor a loader
  await compile(tiny(), {})
  // @ts-expect-error no batch with a dataset either
  await compile(tiny(), { data: (await someDigits()).train })
  // @ts-expect-error nothing of a batch
  await session.step({}, rate)
  // @ts-expect-error samples without labels
  await session.step({ x }, rate)
  // @ts-expect-error labels without samples
  await session.step({ labels: [0] }, rate)
  // @ts-expect-error pixels and values
  await session.step({ x, images: new Uint8Array(1), labels: [0] }, rate)
  // @ts-expect-error after the last batch there is none
  await session.step(batch, rate)
  if (batch !== null) await session.step(batch, rate)
}

test('what types refuse', (t) => {
  t.is(typeof refusedByTypes, 'function')
})

test('compile', async (t) => {
  const split = await someDigits()
  for (const [network, options, message] of [
    [null, { batch: 2 }, /compile: expected a network, got null/],
    ['preresnet-20', { batch: 2 }, /compile: expected a network, got "preresnet-20"/],
    [Promise.resolve(tiny()), { batch: 2 }, /compile: expected a network, got a promise; await it/],
    [tiny(), undefined, /compile: expected an object of options, got undefined/],
    [tiny(), {}, /compile: batch: expected an integer/],
    [tiny(), { batch: 2, data: someDigits() }, /compile: data: expected a dataset, got a promise; await it/],
    [tiny(), { batch: 2, data: split }, /compile: data: expected a dataset, got \{ train, test \}: choose one of them/],
    [tiny(), { batch: 2, data: null }, /compile: data: expected a dataset, got null/],
    [tiny(), { batch: 2, data: 'digits' }, /compile: data: expected a dataset, got "digits"/],
    [tiny(), { batch: 2, optimizer: 'sgd' }, /compile: optimizer: expected an optimizer, such as sgd\(\), got "sgd"/],
    [tiny(), { batch: 2, optimizer: { lr: 1 } }, /compile: optimizer: expected an optimizer/],
    [tiny(), { batch: 2, optimizer: { kind: 'sgd' } }, /compile: optimizer: expected an optimizer/],
    [tiny(), { batch: 2, optimizer: null }, /compile: optimizer: expected an optimizer/],
  ] as const) {
    await t.throwsAsync(compile(wrong(network), wrong(options)), { name: 'PreresnetError', code: 'ERR_OPTION', message })
  }
})

test('steps and evaluations', async (t) => {
  const split = await someDigits()
  await using session = await compile(tiny(), { data: split.train, prepare: {}, batch: 2, optimizer: sgd() })
  const batch = { images: new Uint8Array(2 * 784), labels: [0, 1] }
  for (const [options, message] of [
    [undefined, /step: expected an object of options/],
    [{}, /learningRate: expected a number, a schedule or a function of the step, got undefined/],
    [{ learningRate: null }, /learningRate: expected .* got null/],
    [{ learningRate: {} }, /learningRate: expected .* got \{\}/],
    [{ learningRate: async () => 0.1 }, /learningRate of step 0: expected .* got a promise; await it/],
    [{ learningRate: 0.1, signal: 'x' }, /signal: expected an AbortSignal, got "x"/],
    [{ learningRate: 0.1, checkFinite: 'no' }, /checkFinite: expected true or false/],
  ] as const) {
    await t.throwsAsync(session.step(batch, wrong(options)), { name: 'PreresnetError', code: 'ERR_OPTION', message })
  }
  for (const [data, message] of [
    [split, /evaluate: expected a dataset, got \{ train, test \}/],
    [undefined, /evaluate: expected a dataset, got undefined/],
    [null, /evaluate: expected a dataset, got null/],
    [Promise.resolve(split.test), /evaluate: expected a dataset, got a promise; await it/],
  ] as const) {
    await t.throwsAsync(session.evaluate(wrong(data)), { name: 'PreresnetError', code: 'ERR_OPTION', message })
  }
  await t.throwsAsync(session.evaluate(split.test, { signal: wrong('x') }), { code: 'ERR_OPTION', message: /evaluate: signal: expected an AbortSignal/ })
  await t.throwsAsync(session.infer({ images: batch.images }, { signal: wrong('x') }), {
    code: 'ERR_OPTION',
    message: /infer: signal: expected an AbortSignal/,
  })
  t.throws(() => session.parameter(wrong(undefined)), {
    name: 'PreresnetError',
    code: 'ERR_PARAMETER',
    message: /no parameter undefined .*there are such as "stem\.weight" or/,
  })

  await using values = await compile(tiny(), { batch: 2, optimizer: sgd(), softTargets: true })
  await t.throwsAsync(values.evaluate(split.test), { name: 'PreresnetError', code: 'ERR_OPTION', message: /compiled without `prepare` and takes values/ })
  const x = new Float32Array(2 * 784)
  await t.throwsAsync(values.step({ x, targets: wrong(Array(20).fill(0.1)) }, { learningRate: 0.1 }), {
    name: 'PreresnetError',
    code: 'ERR_OPTION',
    message: /batch\.targets: expected a Float32Array or Float64Array of 20/,
  })
})

test('model files', async (t) => {
  const { train } = await someDigits()
  const path = join(await temporaryDirectory(t), 'model.safetensors')
  const trained = await fit(tiny(), { train, batch: 8, steps: 1, learningRate: 0.1 }).finished
  await using session = await compile(tiny(), { data: train, prepare: {}, batch: 2 })
  const option = { name: 'PreresnetError', code: 'ERR_OPTION' }
  await t.throwsAsync(session.save(path, wrong({ format: 1 })), { ...option, message: /save: unknown option "format"/ })
  await t.throwsAsync(session.load(path, wrong({ strict: false })), { ...option, message: /load: unknown option "strict"/ })
  await t.throwsAsync(session.save(wrong(undefined)), { ...option, message: /file to write: expected a path as a string/ })
  await t.throwsAsync(trained.save(wrong(undefined)), { ...option, message: /file to write: expected a path as a string/ })
  await t.throwsAsync(session.load(wrong(undefined)), { ...option, message: /file to read: expected a path as a string/ })
  await t.throwsAsync(Classifier.load(wrong(undefined)), { ...option, message: /file to read: expected a path as a string/ })
})

test('data', async (t) => {
  const split = await someDigits()
  const option = { name: 'PreresnetError', code: 'ERR_OPTION' }
  const images = new Uint8Array(32)
  const size = { height: 4, width: 4, channels: 1, classes: 2 }
  await t.throwsAsync(memoryDataset(wrong({ images, ...size })), {
    ...option,
    message: /memoryDataset: labels: expected an Int32Array or an array of numbers, got undefined/,
  })
  const set = await memoryDataset({ images, labels: [0, 1], ...size })
  for (const [prepare, message] of [
    [undefined, /compile: prepare: expected how images are prepared beside `data`, as \{\} for the defaults, got undefined/],
    [[], /compile: prepare: expected an object of options/],
    [{ normalization: { mean: [0], deviation: [1] } }, /compile: prepare\.normalization: unknown option "deviation"/],
    [{ evaluate: 'resize' }, /compile: prepare\.evaluate: expected a list of steps/],
    [{ evaluate: [null] }, /compile: prepare\.evaluate\[0\]: expected a step, as centerCrop\(\), got null/],
    [{ evaluate: [{ kind: 'resiz' }] }, /compile: prepare\.evaluate\[0\]: kind: .*did you mean "resize"/],
  ] as const) {
    await t.throwsAsync(compile(tiny(), { data: set, batch: 2, prepare: wrong(prepare) }), { ...option, message })
  }
  await t.throwsAsync(compile(tiny(), { batch: 2, prepare: {} }), { ...option, message: /prepare\.normalization: expected mean and std, or `data` to measure/ })
  t.throws(() => loader(wrong(split), { batch: 2 }), { ...option, message: /loader: expected a dataset, got \{ train, test \}/ })
  t.throws(() => loader(wrong(undefined), { batch: 2 }), { ...option, message: /loader: expected a dataset, got undefined/ })
  t.throws(() => subset(split.train, wrong(3)), { ...option, message: /subset of train: expected indices, as an array, got 3/ })
  t.throws(() => subset(wrong(split), [0]), { ...option, message: /subset: expected a dataset/ })
  t.throws(() => shuffledLabels(wrong(split), 0), { ...option, message: /shuffledLabels: expected a dataset/ })
  t.throws(() => fit(tiny(), { train: wrong(split), steps: 1, learningRate: 0.1 }), {
    ...option,
    message: /fit: train: expected a dataset, got \{ train, test \}/,
  })
  t.throws(() => fit(tiny(), { train: wrong(someDigits()), steps: 1, learningRate: 0.1 }), { ...option, message: /fit: train: .* a promise; await it/ })
})
