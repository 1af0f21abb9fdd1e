/** Sessions on the emulated CUDA device. */
import test from 'ava'
import { loader, randomCrop } from '../../lib/data/index.js'
import type { PreresnetError } from '../../lib/errors.js'
import { loadBinding } from '../../lib/native/load.js'
import { compile } from '../../lib/runtime/compile.js'
import type { Session } from '../../lib/runtime/session.js'
import { inTurn } from '../../lib/runtime/internals.js'
import { compilePrograms, serializePrograms } from '../../lib/compiler/compile.js'
import { planReport } from '../../lib/compiler/report.js'
import { buildGraph } from '../../lib/graph/build.js'
import { preResNet } from '../../lib/models/index.js'
import { adamW, lamb, lars } from '../../lib/training/optimizers.js'
import { sgd } from '../../lib/training/sgd.js'
import { BATCH, batchOf, everything, onGpu, openSmall, smallNetwork, trained } from '../support/emulated.js'
import { someDigits, tiny } from '../training/tiny.js'
import { emulated } from '../../lib/native/emulation.js'

const rate = { learningRate: 0.05 }

const far = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let [difference, size] = [0, 0]
  for (let index = 0; index < a.length; index++) {
    difference += (a[index]! - b[index]!) ** 2
    size += a[index]! ** 2
  }
  return Math.sqrt(difference / size)
}

test('fp32 follows the reference: losses, gradients, parameters, momentum, running statistics', async (t) => {
  await using cuda = await openSmall(14, { lossScale: 1 }, { precision: 'fp32' })
  await using reference = await openSmall(14, {}, { device: 'reference', precision: 'fp64' })
  for (let step = 0; step < 3; step++) {
    const [a, b] = [await reference.step(batchOf(step), rate), await cuda.step(batchOf(step), rate)]
    t.true(Math.abs(a.loss - b.loss) < 1e-5 * a.loss, `loss of step ${step}: ${a.loss}, ${b.loss}`)
    for (const name of reference.trainedNames) {
      for (const kind of ['gradient', 'parameter', 'optimizerState'] as const) {
        const error = far(await reference[kind](name).read(), await cuda[kind](name).read())
        t.true(error < 2e-5, `${kind} ${name} of step ${step}: ${error}`)
      }
    }
    for (const name of reference.bufferNames) t.true(far(await reference.parameter(name).read(), await cuda.parameter(name).read()) < 1e-5, name)
  }
})

test('gradients come without the loss scale, whatever it is', async (t) => {
  await using one = await openSmall(8, { lossScale: 64 })
  await using other = await openSmall(8, { lossScale: 1024 })
  await using dynamic = await openSmall(8, { lossScale: 'dynamic' })
  for (const session of [one, other, dynamic]) await session.step(batchOf(0), rate)
  for (const name of one.trainedNames) {
    const gradient = await one.gradient(name).read()
    t.true(far(gradient, await other.gradient(name).read()) < 0.01, name)
    t.true(far(gradient, await dynamic.gradient(name).read()) < 0.01, name)
  }
})

test('a step whose gradients overflow changes no parameter, halves the scale and is counted', async (t) => {
  await using session = await openSmall(8, { lossScale: 'dynamic' })
  await session.step(batchOf(0), rate)
  const weights = async (): Promise<string> =>
    JSON.stringify(await Promise.all(session.parameterNames.map(async (name) => [...(await session.parameter(name).read())])))
  const before = await weights()
  const scale = 2 ** 40
  await session.lossScale()!.write([scale, 1 / scale, 0, 0, 0, 0, 0, 0])
  const overflowed = await session.step(batchOf(1), rate)
  t.is(overflowed.skippedSteps, 1)
  t.is(overflowed.lossScale, scale / 2)
  t.is(await weights(), before)
  await session.lossScale()!.write([1024, 1 / 1024, 0, 0, 1, 0, 0, 0])
  const good = await session.step(batchOf(2), rate)
  t.is(good.skippedSteps, 0)
  t.not(await weights(), before)
})

test('a loss scale that only falls ends the run', async (t) => {
  await using session = await openSmall(8, { lossScale: 'dynamic' })
  const { length } = session.parameter('head.fc.weight')
  await session.parameter('head.fc.weight').write(new Float32Array(length).fill(3e38))
  await t.throwsAsync(
    (async () => {
      for (let step = 0; step < 40; step++) await session.step(batchOf(step), { ...rate, checkFinite: false })
    })(),
    { code: 'ERR_NOT_FINITE', message: /^step 30: the loss scale has fallen to .* after 31 skipped steps/ },
  )
})

test('a loss that is not finite names the operation that made it, and nothing of the step lasts', async (t) => {
  for (const eager of [false, true]) {
    await using session = await openSmall(8, { lossScale: 'dynamic', eager })
    for (let step = 0; step < 3; step++) await session.step(batchOf(step), rate)
    const weight = session.parameter('stages.1.blocks.0.conv1.weight')
    const statistics = session.parameter(session.bufferNames[0]!)
    await weight.write(new Float32Array(weight.length).fill(6e4))
    const before = [...(await statistics.read())]
    const error = await t.throwsAsync<PreresnetError>(session.step(batchOf(3), rate), { code: 'ERR_NOT_FINITE' })
    t.regex(error.message, /^step 3: the loss is not finite; first made by operation \d+ conv stages\.1\.blocks\.0\.conv1 in y/)
    t.deepEqual([...(await statistics.read())], before)
  }
})

test('a gradient that overflows a static loss scale is an error', async (t) => {
  await using session = await openSmall(8, { lossScale: 2 ** 40 })
  await t.throwsAsync(session.step(batchOf(0), rate), { code: 'ERR_NOT_FINITE', message: /a gradient is not finite; first made by operation \d+ / })
})

test('a session that has named a gradient goes on as if the step had not been', async (t) => {
  // The stem's values are so small that their norm multiplies gradients beyond fp16, after those of all other weights.
  const after = async (overflows: boolean): Promise<string> => {
    await using session = await openSmall(8, { lossScale: 2 ** 13, eager: true })
    await session.step(batchOf(0), rate)
    if (overflows) {
      const weight = session.parameter('stem.conv.weight')
      const before = await weight.read()
      await weight.write(before.map((value) => value / 2 ** 10))
      await t.throwsAsync(session.step(batchOf(1), rate), {
        code: 'ERR_NOT_FINITE',
        message: /^step 1: a gradient is not finite; first made by operation \d+ bn_apply_backward stem\.conv in dx/,
      })
      await weight.write(before)
    }
    session.stepIndex = 2
    const losses: number[] = []
    for (let step = 2; step < 5; step++) losses.push((await session.step(batchOf(step), rate)).loss)
    return await everything(session, losses)
  }
  t.is(await after(true), await after(false))
})

test('values written from outside are what the next run computes with, copies in fp16 included', async (t) => {
  await using session = await openSmall(8, {})
  const { x } = batchOf(0)
  await session.step(batchOf(0), rate)
  const before = await session.infer({ x })
  const weight = session.parameter('stages.1.blocks.0.conv1.weight')
  await weight.write((await weight.read()).map((value) => value * 0.5))
  await using fresh = await openSmall(8, {})
  for (const name of [...session.parameterNames, ...session.bufferNames]) await fresh.parameter(name).write(await session.parameter(name).read())
  const after = await session.infer({ x })
  t.notDeepEqual(after, before)
  t.deepEqual(after, await fresh.infer({ x }))
})

test('memory of a device is read and written, not viewed', async (t) => {
  await using session = await openSmall(8, {})
  const weight = session.parameter('stem.conv.weight')
  t.false(weight.shared)
  t.throws(() => weight.view(), { code: 'ERR_UNSUPPORTED', message: /device's memory/ })
  const values = Float32Array.from({ length: weight.length }, (_, index) => index / 64)
  await weight.write(values)
  t.deepEqual(await weight.read(), values)
})

test('a loader feeds two slots: the same losses as handed-over batches, with every order', async (t) => {
  const { train } = await someDigits()
  // Images are gathered on the device, or sent where nothing may lie there.
  const losses = async (scheduleSeed: number, omitWait = -1, residentLimit = 2 ** 30): Promise<string> => {
    await using data = loader(train, { batch: 8, seed: 1, prepare: { train: [randomCrop({ pad: 2 })] } })
    const cuda = { lossScale: 256, residentLimit }
    await using session = await onGpu(tiny(), { data, seed: 2, optimizer: sgd(), cuda }, { scheduleSeed, omitWait })
    return (await session.steps(9, rate)).losses.join()
  }
  const expected = await losses(0)
  for (let seed = 1; seed <= 12; seed++) {
    t.is(await losses(seed), expected, `order ${seed}`)
    t.is(await losses(seed, -1, 0), expected, `order ${seed}, images sent`)
  }

  await using batches = loader(train, { batch: 8, seed: 1, prepare: { train: [randomCrop({ pad: 2 })] } })
  await using session = await onGpu(tiny(), { data: batches, seed: 2, optimizer: sgd(), cuda: { lossScale: 256 } })
  const byHand: number[] = []
  for (let step = 0; step < 9; step++) {
    const { images, labels, crops } = (await batches.next(step))!
    byHand.push((await session.step({ images, labels, crops }, rate)).loss)
  }
  t.is(byHand.join(), expected)

  // The wait for the copy of a batch comes after those between operations.
  const { waits } = await session.bytesMoved('train')
  for (const residentLimit of [2 ** 30, 0]) {
    let noticed = false
    for (let seed = 1; seed <= 12 && !noticed; seed++) noticed = (await losses(seed, waits, residentLimit).catch(String)) !== expected
    t.true(noticed, `limit ${residentLimit}`)
  }
})

test('steps that are replayed have their own seeds, rates and results, as those launched one by one have', async (t) => {
  const { train } = await someDigits()
  const outcome = async (eager: boolean, scheduleSeed: number): Promise<string> => {
    await using data = loader(train, { batch: 8, seed: 1, prepare: { train: [randomCrop({ pad: 2 })] } })
    const cuda = { lossScale: 256, eager }
    await using session = await onGpu(tiny({ dropout: 0.3 }), { data, seed: 2, optimizer: sgd(), cuda }, { scheduleSeed })
    const { losses } = await session.steps(9, { learningRate: (step) => 0.02 * (1 + (step % 4)) })
    return await everything(session, [...losses])
  }
  const expected = await outcome(true, 0)
  for (let seed = 0; seed <= 9; seed++) t.is(await outcome(false, seed), expected, `order ${seed}`)
})

test('what a run asks for is done by steps that were captured for others too', async (t) => {
  await using session = await openSmall(8, { lossScale: 'dynamic' })
  for (let step = 0; step < 4; step++) await session.step(batchOf(step), { ...rate, checkFinite: false })
  const labels = await inTurn(session, async (native) => {
    const run = { steps: 1, seed: 0, firstStep: 4, learningRates: Float64Array.of(0.05) }
    t.is((await native.run('train', run)).labels, undefined)
    return (await native.run('train', { ...run, steps: 2, learningRates: Float64Array.of(0.05, 0.05), collect: true })).labels
  })
  t.deepEqual([...labels!], [...batchOf(3).labels, ...batchOf(3).labels])

  const statistics = session.parameter(session.bufferNames[0]!)
  const before = [...(await statistics.read())]
  const weight = session.parameter('stages.1.blocks.0.conv1.weight')
  await weight.write(new Float32Array(weight.length).fill(6e4))
  await t.throwsAsync(session.step(batchOf(5), rate), { code: 'ERR_NOT_FINITE' })
  t.deepEqual([...(await statistics.read())], before)
})

test('evaluation counts every sample, and inference agrees with it', async (t) => {
  const { test: data } = await someDigits()
  const shape = { precision: 'fp32', data, prepare: {}, batch: 32, seed: 2 } as const
  await using cuda = await onGpu(tiny(), shape)
  await using cpu = await compile(tiny(), { device: 'cpu', ...shape })
  const [a, b] = [await cuda.evaluate(data), await cpu.evaluate(data)]
  t.is(a.samples, data.length)
  t.true(Math.abs(a.loss - b.loss) < 1e-5)
  t.deepEqual(a.predictions, b.predictions)
})

test('an AbortSignal ends a call between two steps, and the session goes on', async (t) => {
  const { train } = await someDigits()
  await using data = loader(train, { batch: 8, seed: 1 })
  await using session = await onGpu(tiny(), { data, optimizer: sgd(), cuda: { lossScale: 256 } })
  const controller = new AbortController()
  const running = session.steps(5000, { ...rate, signal: controller.signal })
  setTimeout(() => controller.abort(new Error('enough')), 200)
  await t.throwsAsync(running, { code: 'ERR_ABORTED', message: /enough/ })
  const done = session.stepIndex
  t.true(done > 0 && done < 5000, String(done))
  t.is((await session.steps(2, rate)).steps, 2)
})

test('too little memory is said before anything is allocated', async (t) => {
  const error = await t.throwsAsync<PreresnetError>(onGpu(preResNet('preresnet-1001'), { batch: 1 << 16, optimizer: sgd() }), {
    code: 'ERR_MEMORY',
  })
  t.regex(
    error.message,
    /expected at most \d+ MiB \(what is free on the device, less 1 MiB for the code of kernels\), got a program that needs \d+ MiB \(\d+ MiB in arenas, \d+ MiB of workspace\)/,
  )
})

test('some memory of the device is kept for the code of kernels', async (t) => {
  const kept = 2 ** 20
  const open = (memory: number): Promise<Session> => openSmall(8, {}, {}, { memory })
  const enough = 2 ** 26
  const taken = await (async () => {
    await using session = await open(enough)
    return enough - session.memory.available
  })()
  await using session = await open(taken + kept)
  t.is(session.memory.available, kept)
  t.true((await session.step(batchOf(0), rate)).loss > 0)
  await t.throwsAsync(open(taken + kept - 1), { code: 'ERR_MEMORY', message: /less 1 MiB for the code of kernels/ })
})

test('a trace has every operation of every step', async (t) => {
  const network = smallNetwork(8)
  const graph = buildGraph(network)
  const set = await compilePrograms(graph, {
    device: 'cuda',
    precision: 'fp16',
    batch: BATCH,
    programs: ['infer'],
    input: { kind: 'tensor' },
    loss: { kind: 'crossEntropy', smoothing: 0, softTargets: false },
  })
  const text = await serializePrograms(set)
  const session = await emulated({}, () => loadBinding().createSession(text, { threads: 1 }))
  try {
    await session.allocate()
    await session.run('infer', { steps: 2, seed: 0, firstStep: 0, learningRates: new Float64Array(0), trace: true })
    const names = set.programs['infer']!.operations.map(({ op }) => op)
    const events = session.trace()
    t.deepEqual(
      events.map(({ op }) => op),
      [...names, ...names],
    )
    t.true(events.every(({ start, duration }) => start >= 0 && duration >= 0))
  } finally {
    await session.dispose()
  }
})

test('traced serially, operations run one after the other, whatever their streams', async (t) => {
  await using session = await openSmall(8, {}, {}, { scheduleSeed: 5 })
  await session.step(batchOf(0), rate)
  const starts = (serial: boolean): Promise<number[]> =>
    inTurn(session, async (native) => {
      await native.run('train', { steps: 1, seed: 0, firstStep: 1, learningRates: Float64Array.of(0.05), trace: true, serial })
      return native.trace().map(({ start }) => start)
    })
  const ordered = (times: readonly number[]): boolean => times.every((time, index) => index === 0 || time >= times[index - 1]!)
  t.true(ordered(await starts(true)))
  t.false(ordered(await starts(false)), 'this order has weight gradients after what follows them')
})

test('launches are counted without computing, and operations make as many as they say', async (t) => {
  for (const precision of ['fp32', 'tf32', 'bf16', 'fp16'] as const) {
    await using counting = await openSmall(20, {}, { precision }, { recordOnly: true })
    await using computing = await openSmall(20, {}, { precision })
    const counted = await counting.bytesMoved('train')
    t.deepEqual(counted, await computing.bytesMoved('train'))
    t.true(counted.convolutionLaunches >= 3 * 20 - 1 && counted.launches > counted.convolutionLaunches, JSON.stringify(counted))
    await t.throwsAsync(counting.step(batchOf(0), rate), { code: 'ERR_UNSUPPORTED' })
  }
})

test('a plan has the launches of optimizers and moving averages that a device counts', async (t) => {
  for (const optimizer of [sgd({ clipNorm: 1 }), adamW(), lamb(), lars()]) {
    await using session = await openSmall(8, {}, { optimizer, ema: { decay: 0.9 } }, { recordOnly: true })
    t.is(planReport(session.programs).launches!.total, (await session.bytesMoved('train')).launches, optimizer.kind)
  }
})

test('a setting that the device does not know is refused by its name, and so is a value that it cannot take', async (t) => {
  const refused = async (emulation: object, message: RegExp): Promise<void> => {
    await t.throwsAsync(openSmall(8, {}, {}, emulation), { code: 'ERR_OPTION', message })
  }
  await refused({ scheduleSeeds: 1 }, /settings of the device: emulation\.scheduleSeeds: expected known keys only/)
  await refused({ multiprocessors: 0 }, /emulation\.multiprocessors: expected an integer of at least 1, got 0/)
  await refused({ memory: 2 ** 54 }, /emulation\.memory: expected an integer of at least 0/)
  await refused({ recordOnly: 1 }, /emulation\.recordOnly: expected true or false, got 1/)
})

test('the same seed gives the same bits again', async (t) => {
  t.is(await trained(8, { deterministic: true }, 3), await trained(8, { deterministic: true }, 3))
})
