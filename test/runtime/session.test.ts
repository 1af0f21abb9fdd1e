import test, { type ExecutionContext } from 'ava'
import type { PreresnetError } from '../../lib/errors.js'
import { flip, loader, memoryDataset, randomCrop, type MemorySource } from '../../lib/data/index.js'
import { preResNet } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import type { BatchSize, SessionOptions } from '../../lib/runtime/session_options.js'
import type { Session } from '../../lib/runtime/session.js'
import { sgd } from '../../lib/training/sgd.js'
import { someDigits, tiny, trainingLoader } from '../training/tiny.js'

/** On the first device unless `options` say otherwise; disposed of after the test. */
async function open(t: ExecutionContext, options: SessionOptions = {}, network = tiny()): Promise<Session> {
  const data = options.batch === undefined && options.data === undefined ? await trainingLoader() : undefined
  const session = await compile(network, { optimizer: sgd(), seed: 3, threads: 1, ...(data && { data }), ...options } as SessionOptions & BatchSize)
  t.teardown(async () => {
    await session.dispose()
    await data?.close()
  })
  return session
}

async function allValues(session: Session): Promise<Record<string, Float32Array | Float64Array>> {
  const values: Record<string, Float32Array | Float64Array> = {}
  for (const name of [...session.parameterNames, ...session.bufferNames]) values[name] = await session.parameter(name).read()
  for (const name of session.trainedNames) values[`velocity ${name}`] = await session.optimizerState(name).read()
  return values
}

const relative = (a: number, b: number): number => Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b))

test('a session says what it took and what it needs', async (t) => {
  const session = await open(t)
  t.is(session.device, 'cpu')
  t.is(session.precision, 'fp32')
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

test('a batch of the caller is the same as the loader with that batch', async (t) => {
  await using batches = await trainingLoader({ prepare: { train: [randomCrop({ pad: 2 }), flip()] } })
  const one = await open(t, { data: batches })
  const other = await open(t, { data: batches })
  await one.steps(2, { learningRate: 0.1 })
  for (const index of [0, 1]) {
    const { images, labels, placement } = (await batches.next(index))!
    await other.step({ images, labels, placement }, { learningRate: 0.1 })
  }
  t.deepEqual(await allValues(other), await allValues(one))
})

test('a batch that does not fit is refused', async (t) => {
  const session = await open(t)
  const images = new Uint8Array(8 * 28 * 28)
  const labels = new Int32Array(8)
  const rate = { learningRate: 0.1 }
  await t.throwsAsync(session.step({ images: images.subarray(1), labels }, rate), {
    code: 'ERR_OPTION',
    message: /batch\.images: expected 6272 values, got 6271/,
  })
  await t.throwsAsync(session.step({ images, labels: [0] }, rate), { code: 'ERR_OPTION', message: /batch\.labels: expected 8 values, got 1/ })
  await t.throwsAsync(session.step({ images, labels: labels.with(3, 10) }, rate), {
    code: 'ERR_DATASET',
    message: /labels\[3\]: expected a class from 0 to 9, or -1, got 10/,
  })
  await t.throwsAsync(session.step({ images, labels, placement: new Int32Array(24).fill(1) }, rate), {
    code: 'ERR_OPTION',
    message: /placement\[0\]: expected 0 to 0, got 1/,
  })
  await t.throwsAsync(session.step({ x: new Float32Array(1), labels }, rate), { code: 'ERR_OPTION', message: /takes u8 pixels, got a Float32Array of 1$/ })
  await t.throwsAsync(session.step({ images, labels, targets: new Float32Array(80) }, rate), { code: 'ERR_OPTION', message: /without softTargets/ })
  await t.throwsAsync(session.step({ image: images, labels } as never, rate), { code: 'ERR_OPTION', message: /did you mean "images"/ })
  await t.throwsAsync(session.step({ images, labels }, { learningRate: -1 }), { code: 'ERR_OPTION', message: /learningRate of step 0/ })
  t.is(session.stepIndex, 0)
  await session.step({ images, labels }, rate)
  t.is(session.stepIndex, 1, 'after an error the session goes on')
})

test('what a loader gives is a batch as it is', async (t) => {
  await using batches = await trainingLoader({ prepare: { train: [randomCrop({ pad: 2 }), flip()] } })
  const one = await open(t, { data: batches })
  const other = await open(t, { data: batches })
  await one.steps(2, { learningRate: 0.1 })
  for (const index of [0, 1]) await other.step((await batches.next(index))!, { learningRate: 0.1 })
  t.deepEqual(await allValues(other), await allValues(one))

  // The last batch of an evaluation: what fills it up does not count.
  await using rest = await trainingLoader({ mode: 'evaluate' })
  const last = (await rest.next(rest.batches - 1))!
  t.is(last.count, 7)
  const plain = await open(t)
  t.is((await plain.step(last, { learningRate: 0.1 })).samples, 7)
  await t.throwsAsync(plain.step({ ...last, count: 8 }, { learningRate: 0.1 }), { code: 'ERR_OPTION', message: /batch\.count: expected 7, the labels/ })
  const message = /border of 0: for the crops of a loader give compile\(\) that loader/
  await t.throwsAsync(plain.step((await batches.next(0))!, { learningRate: 0.1 }), { code: 'ERR_OPTION', message })
})

test('classes of an evaluation are those of the session, by name', async (t) => {
  const { train, test: images } = await someDigits()
  const session = await open(t)
  const evaluate = (classes: readonly string[]): Promise<unknown> => session.evaluate({ ...images, classes })
  await t.throwsAsync(evaluate(train.classes.toSpliced(3, 2, '4', '3')), {
    code: 'ERR_DATASET',
    message: /test: expected the classes of the session \(0, 1, 2.*\), got 0, 1, 2, 4, 3.*; the first that differs is class 3: "3" and "4"/,
  })
  await t.throwsAsync(evaluate(train.classes.slice(0, 9)), { code: 'ERR_DATASET', message: /class 9: "9" and "none"/ })
  await using feed = loader({ ...images, classes: train.classes.with(0, 'nought') }, { batch: 8, mode: 'evaluate' })
  await t.throwsAsync(session.evaluate(feed), { code: 'ERR_DATASET', message: /class 0: "0" and "nought"/ })
  await evaluate([...train.classes])
})

test('images of more classes than outputs are refused, with both names', async (t) => {
  const { train, test: images } = await someDigits()
  const seven = tiny({ name: 'seven', classes: 7 })
  const says = (where: string): RegExp =>
    new RegExp(
      `^${where}: expected at most 7 classes, as network "seven" has outputs, got the 10 of dataset ${where === 'evaluate' ? 'test' : 'train'} \\(0, 1`,
    )
  await t.throwsAsync(compile(seven, { data: train, prepare: {}, batch: 8, threads: 1 }), { code: 'ERR_DATASET', message: says('compile: data') })
  await using batches = await trainingLoader()
  await t.throwsAsync(compile(seven, { data: batches, threads: 1 }), { code: 'ERR_DATASET', message: says('compile: data') })
  const some = { ...train, classes: train.classes.slice(0, 7), labels: train.labels.map((label) => label % 7) }
  const session = await open(t, { data: some, prepare: {}, batch: 8 }, seven)
  await t.throwsAsync(session.steps(1, { learningRate: 0.1, loader: batches }), { code: 'ERR_DATASET', message: says('steps: loader') })
  await t.throwsAsync(session.evaluate(images), { code: 'ERR_DATASET', message: says('evaluate') })
  await open(t, { data: train, prepare: {}, batch: 8 }, tiny({ classes: 12 }))
})

test('a label of none of the outputs: dataset and network are named', async (t) => {
  const { train } = await someDigits()
  const wrong = { ...train, name: 'wrong', labels: train.labels.map(() => 11) }
  await using batches = loader(wrong, { batch: 8 })
  const session = await open(t, { data: batches })
  const message = /^dataset wrong, network "tiny": label of image 0: expected -1 to 9, got 11/
  await t.throwsAsync(session.steps(1, { learningRate: 0.1 }), { code: 'ERR_DATASET', message })
  await t.throwsAsync(session.evaluate(wrong), { code: 'ERR_DATASET', message })
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

test('no batch at all is not the former one', async (t) => {
  const session = await open(t)
  const rate = { learningRate: 0.1 }
  const before = await allValues(session)
  await session.step({ images: new Uint8Array(8 * 28 * 28), labels: new Int32Array(8) }, { learningRate: 0 })
  for (const none of [undefined, null, 3, []])
    await t.throwsAsync(session.step(none as never, rate), { code: 'ERR_OPTION', message: /step: batch: expected an object of images or x, and labels, got/ })
  t.is(session.stepIndex, 1)
  t.deepEqual(await session.parameter('stem.weight').read(), before['stem.weight'])
})

test('labels are classes, not what could be made one', async (t) => {
  const session = await open(t, { batch: 4 })
  const { x, labels } = valuesBatch(4)
  for (const [bad, said] of [
    ['cat', '"cat" (type string)'],
    ['1', '"1" (type string)'],
    [NaN, 'NaN (type number)'],
    [1.5, '1.5 (type number)'],
    [2 ** 32 + 1, '4294967297 (type number)'],
    [undefined, 'undefined (type undefined)'],
    [-2, '-2 (type number)'],
  ] as const) {
    const error = await t.throwsAsync(session.step({ x, labels: [1, 2, bad as number, 3] }, { learningRate: 0.1 }), { code: 'ERR_DATASET' })
    t.is(error.message, `batch.labels[2]: expected a class from 0 to 9, or -1, got ${said}`)
  }
  await t.throwsAsync(session.step({ x, labels: Float32Array.from(labels) as never }, { learningRate: 0.1 }), {
    code: 'ERR_OPTION',
    message: /Int32Array of 4/,
  })
  t.is(session.stepIndex, 0)
  await session.step({ x, labels: [...labels] }, { learningRate: 0.1 })
})

test('soft labels are finite and not negative', async (t) => {
  const session = await open(t, { batch: 4, softTargets: true })
  const { x } = valuesBatch(4)
  const targets = Float64Array.from({ length: 40 }, (_, index) => (index % 10 === 3 ? 1 : 0))
  for (const bad of [NaN, Infinity, -0.5]) {
    for (const given of [targets.with(25, bad), Float32Array.from(targets).fill(bad, 25, 26)]) {
      const message = `batch.targets: row 2, class 5: expected a finite number of at least 0, got ${bad}`
      await t.throwsAsync(session.step({ x, targets: given }, { learningRate: 0.1 }), { code: 'ERR_DATASET', message })
    }
  }
  await t.throwsAsync(session.step({ x, targets: targets.with(0, 1e39) }, { learningRate: 0.1 }), { code: 'ERR_DATASET', message: /row 0, class 0/ })
  await t.throwsAsync(session.step({ x, targets: [...targets] as never }, { learningRate: 0.1 }), {
    code: 'ERR_OPTION',
    message: /batch\.targets: expected a Float32Array or/,
  })
  t.is((await session.step({ x, targets }, { learningRate: 0.1 })).samples, 4)
})

/** Values as a network sees them, and labels. */
function valuesBatch(count: number): { x: Float64Array; labels: Int32Array } {
  const x = Float64Array.from({ length: count * 784 }, (_, index) => Math.sin(index * 12.9898) * 1.5)
  return { x, labels: Int32Array.from({ length: count }, (_, index) => (index * 7) % 10) }
}

test('without evaluation a session infers the same, plans less, and says what it cannot', async (t) => {
  const options = { batch: 6, seed: 3, device: 'cpu', precision: 'fp32' } as const
  await using whole = await compile(tiny(), options)
  await using lean = await compile(tiny(), { ...options, evaluation: false })
  const { x } = valuesBatch(6)
  t.deepEqual(await lean.infer({ x }), await whole.infer({ x }))
  t.true(lean.memory.total < whole.memory.total)
  await t.throwsAsync(lean.evaluate((await someDigits()).test), { code: 'ERR_OPTION', message: 'evaluate: the session was compiled with evaluation: false' })
})

test('label smoothing is what soft labels of the same shares are', async (t) => {
  const smooth = await open(t, { batch: 6, device: 'reference', labelSmoothing: 0.2 })
  const soft = await open(t, { batch: 6, device: 'reference', softTargets: true })
  const { x, labels } = valuesBatch(6)
  const targets = Float64Array.from({ length: 60 }, (_, index) => (labels[Math.floor(index / 10)] === index % 10 ? 0.8 : 0) + 0.02)
  for (let step = 0; step < 3; step++) {
    const one = await smooth.step({ x, labels }, { learningRate: 0.1 })
    const other = await soft.step({ x, targets }, { learningRate: 0.1 })
    t.true(relative(one.loss, other.loss) < 1e-12)
    t.is(one.top1Hits, other.top1Hits)
  }
  const [one, other] = [await allValues(smooth), await allValues(soft)]
  for (const [name, values] of Object.entries(one)) values.forEach((value, index) => t.true(Math.abs(value - other[name]![index]!) < 1e-12, name))
  const hard = await open(t, { batch: 6, device: 'reference' })
  t.not((await hard.step({ x, labels }, { learningRate: 0.1 })).loss, (await smooth.step({ x, labels }, { learningRate: 0 })).loss)
  await t.throwsAsync(soft.step({ x, labels }, { learningRate: 0.1 }), { code: 'ERR_OPTION', message: /batch\.targets: expected/ })
})

test('clipping scales all gradients together', async (t) => {
  const clipNorm = 1e-3
  const session = await open(t, { device: 'reference', optimizer: sgd({ momentum: 0, weightDecay: 0, clipNorm }) })
  const before = await allValues(session)
  await session.steps(1, { learningRate: 1 })
  const after = await allValues(session)
  let squares = 0
  let gradients = 0
  for (const name of session.parameterNames) {
    after[name]!.forEach((value, index) => (squares += (value - before[name]![index]!) ** 2))
    ;(await session.gradient(name).read()).forEach((value) => (gradients += value ** 2))
  }
  t.true(Math.sqrt(gradients) > 10 * clipNorm, 'there is something to clip')
  t.true(relative(Math.sqrt(squares), clipNorm) < 1e-9)
})

test('frozen parameters keep their values, the others do not', async (t) => {
  const session = await open(t, { frozen: ['stem', '*norm1.bias', 'norm.bias'] })
  const before = await allValues(session)
  await session.steps(2, { learningRate: 0.1 })
  const after = await allValues(session)
  const frozen = session.parameterNames.filter((name) => !session.trainedNames.includes(name))
  t.deepEqual(frozen, ['stem.weight', 'unit.norm1.bias', 'norm.bias'])
  for (const name of frozen) t.deepEqual(after[name], before[name], name)
  for (const name of session.trainedNames) t.notDeepEqual(after[name], before[name], name)
  t.throws(() => session.optimizerState('stem.weight'), { code: 'ERR_PARAMETER' })
})

test('groups of parameters have rates of their own', async (t) => {
  const session = await open(t, { optimizer: sgd({ momentum: 0, weightDecay: 0, groups: [{ match: 'stem', rate: 0 }] }) })
  const before = await allValues(session)
  await session.steps(1, { learningRate: 0.1 })
  const after = await allValues(session)
  t.deepEqual(after['stem.weight'], before['stem.weight'])
  t.notDeepEqual(after['head.fc.weight'], before['head.fc.weight'])
})

test('frozen statistics keep their values and are what training normalises by', async (t) => {
  const normal = await open(t)
  const norms = normal.graph.nodes.filter(({ kind }) => kind === 'batchNorm').map(({ name }) => name)
  const session = await open(t, { frozenStatistics: norms })
  const before = await allValues(session)
  const [frozen, moving] = [await session.steps(1, { learningRate: 0 }), await normal.steps(1, { learningRate: 0 })]
  t.not(frozen.loss, moving.loss)
  const after = await allValues(session)
  for (const name of session.bufferNames) t.deepEqual(after[name], before[name], name)
  t.notDeepEqual((await allValues(normal))[normal.bufferNames[0]!], before[normal.bufferNames[0]!])
  await t.throwsAsync(compile(tiny(), { batch: 2, frozenStatistics: ['stemm'] }), { code: 'ERR_OPTION', message: /nothing matches "stemm"/ })
})

test('statistics by groups: running ones follow the first group, as if it were the batch', async (t) => {
  const { x, labels } = valuesBatch(6)
  const groups = await open(t, { batch: 6, statisticsGroups: 2, device: 'reference' })
  const half = await open(t, { batch: 3, device: 'reference' })
  const whole = await open(t, { batch: 6, device: 'reference' })
  await groups.step({ x, labels }, { learningRate: 0 })
  await half.step({ x: x.slice(0, 3 * 784), labels: labels.slice(0, 3) }, { learningRate: 0 })
  await whole.step({ x, labels }, { learningRate: 0 })
  for (const name of groups.bufferNames) {
    const [a, b, c] = [await groups.parameter(name).read(), await half.parameter(name).read(), await whole.parameter(name).read()]
    a.forEach((value, index) => t.true(Math.abs(value - b[index]!) < 1e-12, name))
    t.true(
      a.some((value, index) => Math.abs(value - c[index]!) > 1e-9),
      name,
    )
  }
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
  t.true(evaluation.top5Errors <= errors)
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
    const probabilities = await session.infer({ images: batch })
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
  ['groups that do not divide the batch', () => ({ batch: 3, statisticsGroups: 2, optimizer: sgd() }), 'ERR_OPTION', /divisor of the batch 3/],
]
for (const [name, options, code, message] of bad) {
  test(`refused: ${name}`, async (t) => {
    await t.throwsAsync(
      Promise.resolve(options()).then((resolved) => compile(tiny(), resolved as SessionOptions & BatchSize)),
      { code, message },
    )
  })
}

test('images of another size are refused', async (t) => {
  const { train } = await someDigits()
  const { source } = train
  const small = await memoryDataset({
    images: (source as MemorySource).images,
    labels: train.labels,
    classes: train.classes,
    name: 'train',
    height: 14,
    width: 56,
    channels: 1,
  })
  await t.throwsAsync(compile(tiny(), { data: small, prepare: {}, batch: 2 }), {
    code: 'ERR_SHAPE',
    message: /compile: data: train: expected images of 28 x 28 x 1.*got 14 x 56 x 1/,
  })
  await using batches = loader(small, { batch: 2 })
  await t.throwsAsync(compile(tiny(), { data: batches }), {
    code: 'ERR_SHAPE',
    message: /compile: data: train: expected images of 28 x 28 x 1.*got 14 x 56 x 1/,
  })
  const session = await open(t)
  await t.throwsAsync(session.evaluate(small), { code: 'ERR_SHAPE', message: /expected images of 28 x 28 x 1.*got 14 x 56 x 1/ })
})

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
