/** Sessions: what they keep and say, steps, evaluation, ends. */
import test from 'ava'
import type { PreresnetError } from '../../lib/errors.js'
import { randomCrop } from '../../lib/data/index.js'
import { preResNet } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { inTurn } from '../../lib/runtime/internals.js'
import type { BatchSize, SessionOptions } from '../../lib/runtime/session_options.js'
import type { Session } from '../../lib/runtime/session.js'
import { sgd } from '../../lib/training/sgd.js'
import { allValues, open, relative, valuesBatch } from '../support/session.js'
import { someDigits, tiny, trainingLoader } from '../training/tiny.js'

test('a session says what it took and what it needs', async (t) => {
  const session = await open(t)
  t.is(session.device, 'cpu')
  t.is(session.precision, 'fp32')
  t.regex(session.precisionReason, /PRERESNET_AUTO_PRECISION/)
  t.is((await open(t, { precision: 'fp32' })).precisionReason, 'the option names it')
  t.is(session.batch, 8)
  t.is(session.classes, 10)
  t.is(session.stepIndex, 0)
  t.true(session.memory.total > 0 && session.memory.total <= session.memory.available)
})

test('steps count, report and lower the loss', async (t) => {
  const session = await open(t)
  const first = await session.steps(20, { learningRate: 0.05 })
  t.is(first.firstStep, 0)
  t.is(first.losses.length, 20)
  t.is(first.samples, 160)
  t.true(relative(first.loss, first.losses.reduce((sum, loss) => sum + loss, 0) / 20) < 1e-6)
  t.is(first.top1Error, (160 - first.top1Hits) / 160)
  t.is(first.top1Accuracy, first.top1Hits / 160)
  const last = await session.steps(60, { learningRate: () => 0.05 })
  t.is(session.stepIndex, 80)
  t.is(last.firstStep, 20)
  t.true(last.loss < first.loss)
})

test('several steps in one call are the same as one after another, with any number of threads', async (t) => {
  const rate = (step: number): number => 0.1 / (1 + step)
  const one = await open(t, {}, tiny({ dropout: 0.3 }))
  const other = await open(t, { threads: 2 }, tiny({ dropout: 0.3 }))
  await one.steps(9, { learningRate: { at: rate } })
  for (let step = 0; step < 9; step += 3) await other.steps(3, { learningRate: rate })
  t.deepEqual(await allValues(other), await allValues(one))
})

test('start values hang on seed and names alone', async (t) => {
  const [one, same, other] = [await open(t), await open(t, { device: 'reference' }), await open(t, { seed: 4 })]
  const stem = await one.parameter('stem.weight').read()
  t.deepEqual(Float32Array.from(await same.parameter('stem.weight').read()), stem)
  t.notDeepEqual(await other.parameter('stem.weight').read(), stem)
  const norms = await one.parameter(one.bufferNames.find((name) => name.endsWith('running_var'))!).read()
  t.true(norms.every((value) => value === 1))
})

test('devices agree', async (t) => {
  const cpu = await open(t)
  const reference = await open(t, { device: 'reference' })
  t.is(reference.precision, 'fp64')
  const [a, b] = [await cpu.steps(3, { learningRate: 0.01 }), await reference.steps(3, { learningRate: 0.01 })]
  a.losses.forEach((loss, step) => t.true(relative(loss, b.losses[step]!) < 1e-4, `step ${step}: ${loss} ${b.losses[step]!}`))
})

test('handles give shape, type and values, and take values', async (t) => {
  const session = await open(t)
  const weight = session.parameter('stem.weight')
  t.deepEqual(weight.shape, [8, 1, 5, 5])
  t.is(weight.dtype, 'f32')
  const values = Float32Array.from({ length: 200 }, (_, index) => index / 7)
  await weight.write(values)
  t.deepEqual(await weight.read(), values)
  t.deepEqual(weight.view(), values)
  if (weight.shared) {
    await weight.write(new Float32Array(200))
    t.is(weight.view()[5], 0)
  }
  await t.throwsAsync(weight.write([1, 2]), { code: 'ERR_PARAMETER', message: /stem\.weight: expected 200 values for shape \[8, 1, 5, 5\], got 2/ })
  await t.throwsAsync(weight.write(Array<number>(200).fill(1e39)), { code: 'ERR_PARAMETER', message: /expected finite values of 32 bits, got 1e\+39/ })
  await t.throwsAsync(weight.write(values.fill(NaN)), { code: 'ERR_PARAMETER', message: /finite/ })
  await t.throwsAsync(weight.write('1' as never), { code: 'ERR_PARAMETER', message: /got "1"/ })
  t.throws(() => session.parameter('stem.wieght'), { code: 'ERR_PARAMETER', message: /"stem\.wieght"; did you mean "stem\.weight"/ })
})

test('the state of the optimizer is read and written', async (t) => {
  const session = await open(t, { optimizer: sgd({ momentum: 0.5, weightDecay: 0 }) })
  const start = await session.parameter('stem.weight').read()
  await session.steps(1, { learningRate: 1 })
  const velocity = await session.optimizerState('stem.weight').read()
  const gradient = await session.gradient('stem.weight').read()
  const after = await session.parameter('stem.weight').read()
  t.deepEqual(velocity, gradient)
  after.forEach((value, index) => t.true(Math.abs(value - (start[index]! - velocity[index]!)) < 1e-6))
  await session.optimizerState('stem.weight').write(velocity.fill(1))
  await session.steps(1, { learningRate: 0 })
  const [kept, next] = [await session.optimizerState('stem.weight').read(), await session.gradient('stem.weight').read()]
  kept.forEach((value, index) => t.true(Math.abs(value - 0.5 - next[index]!) < 1e-5))
})

test('a name that is near by its parts is suggested', async (t) => {
  const session = await compile(preResNet({ family: 'cifar', depth: 14, input: { height: 8, width: 8, channels: 1 }, classes: 3 }), {
    batch: 1,
    precision: 'fp32',
  })
  t.teardown(() => session.dispose())
  const said = (name: string): string => t.throws(() => session.parameter(name), { code: 'ERR_PARAMETER' }).message
  t.regex(said('stem.wieght'), /no parameter "stem\.wieght"; did you mean "stem\.conv\.weight"\?/)
  t.regex(said('stem.conv.wieght'), /did you mean "stem\.conv\.weight"\?/)
  t.regex(said('fc.wieght'), /did you mean "head\.fc\.weight"\?/)
  t.regex(said('conv2.wieght'), /did you mean "stages\.0\.blocks\.0\.conv2\.weight" or "stages\.0\.blocks\.1\.conv2\.weight" or "stages\.1/)
  t.regex(said('nothing like it'), /there are such as "stem\.conv\.weight" or .* \(of \d+\)/)
})

test('without evaluation a session infers the same, plans less, and says what it cannot', async (t) => {
  const options = { batch: 6, seed: 3, device: 'cpu', precision: 'fp32' } as const
  await using whole = await compile(tiny(), options)
  await using lean = await compile(tiny(), { ...options, evaluation: false })
  const { x } = valuesBatch(6)
  t.deepEqual(await lean.infer({ x }), await whole.infer({ x }))
  t.true(lean.memory.total < whole.memory.total)
  await t.throwsAsync(lean.evaluate((await someDigits()).test), { code: 'ERR_OPTION', message: 'evaluate: the session was compiled with evaluation: false' })
})

test('evaluation counts every sample once', async (t) => {
  const { train, test: images } = await someDigits()
  const session = await open(t)
  await session.steps(1000, { learningRate: 0.1 })
  t.not(images.length % session.batch, 0, 'the last batch is short')
  const evaluation = await session.evaluate(images)
  t.is(evaluation.samples, images.length)
  t.is(evaluation.predictions.length, images.length)
  const errors = evaluation.predictions.filter((guess, index) => guess !== images.labels[index]).length
  t.is(evaluation.top1Errors, errors)
  t.is(evaluation.top1Error, errors / images.length)
  t.is(evaluation.top1Accuracy, (images.length - errors) / images.length)
  t.true(evaluation.top5Errors <= errors)
  t.is(evaluation.top5Error, evaluation.top5Errors / images.length)
  t.is(evaluation.top5Accuracy, (images.length - evaluation.top5Errors) / images.length)
  t.true(evaluation.top1Error < 0.6, `learned something: ${evaluation.top1Error}`)
  const { counts, classes } = evaluation.confusion
  for (let label = 0; label < classes; label++) {
    const row = counts.subarray(label * classes, (label + 1) * classes)
    t.is(
      row.reduce((sum, count) => sum + count, 0),
      images.labels.filter((other) => other === label).length,
    )
    t.is(row[label], images.labels.filter((other, index) => other === label && evaluation.predictions[index] === label).length)
  }
  t.deepEqual((await session.evaluate(images)).predictions, evaluation.predictions, 'evaluation changes nothing')
  t.is(session.stepIndex, 1000)
  await session.steps(1, { learningRate: 0.05 })
  t.is((await session.evaluate(train)).samples, train.length)
})

test("evaluation's loss is that of the probabilities", async (t) => {
  const { test: images } = await someDigits()
  const session = await open(t, { device: 'reference' })
  await session.steps(5, { learningRate: 0.05 })
  const { loss, predictions } = await session.evaluate(images)
  let sum = 0
  const source = images.source as { images: Uint8Array }
  for (let begin = 0; begin < images.length; begin += 8) {
    const batch = new Uint8Array(8 * 784)
    batch.set(source.images.subarray(begin * 784, (begin + 8) * 784))
    await session.infer({ images: batch })
    const probabilities = (await inTurn(session, (native) => native.read('probabilities'))) as Float64Array // As they are before rounding to fp32.
    for (let index = begin; index < Math.min(begin + 8, images.length); index++) {
      const row = probabilities.subarray((index - begin) * 10, (index - begin + 1) * 10)
      t.is(row.indexOf(Math.max(...row)), predictions[index]!)
      sum -= Math.log(row[images.labels[index] ?? -1] ?? NaN)
    }
  }
  t.true(relative(sum / images.length, loss) < 1e-9)
})

test('a loss that is not finite stops with the operation that made it', async (t) => {
  const session = await open(t)
  const error = await t.throwsAsync(session.steps(50, { learningRate: 1e30 }), { code: 'ERR_NOT_FINITE' })
  t.regex(error.message, /step \d+/)
  t.true(
    session.graph.nodes.some(({ name }) => name !== '' && error.message.includes(name)),
    error.message,
  )
})

test('an abort ends a call between operations and keeps its reason', async (t) => {
  const session = await open(t)
  const controller = new AbortController()
  const reason = new Error('enough')
  setImmediate(() => controller.abort(reason))
  const error = await t.throwsAsync<PreresnetError>(session.steps(1_000_000, { learningRate: 0.001, signal: controller.signal }), {
    code: 'ERR_ABORTED',
    message: 'aborted: enough',
  })
  t.is(error.cause, reason)
  t.true(session.stepIndex < 1_000_000)
  const before = session.stepIndex
  await t.throwsAsync(session.steps(1, { learningRate: 0.1, signal: controller.signal }), { code: 'ERR_ABORTED' })
  t.is(session.stepIndex, before)
  await session.steps(2, { learningRate: 0.001 })
  t.is(session.stepIndex, before + 2)
})

test('an abort ends only the call it belongs to', async (t) => {
  const session = await open(t)
  const controller = new AbortController()
  const aborted = session.steps(1_000_000, { learningRate: 0.001, signal: controller.signal })
  const next = session.steps(2, { learningRate: 0.001 })
  controller.abort()
  await t.throwsAsync(aborted, { code: 'ERR_ABORTED' })
  t.is((await next).steps, 2)
})

test('disposal ends what is running; afterwards every call is an error', async (t) => {
  const session = await open(t)
  const weight = session.parameter('stem.weight')
  const running = session.steps(1_000_000, { learningRate: 0.001 })
  const waiting = session.steps(1, { learningRate: 0.001 })
  const ended = Promise.all([t.throwsAsync(running, { code: 'ERR_ABORTED', message: /disposed of/ }), t.throwsAsync(waiting, { code: 'ERR_ABORTED' })])
  await Promise.all([session.dispose(), session.dispose()])
  await ended
  await t.throwsAsync(session.steps(1, { learningRate: 0.1 }), { code: 'ERR_DISPOSED' })
  await t.throwsAsync(weight.read(), { code: 'ERR_DISPOSED' })
  t.throws(() => session.parameter('stem.weight'), { code: 'ERR_DISPOSED' })
  t.throws(() => session.memory, { code: 'ERR_DISPOSED' })
})

test('await using disposes', async (t) => {
  let kept: Session
  {
    await using session = await compile(tiny(), { batch: 2 })
    kept = session
  }
  t.throws(() => kept.memory, { code: 'ERR_DISPOSED' })
})

const bad: [string, () => SessionOptions | Promise<SessionOptions>, string, RegExp][] = [
  ['a misspelt option', () => ({ batch: 2, sed: 1 }) as SessionOptions, 'ERR_OPTION', /did you mean "seed"/],
  ['no batch', () => ({}), 'ERR_OPTION', /compile: batch/],
  ['fp64 on CUDA', () => ({ batch: 2, device: 'cuda', precision: 'fp64' }), 'ERR_DEVICE', /fp32, got "fp64"/],
  ['CUDA settings on the CPU', () => ({ batch: 2, device: 'cpu', cuda: { eager: true } }), 'ERR_OPTION', /cuda: expected none on device cpu/],
  ['a misspelt CUDA setting', () => ({ batch: 2, cuda: { eagre: true } as never }), 'ERR_OPTION', /did you mean "eager"/],
  ['another batch than the loader', async () => ({ data: await trainingLoader(), batch: 9 }), 'ERR_OPTION', /the loader's 8, got 9/],
  ['frozen parameters without an optimizer', () => ({ batch: 2, frozen: ['stem'] }), 'ERR_OPTION', /an optimizer beside/],
  ['groups that do not divide the batch', () => ({ batch: 3, statisticsGroups: 2, optimizer: sgd() }), 'ERR_OPTION', /divisor of the batch \(3\)/],
]

for (const [name, options, code, message] of bad) {
  test(`refused: ${name}`, async (t) => {
    await t.throwsAsync(
      Promise.resolve(options()).then((resolved) => compile(tiny(), resolved as SessionOptions & BatchSize)),
      { code, message },
    )
  })
}

test('what cannot train says so', async (t) => {
  const { train } = await someDigits()
  await using session = await compile(tiny(), { data: train, prepare: {}, batch: 4 })
  await t.throwsAsync(session.step({ images: new Uint8Array(4 * 784), labels: [0, 1, 2, 3] }, { learningRate: 1 }), {
    code: 'ERR_OPTION',
    message: /without an optimizer/,
  })
  const other = await open(t, { batch: 4 })
  await t.throwsAsync(other.steps(1, { learningRate: 1 }), { code: 'ERR_OPTION', message: /no loader/ })
  const loading = await open(t)
  await using mismatched = await trainingLoader({ prepare: { train: [randomCrop({ pad: 2 })] } })
  await t.throwsAsync(loading.steps(1, { learningRate: 1, loader: mismatched }), { code: 'ERR_OPTION', message: /a training loader of batch 8 and pad 0/ })
})
