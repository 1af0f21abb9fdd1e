/** A model is read and written as a whole, whatever else is asked of its session meanwhile. */
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { readSafetensors } from '../../lib/formats/safetensors.js'
import { compile, type Session } from '../../lib/runtime/session.js'
import { loadModel, modelTensors, saveModel } from '../../lib/training/model_file.js'
import { sgd } from '../../lib/training/sgd.js'
import { temporaryDirectory } from '../formats/directory.js'
import { tiny, trainingLoader } from './tiny.js'

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
  const saved = saveModel(session, path)
  const steps = session.steps(2, { learningRate: 0.1 })
  await Promise.all([saved, steps])
  t.notDeepEqual(await values(session), before)
  const { tensors } = await readSafetensors(path)
  t.deepEqual(Object.fromEntries([...tensors].map(([name, { data }]) => [name, data]).sort()), Object.fromEntries(Object.entries(before).sort()))
})

test('who reads a model while another is loaded sees the one or the other', async (t) => {
  const path = join(await temporaryDirectory(t), 'model.safetensors')
  await saveModel(await open(t, 4), path)
  const session = await open(t)
  const before = await values(session)
  const state = { loaded: false }
  const loading = loadModel(session, path).then(() => (state.loaded = true))
  const seen: Values[] = []
  while (!state.loaded) seen.push(await values(session))
  await loading
  const after = await values(session)
  t.notDeepEqual(after, before)
  const stem = JSON.stringify(before['stem.weight'])
  for (const each of seen) t.deepEqual(each, JSON.stringify(each['stem.weight']) === stem ? before : after)
})
