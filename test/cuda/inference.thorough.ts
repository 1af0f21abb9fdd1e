/** Inferences that overlap on the emulated CUDA device: whatever order its events allow, each has the bits that it has alone, and each wait is needed. */
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import test from 'ava'
import type { PreresnetError } from '../../lib/errors.js'
import { Batches } from '../../lib/inference/batches.js'
import { Classifier } from '../../lib/inference/index.js'
import { emulated, type Emulation } from '../../lib/native/emulation.js'
import { compileWith } from '../../lib/runtime/compile.js'
import type { InferenceOutputs } from '../../lib/runtime/infer.js'
import { inferAll, inTurn } from '../../lib/runtime/internals.js'
import type { Session } from '../../lib/runtime/session.js'
import { picture, storm, writeModel } from '../inference/model.js'
import { randomBytes } from '../support/bytes.js'
import { BATCH, smallNetwork } from '../support/emulated.js'
import { temporaryFolder } from '../support/folder.js'

const prepare = { normalization: { mean: [0.5, 0.4, 0.5], std: [0.2, 0.3, 0.2] } }
const image = (seed: number): Uint8Array => randomBytes(8 * 8 * 3, seed)
/** Batches of several sizes, and lone images, which have a program of their own. */
const batches = [[1, 2, 3, 4], [5, 6, 7], [8], [9, 10, 11, 12], [13, 14], [15], [16, 17, 18, 19]].map((seeds) => seeds.map(image))

const open = (emulation: Emulation = {}, eager = false): Promise<Session> =>
  emulated(emulation, () => {
    const options = { device: 'cuda', precision: 'fp16', batch: BATCH, seed: 3, evaluation: false, prepare, cuda: { eager } } as const
    return compileWith(smallNetwork(8), options, Batches.programs(BATCH))
  })
const bits = (found: readonly (readonly InferenceOutputs[])[]): string => JSON.stringify(found)

/** One after the other: each is over before the next is asked for. */
async function alone(): Promise<string> {
  await using session = await open()
  const found: InferenceOutputs[][] = []
  for (const images of batches) found.push(await new Batches(session).infer(images))
  return bits(found)
}

async function together(emulation: Emulation, eager = false): Promise<string> {
  await using session = await open(emulation, eager)
  return bits(await Promise.all(batches.map((images) => new Batches(session).infer(images))))
}

test('asked for at once, all have the bits that they have one after the other, in every order, captured or not', async (t) => {
  const expected = await alone()
  t.is(await together({}), expected)
  for (let scheduleSeed = 1; scheduleSeed <= 30; scheduleSeed++) {
    t.is(await together({ scheduleSeed }), expected, `order ${scheduleSeed}`)
    t.is(await together({ scheduleSeed }, true), expected, `order ${scheduleSeed}, one by one`)
  }
})

test('an image has the bits that session.infer gives it, in a batch of any size', async (t) => {
  await using session = await open({ scheduleSeed: 4 })
  const images = [1, 2, 3, 4].map(image)
  const expected = await session.infer({ images: Uint8Array.from(images.flatMap((one) => [...one])) }, { output: 'logits' })
  const found = await Promise.all([4, 3, 2].map((count) => new Batches(session).infer(images.slice(0, count))))
  for (const answers of found) {
    for (const [index, { logits }] of answers.entries()) t.deepEqual(logits, expected.subarray(index * 10, (index + 1) * 10))
  }
})

test('the waits for pixels and for results are needed: without either some order gives another result', async (t) => {
  const expected = await alone()
  await using session = await open()
  const { waits } = await session.bytesMoved('infer')
  for (const wait of [waits, waits + 1]) {
    let noticed = false
    for (let scheduleSeed = 1; scheduleSeed <= 40 && !noticed; scheduleSeed++) noticed = (await together({ scheduleSeed, omitWait: wait })) !== expected
    t.true(noticed, `wait ${wait} of ${waits + 2}`)
  }
})

test('one that fails fails alone, before those that are under way and behind them', async (t) => {
  const expected = await alone()
  for (let scheduleSeed = 0; scheduleSeed <= 6; scheduleSeed++) {
    await using session = await open({ scheduleSeed })
    const target = new Float32Array(10)
    const asked = batches.map(async (images, index) => {
      const found = new Batches(session).infer(images)
      const bad = [
        () => inferAll(session, 'infer', [image(1).subarray(1)]),
        () => inferAll(session, 'infer', [1, 2, 3, 4, 5].map(image)),
        () => inTurn(session, (native) => native.infer('infer', [image(1)], [{ name: 'images', target }])),
        () => inTurn(session, (native) => native.infer('infer', [image(1)], [{ name: 'logits', target: new Float32Array(41) }])),
        () => inTurn(session, (native) => native.infer('infer', [], [])),
      ]
      const error = await t.throwsAsync<PreresnetError>(bad[index % bad.length]!())
      t.regex(error.code, /^ERR_(OPTION|PARAMETER)$/)
      return await found
    })
    t.is(bits(await Promise.all(asked)), expected, `order ${scheduleSeed}`)
  }
})

test('what is asked for in between has its place: weights that are written, and steps that have the same slots', async (t) => {
  const images = [1, 2, 3].map(image)
  const whole = Uint8Array.from([...images, image(4)].flatMap((one) => [...one]))
  const outcome = async (scheduleSeed: number, wait: boolean): Promise<string> => {
    await using session = await open({ scheduleSeed })
    const weight = session.parameter('head.fc.weight')
    const values = await weight.read()
    const found: Promise<unknown>[] = []
    const ask = async (call: () => Promise<unknown>): Promise<void> => {
      const asked = call()
      found.push(asked)
      if (wait) await asked
    }
    for (const factor of [1, 0.5, 2]) {
      await ask(() => weight.write(values.map((value) => value * factor)))
      await ask(() => new Batches(session).infer(images))
      await ask(() => new Batches(session).infer([image(7)]))
      await ask(() => session.infer({ images: whole }))
      await ask(() => new Batches(session).infer(images.slice(1)))
    }
    return JSON.stringify(await Promise.all(found))
  }
  const expected = await outcome(0, true)
  for (let scheduleSeed = 0; scheduleSeed <= 30; scheduleSeed++) t.is(await outcome(scheduleSeed, false), expected, `order ${scheduleSeed}`)
})

test('a session that is disposed of settles what was asked for: what was under way, and what had not begun', async (t) => {
  const expected = JSON.parse(await alone()) as unknown[]
  for (let scheduleSeed = 0; scheduleSeed <= 6; scheduleSeed++) {
    const session = await open({ scheduleSeed })
    const asked = batches.map((images) => new Batches(session).infer(images))
    if (scheduleSeed > 0) await asked[0]
    const disposal = session.dispose()
    const results = await Promise.allSettled(asked)
    await disposal
    for (const [index, result] of results.entries()) {
      if (result.status === 'fulfilled') t.deepEqual(JSON.parse(JSON.stringify(result.value)), expected[index])
      else t.is((result.reason as { code: string }).code, 'ERR_ABORTED')
    }
    // The others may all have been over by then.
    if (scheduleSeed === 0) t.true(results.some(({ status }) => status === 'rejected'))
    await t.throwsAsync(new Batches(session).infer([image(1)]), { code: 'ERR_DISPOSED' })
  }
})

const load = (path: string, options: object = {}): Promise<Classifier> =>
  emulated({ scheduleSeed: 5 }, () => Classifier.load(path, { device: 'cuda', precision: 'fp16', batch: 4, ...options }))

test('a classifier has two runs under way where there are two full batches, and answers the same', async (t) => {
  const path = join(await temporaryFolder(t), 'model.safetensors')
  await writeModel(path)
  await using classifier = await load(path)
  const pictures = Array.from({ length: 60 }, (_, index) => picture(index % 11))
  const answers = classifier.infer(pictures)
  let [most, over] = [0, false]
  void answers.finally(() => (over = true))
  while (!over) {
    most = Math.max(most, classifier.statistics().computing)
    await nextTurn()
  }
  const found = await answers
  t.is(most, 8, JSON.stringify(classifier.statistics()))
  for (const [index, answer] of found.entries()) t.deepEqual((await classifier.infer([picture(index % 11), picture(90)]))[0], answer)
})

test('in a storm on the emulated device every request is answered rightly, refused or ended, and nothing is left', async (t) => {
  const path = join(await temporaryFolder(t), 'model.safetensors')
  await writeModel(path)
  await using classifier = await load(path, { maxQueue: 15 })
  const counts = await storm(t, classifier, { requests: 400 })
  t.deepEqual(
    Object.keys(counts).filter((key) => !/^(patient (right|ERR_BUSY)|aborted (right|ERR_ABORTED|ERR_BUSY)|broken (ERR_IMAGE|ERR_BUSY))$/.test(key)),
    [],
  )
  t.true(classifier.statistics().batches[3]! > 0)

  const other = await load(path)
  const ended = await storm(t, other, { requests: 300, disposeAfter: 150 })
  t.deepEqual(
    Object.keys(ended).filter((key) => !/^(patient|aborted|broken) (right|ERR_IMAGE|ERR_ABORTED|ERR_DISPOSED)$/.test(key)),
    [],
  )
  for (const key of ['patient right', 'patient ERR_ABORTED', 'patient ERR_DISPOSED']) t.true(ended[key]! > 0, key)
})
