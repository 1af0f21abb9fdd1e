/** Batches, labels and datasets that a session takes, and those it refuses. */
import test from 'ava'
import { flip, loader, memoryDataset, randomCrop, type MemorySource } from '../../lib/data/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { allValues, open, valuesBatch } from '../support/session.js'
import { someDigits, tiny, trainingLoader } from '../training/tiny.js'

test('a batch of the caller is the same as the loader with that batch', async (t) => {
  await using batches = await trainingLoader({ prepare: { train: [randomCrop({ pad: 2 }), flip()] } })
  const one = await open(t, { data: batches })
  const other = await open(t, { data: batches })
  await one.steps(2, { learningRate: 0.1 })
  for (const index of [0, 1]) {
    const { images, labels, crops } = (await batches.next(index))!
    await other.step({ images, labels, crops }, { learningRate: 0.1 })
  }
  t.deepEqual(await allValues(other), await allValues(one))
})

test('without a crops images are cropped in the middle, and not mirrored', async (t) => {
  await using batches = await trainingLoader({ prepare: { train: [randomCrop({ pad: 2 }), flip()] } })
  const { images, labels } = (await batches.next(0))!
  const trained = async (crops?: Int32Array): Promise<object> => {
    const session = await open(t, { data: batches })
    await session.step({ images, labels, ...(crops && { crops }) }, { learningRate: 0.1 })
    return allValues(session)
  }
  const all = (...each: readonly [y: number, x: number, mirrored: number]) => Int32Array.from({ length: labels.length * 3 }, (_, index) => each[index % 3]!)
  const expected = await trained(all(2, 2, 0))
  t.deepEqual(await trained(), expected)
  for (const other of [all(0, 0, 0), all(2, 2, 1)]) t.notDeepEqual(await trained(other), expected)
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
  await t.throwsAsync(session.step({ images, labels, crops: new Int32Array(24).fill(1) }, rate), {
    code: 'ERR_OPTION',
    message: /crops\[0\]: expected 0 to 0, got 1/,
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
