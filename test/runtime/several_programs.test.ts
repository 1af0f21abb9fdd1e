/** One session that infers and evaluates with batches and sizes of images of its programs, over the weights that it trains. */
import test from 'ava'
import type { ProgramRequest } from '../../lib/compiler/options.js'
import { loader, memoryDataset } from '../../lib/data/index.js'
import { preResNet } from '../../lib/models/index.js'
import type { Network } from '../../lib/layers/layer.js'
import { compile, compileWith } from '../../lib/runtime/compile.js'
import { evaluateBy, inferBy } from '../../lib/runtime/internals.js'
import type { Session } from '../../lib/runtime/session.js'
import { sgd } from '../../lib/training/sgd.js'

const small = { height: 8, width: 8 }
const large = { height: 12, width: 16 }
const BATCH = 4

const net = (size: typeof small): Network =>
  preResNet({ family: 'cifar', depth: 8, block: 'basic', shortcut: 'projection', widths: [8, 8, 16], classes: 5, input: { ...size, channels: 3 } })

const values = (batch: number, { height, width }: typeof small): Float32Array =>
  Float32Array.from({ length: batch * 3 * height * width }, (_, index) => Math.sin(index * 1.3))

const more: readonly ProgramRequest[] = [
  { name: 'infer@1', kind: 'infer', batch: 1 },
  { name: 'infer@large', kind: 'infer', batch: 2, input: large },
]

async function trained(): Promise<Session> {
  const session = await compileWith(net(small), { device: 'cpu', precision: 'fp32', batch: BATCH, seed: 4, optimizer: sgd() }, () => more)
  for (let step = 0; step < 2; step++) await session.step({ x: values(BATCH, small), labels: [0, 1, 2, 3] }, { learningRate: 0.1 })
  return session
}

/** A session of that batch and size alone, with the same weights. */
async function alone(like: Session, batch: number, size: typeof small): Promise<Float32Array> {
  await using session = await compile(net(size), { device: 'cpu', precision: 'fp32', batch, seed: 9 })
  for (const name of [...like.parameterNames, ...like.bufferNames]) await session.parameter(name).write(await like.parameter(name).read())
  return await session.infer({ x: values(batch, size) })
}

test('each program answers as a session of its own with the same weights does, also after another step', async (t) => {
  await using session = await trained()
  const all = async (): Promise<void> => {
    t.deepEqual(await session.infer({ x: values(BATCH, small) }), await alone(session, BATCH, small))
    t.deepEqual(await inferBy(session, 'infer@1', { x: values(1, small) }), await alone(session, 1, small))
    t.deepEqual(await inferBy(session, 'infer@large', { x: values(2, large) }), await alone(session, 2, large))
  }
  await all()
  const before = await inferBy(session, 'infer@large', { x: values(2, large) })
  await session.step({ x: values(BATCH, small), labels: [3, 2, 1, 0] }, { learningRate: 0.1 })
  await all()
  t.notDeepEqual(await inferBy(session, 'infer@large', { x: values(2, large) }), before)
})

test('an evaluation program counts images of its own size, with its own batch', async (t) => {
  const data = await memoryDataset({
    name: 'large',
    images: Uint8Array.from({ length: 7 * 3 * large.height * large.width }, (_, index) => 128 + Math.round(127 * Math.sin(index * 0.37))),
    labels: Int32Array.from({ length: 7 }, (_, index) => index % 5),
    classes: ['a', 'b', 'c', 'd', 'e'],
    ...large,
    channels: 3,
  })
  const prepare = { normalization: { mean: [0.5, 0.4, 0.5], std: [0.2, 0.3, 0.2] } }
  const chosen = { device: 'cpu', precision: 'fp32', seed: 4, prepare } as const
  const evaluateLarge = { name: 'evaluate@large', kind: 'evaluate', batch: 3, input: large } as const
  await using session = await compileWith(net(small), { ...chosen, batch: BATCH }, () => [evaluateLarge])
  await using batches = loader(data, { batch: 3, mode: 'evaluate', prepare })
  const { seconds: _, dataSeconds: _1, ...got } = await evaluateBy(session, 'evaluate@large', batches)
  t.is(got.samples, 7)
  await using own = await compile(net(large), { ...chosen, batch: 3 })
  const { seconds: __, dataSeconds: _2, ...expected } = await own.evaluate(batches)
  t.deepEqual(got, expected)
  await t.throwsAsync(session.evaluate(batches), { code: 'ERR_OPTION', message: /loader of batch 4/ })
})

test('a program takes values of its own size alone, and counts within its own batch', async (t) => {
  await using session = await trained()
  await t.throwsAsync(inferBy(session, 'infer@large', { x: values(BATCH, small) }), { code: 'ERR_OPTION', message: /batch\.x: expected 1152 values, got 768/ })
  await t.throwsAsync(inferBy(session, 'infer@large', { x: values(2, large) }, { count: 3 }), { code: 'ERR_OPTION', message: /infer: count: .* 2/ })
  const both = await inferBy(session, 'infer@large', { x: values(2, large) })
  t.deepEqual(await inferBy(session, 'infer@large', { x: values(2, large) }, { count: 1 }), both.slice(0, 5))
})
