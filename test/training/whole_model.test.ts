/** A model is read and written as a whole, whatever else is asked of its session meanwhile. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { readSafetensors, writeSafetensors } from '../../lib/formats/safetensors.js'
import { centerCrop, resize, type Normalization } from '../../lib/data/index.js'
import { compile } from '../../lib/runtime/compile.js'
import type { Session } from '../../lib/runtime/session.js'
import { fit } from '../../lib/training/fit.js'
import { modelTensors } from '../../lib/runtime/internals.js'
import { describeModel } from '../../lib/runtime/model_file.js'
import { sgd } from '../../lib/training/sgd.js'
import { temporaryDirectory } from '../formats/directory.js'
import { someDigits, tiny, trainingLoader } from './tiny.js'

async function open(t: ExecutionContext, seed = 3): Promise<Session> {
  const data = await trainingLoader()
  const session = await compile(tiny(), { data, optimizer: sgd(), seed, threads: 1 })
  t.teardown(async () => {
    await session.dispose()
    await data.close()
  })
  return session
}

type Values = Record<string, unknown>

async function values(session: Session): Promise<Values> {
  return Object.fromEntries([...(await modelTensors(session))].map(([name, { data }]) => [name, data]))
}

test('a model saved beside steps is of one step', async (t) => {
  const path = join(await temporaryDirectory(t), 'model.safetensors')
  const session = await open(t)
  await session.steps(2, { learningRate: 0.1 })
  const before = await values(session)
  const saved = session.save(path)
  const steps = session.steps(2, { learningRate: 0.1 })
  await Promise.all([saved, steps])
  t.notDeepEqual(await values(session), before)
  const { tensors } = await readSafetensors(path)
  t.deepEqual(Object.fromEntries([...tensors].map(([name, { data }]) => [name, data]).sort()), Object.fromEntries(Object.entries(before).sort()))
})

test('who reads a model while another is loaded sees the one or the other', async (t) => {
  const path = join(await temporaryDirectory(t), 'model.safetensors')
  await (await open(t, 4)).save(path)
  const session = await open(t)
  const before = await values(session)
  const state = { loaded: false }
  const loading = session.load(path).then(() => (state.loaded = true))
  const seen: Values[] = []
  while (!state.loaded) seen.push(await values(session))
  await loading
  const after = await values(session)
  t.notDeepEqual(after, before)
  const stem = JSON.stringify(before['stem.weight'])
  for (const each of seen) t.deepEqual(each, JSON.stringify(each['stem.weight']) === stem ? before : after)
})

/** The model of a file with a value of one tensor changed. */
async function changed(from: string, to: string, name: string, value: number): Promise<void> {
  const { tensors, metadata } = await readSafetensors(from)
  const tensor = tensors.get(name)!
  await writeSafetensors(
    to,
    new Map([...tensors, [name, { ...tensor, dtype: 'F64', data: Float64Array.from(tensor.data as Float32Array).fill(value, 0, 1) }]]),
    metadata,
  )
}

test('of a file with a value that is not finite nothing is written', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, 'model.safetensors')
  await (await open(t, 4)).save(path)
  const session = await open(t)
  const before = await values(session)
  const last = Object.keys(before).at(-1)!
  for (const value of [NaN, -Infinity, 1e39]) {
    await changed(path, join(directory, 'bad'), last, value)
    await t.throwsAsync(session.load(join(directory, 'bad')), { code: 'ERR_PARAMETER', message: /bad: .*: expected finite values of 32 bits, got/ })
    t.deepEqual(await values(session), before)
  }
  await changed(path, join(directory, 'good'), last, 1e38)
  await session.load(join(directory, 'good'))
  t.notDeepEqual(await values(session), before)
})

test('a tensor whose values are not floating-point numbers takes no other with it; as a weight it is refused', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, 'model.safetensors')
  const taught = await open(t, 4)
  await taught.save(path)
  const { tensors, metadata } = await readSafetensors(path)
  /** The file with a tensor of 64 bits a value, which then gets another type. */
  const write = async (name: string, shape: readonly number[], type: string): Promise<string> => {
    const to = join(directory, `${type}.safetensors`)
    const data = new Float64Array(shape.reduce((product, size) => product * size, 1))
    await writeSafetensors(to, new Map([...tensors, [name, { dtype: 'F64', shape, data }]]), metadata)
    await writeFile(to, (await readFile(to, 'latin1')).replace('"F64"', `"${type}"`), 'latin1')
    return to
  }
  const session = await open(t)
  const before = await values(session)
  for (const type of ['C64', 'I64', 'F67'])
    await t.throwsAsync(session.load(await write('stem.weight', tensors.get('stem.weight')!.shape, type)), {
      code: 'ERR_PARAMETER',
      message: new RegExp(`stem\\.weight: expected floating-point values, got ${type}`),
    })
  t.deepEqual(await values(session), before)
  await session.load(await write('head.counted', [2], 'F67'), { except: ['head'] })
  t.deepEqual((await values(session))['stem.weight'], (await values(taught))['stem.weight'])
})

test('images that the file normalizes otherwise are refused, or taken where that is asked for', async (t) => {
  const path = join(await temporaryDirectory(t), 'model.safetensors')
  const taught = await open(t, 4)
  await taught.save(path)
  const { train } = await someDigits()
  const { mean, std } = taught.prepare!.normalization
  const session = async (normalization: Normalization | undefined): Promise<Session> => {
    const made = await compile(tiny(), { ...(normalization && { data: train, prepare: { normalization } }), batch: 2, seed: 3, threads: 1 })
    t.teardown(() => made.dispose())
    return made
  }
  for (const normalization of [
    { mean, std: [std[0]! + 0.1] },
    { mean: [mean[0]! - 0.1], std },
  ]) {
    const other = await session(normalization)
    const before = await values(other)
    const error = await t.throwsAsync(other.load(path), { code: 'ERR_PARAMETER', message: /expected the session's normalization \(mean .*got mean/ })
    t.regex(error.message, /describeModel.*normalization: 'any'/)
    t.deepEqual(await values(other), before)
    await other.load(path, { normalization: 'any' })
    t.deepEqual(await values(other), await values(taught))
  }
  const described = await describeModel(path)
  t.deepEqual(described.prepare, { evaluate: [], normalization: { mean, std } })
  t.deepEqual(described.classes, train.classes)
  const same = { mean: mean.map((value) => value + 1e-5), std }
  for (const normalization of [undefined, same]) await (await session(normalization)).load(path)
  await t.throwsAsync(taught.load(path, { normalization: 'all' as never }), { code: 'ERR_OPTION', message: /"same" or "any"/ })
})

test('a file of other classes, or of another order, is refused, or taken where that is asked for', async (t) => {
  const path = join(await temporaryDirectory(t), 'model.safetensors')
  const taught = await open(t, 4)
  await taught.save(path)
  const { train } = await someDigits()
  const swapped = train.classes.toSpliced(3, 2, '4', '3')
  for (const classes of [swapped, train.classes.slice(0, 9), train.classes.with(0, 'nought')]) {
    const other = await compile(tiny(), { data: { ...train, classes }, prepare: {}, batch: 2, seed: 3, threads: 1 })
    t.teardown(() => other.dispose())
    const before = await values(other)
    await t.throwsAsync(other.load(path), {
      code: 'ERR_DATASET',
      message: /model\.safetensors: expected the classes of the session's data \(.*the first that differs is class \d: .*; to train further .* classes: 'any'$/,
    })
    await t.throwsAsync(other.load(path, { normalization: 'any', except: ['stem'] }), { code: 'ERR_DATASET' })
    t.deepEqual(await values(other), before)
    await other.load(path, { except: ['head'] })
    t.deepEqual((await values(other))['head.fc.weight'], before['head.fc.weight'])
    await other.load(path, { classes: 'any' })
    t.deepEqual(await values(other), await values(taught))
  }
  await t.throwsAsync(taught.load(path, { classes: 'all' as never }), { code: 'ERR_OPTION', message: /"same" or "any"/ })
  const learned = { train: { ...train, classes: swapped }, batch: 8, steps: 1, threads: 1, learningRate: 1e-6, frozen: ['stem'], initialize: { from: path } }
  t.deepEqual((await fit(tiny(), learned).finished).tensors.get('stem.weight')!.data, (await values(taught))['stem.weight'])
})

test('a model file says what it is told of preparation', async (t) => {
  const path = join(await temporaryDirectory(t), 'model.safetensors')
  const taught = await open(t, 4)
  const { normalization } = taught.prepare!
  const evaluate = [resize(32), centerCrop()]
  await taught.save(path, { prepare: { evaluate } })
  t.deepEqual((await describeModel(path)).prepare, { evaluate, normalization })
  await t.throwsAsync(taught.save(path, { prepare: { evaluate: [resize(8), centerCrop()] } }), { code: 'ERR_OPTION', message: /at least 28/ })
  const blind = await compile(tiny(), { batch: 2, threads: 1 })
  t.teardown(() => blind.dispose())
  await t.throwsAsync(blind.save(path, { prepare: {} }), { code: 'ERR_OPTION', message: /save: prepare\.normalization: expected mean and std/ })
  await blind.save(path, { prepare: { normalization } })
  t.deepEqual((await describeModel(path)).prepare, { normalization })
})
