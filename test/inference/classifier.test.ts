import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { SafetensorsFile } from '../../lib/formats/safetensors.js'
import { Classifier } from '../../lib/inference/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { pngHeader, rgbPng } from '../support/png.js'
import { network, picture, side, writeModel } from './model.js'

const folder = await mkdtemp(join(tmpdir(), 'preresnet-classifier-'))
const [model, blind] = [join(folder, 'model.safetensors'), join(folder, 'blind.safetensors')]
const options = { top: 4, threads: 1 }

test.before(async () => {
  await writeModel(model)
  await using untaught = await compile(network, { batch: 4, threads: 1 })
  await untaught.save(blind)
})
test.after.always(() => rm(folder, { recursive: true, force: true }))

test('an answer has all classes, the most probable first', async (t) => {
  await using classifier = await Classifier.load(model, options)
  t.deepEqual(classifier.classes, ['ant', 'bee', 'cat', 'dog'])
  const answer = await classifier.classify(picture(1))
  t.deepEqual(answer.map(({ label }) => label).sort(), ['ant', 'bee', 'cat', 'dog'])
  t.true(Math.abs(answer.reduce((sum, { probability }) => sum + probability, 0) - 1) < 1e-6)
  t.true(answer.every(({ probability }, index) => index === 0 || probability <= answer[index - 1]!.probability))
  for (const { label, index } of answer) t.is(classifier.classes[index], label)
})

test('loading ends when its signal says so', async (t) => {
  await t.throwsAsync(Classifier.load(model, { ...options, signal: AbortSignal.abort() }), { code: 'ERR_ABORTED' })
  await t.throwsAsync(Classifier.load(join(folder, 'missing'), { ...options, signal: AbortSignal.abort() }), { code: 'ERR_ABORTED' })
  await t.throwsAsync(Classifier.load(model, { ...options, signal: 'stop' as never }), {
    code: 'ERR_OPTION',
    message: /Classifier\.load: signal: expected an AbortSignal/,
  })
})

test.serial('loading ends while values are read', async (t) => {
  const stop = new AbortController()
  const read = Object.getOwnPropertyDescriptor(SafetensorsFile.prototype, 'readInOrder')!
  t.teardown(() => Object.defineProperty(SafetensorsFile.prototype, 'readInOrder', read))
  SafetensorsFile.prototype.readInOrder = function (names) {
    stop.abort(new Error('enough'))
    return (read.value as typeof this.readInOrder).call(this, names)
  }
  await t.throwsAsync(Classifier.load(model, { ...options, signal: stop.signal }), { code: 'ERR_ABORTED', message: 'aborted: enough' })
})

test('alone, in an array, in requests at once and in batches of any size: the same answers', async (t) => {
  const images = Array.from({ length: 7 }, (_, index) => picture(index))
  await using classifier = await Classifier.load(model, { ...options, batch: 3 })
  const together = await classifier.classify(images)
  t.is(new Set(together.map((answer) => JSON.stringify(answer))).size, 7, 'images differ, and so do answers')
  t.deepEqual(await Promise.all(images.map((one) => classifier.classify(one))), together)
  await using single = await Classifier.load(model, { ...options, batch: 1 })
  t.deepEqual(await single.classify(images), together)
})

test('images of other sizes are resized', async (t) => {
  await using classifier = await Classifier.load(model, { ...options, top: 1 })
  t.is((await classifier.classify(picture(2, 40, 30))).length, 1)
  t.is((await classifier.classify(picture(2, 5, 9))).length, 1)
})

test('what is no image fails alone', async (t) => {
  await using classifier = await Classifier.load(model, options)
  const [bad, good] = await Promise.allSettled([classifier.classify(Buffer.from('no picture')), classifier.classify(picture(1))])
  t.like((bad as PromiseRejectedResult).reason, { code: 'ERR_IMAGE' })
  t.is(good.status, 'fulfilled')
  await t.throwsAsync(classifier.classify(5 as never), { code: 'ERR_OPTION', message: /bytes of a JPEG, PNG or WebP/ })
  await t.throwsAsync(classifier.classify(picture(1), { sginal: AbortSignal.abort() } as never), { code: 'ERR_OPTION', message: /did you mean "signal"/ })
})

test('a path, bytes and pixels have the same answer, and infer says what is behind it', async (t) => {
  const path = join(folder, 'picture.png')
  const pixels = new Uint8Array(20 * 30 * 3).map((_, index) => (index * index) % 251)
  await writeFile(path, rgbPng(30, 20, pixels))
  await using classifier = await Classifier.load(model, options)
  const answer = await classifier.classify(path)
  t.deepEqual(await classifier.classify(await readFile(path)), answer)
  t.deepEqual(await classifier.classify({ pixels, height: 20, width: 30 }), answer)
  const [one, other] = await classifier.infer([path, picture(1)])
  t.deepEqual(await classifier.infer(path), one)
  for (const { index, probability } of answer) t.is(one!.probabilities[index], probability)
  t.deepEqual([one!.logits.length, one!.features!.length], [4, 16])
  t.notDeepEqual(other!.features, one!.features)
})

test('as many wait as may: a call that brings more is refused, and the rest goes on', async (t) => {
  await using classifier = await Classifier.load(model, { ...options, maxQueue: 3 })
  const waiting = classifier.classify([1, 2, 3].map((variant) => picture(variant)))
  const busy = await t.throwsAsync(classifier.classify(picture(4)), { code: 'ERR_BUSY' })
  t.is(busy.message, 'expected at most 3 images that wait (maxQueue), got 4')
  t.is((await waiting).length, 3)
  t.is((await classifier.classify(picture(4))).length, 4)
  t.like(classifier.statistics(), { queued: 0, computing: 0, images: { answered: 4, failed: 0, aborted: 0, refused: 1 } })
})

test('a signal ends its own call alone', async (t) => {
  await using classifier = await Classifier.load(model, { ...options, batch: 2 })
  const stop = new AbortController()
  const calls = [1, 2, 3, 4, 5].map((variant) => classifier.classify(picture(variant), variant % 2 === 0 ? { signal: stop.signal } : {}))
  stop.abort(new Error('gone'))
  const results = await Promise.allSettled(calls)
  t.deepEqual(
    results.map((result) => (result.status === 'rejected' ? (result.reason as { code: string }).code : result.value.length)),
    [4, 'ERR_ABORTED', 4, 'ERR_ABORTED', 4],
  )
  const { images, batches, seconds } = classifier.statistics()
  t.deepEqual(images, { answered: 3, failed: 0, aborted: 2, refused: 0 })
  t.is(batches[0]! + 2 * batches[1]!, 3)
  t.true(seconds.decode > 0 && seconds.compute > 0 && seconds.queue >= 0)
})

test('two classifiers at once answer as each of them alone', async (t) => {
  const images = Array.from({ length: 5 }, (_, index) => picture(index))
  await using first = await Classifier.load(model, { ...options, batch: 2 })
  const alone = await first.classify(images)
  await using second = await Classifier.load(model, { ...options, batch: 2, threads: 0 })
  const both = await Promise.all([...images.map((one) => first.classify(one)), ...images.map((one) => second.classify(one))])
  t.deepEqual(both, [...alone, ...alone])
})

test('an idle classifier does not keep the process, a busy one does', async (t) => {
  const library = new URL('../../lib/index.js', import.meta.url).href
  const script = `
    import { Classifier } from ${JSON.stringify(library)}
    const classifier = await Classifier.load(process.argv[1], { threads: 1, top: 1, maxDelay: 50 })
    classifier.classify({ pixels: new Uint8Array(${side * side * 3}), height: ${side}, width: ${side} }).then(([best]) => console.log(best.label))
    process.on('exit', () => console.log('exit'))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, model], { timeout: 20_000 })
  t.regex(stdout, /^(ant|bee|cat|dog)\nexit\n$/)
})

test('images of too many pixels are refused', async (t) => {
  await using classifier = await Classifier.load(model, { ...options, maxPixels: 200 })
  t.is((await classifier.classify(picture(1, 10, 20))).length, 4)
  const message = /expected at most 200 pixels, got 11 x 19 \(height x width\)/
  await t.throwsAsync(classifier.classify(picture(1, 11, 19)), { code: 'ERR_IMAGE', message })
  // By its header: of the image nothing is there.
  const promise = pngHeader({ width: 8192, height: 4097, depth: 8, color: 2 })
  await using usual = await Classifier.load(model, options)
  await t.throwsAsync(usual.classify(promise), { code: 'ERR_IMAGE', message: /expected at most 33554432 pixels, got 4097 x 8192/ })
})

test('after dispose', async (t) => {
  const classifier = await Classifier.load(model, options)
  const waiting = t.throwsAsync(Promise.all(Array.from({ length: 40 }, (_, index) => classifier.classify(picture(index)))), { code: 'ERR_ABORTED' })
  await classifier.dispose()
  await classifier.dispose()
  await waiting
  await t.throwsAsync(classifier.classify(picture(1)), { code: 'ERR_DISPOSED' })
})

test('a model that was trained on tensors takes no images', async (t) => {
  await t.throwsAsync(Classifier.load(blind, options), { code: 'ERR_FILE', message: /prepare/ })
})

test('bad options', async (t) => {
  await t.throwsAsync(Classifier.load(model, { bacth: 3 } as never), { code: 'ERR_OPTION', message: /did you mean "batch"/ })
  await t.throwsAsync(Classifier.load(model, { top: 0 }), { code: 'ERR_OPTION' })
  for (const wrong of [{ maxDelay: -1 }, { maxQueue: 0 }, { aloneShare: 1.5 }]) {
    await t.throwsAsync(Classifier.load(model, wrong), { code: 'ERR_OPTION', message: new RegExp(Object.keys(wrong)[0]!) })
  }
  for (const maxPixels of [0, 2 ** 28 + 1, 1.5]) await t.throwsAsync(Classifier.load(model, { maxPixels }), { code: 'ERR_OPTION', message: /maxPixels/ })
  await t.throwsAsync(Classifier.load(join(folder, 'nowhere')), { code: 'ERR_FILE' })
})
