/** One preparation in a session: what data, loaders and calls say of it agrees, or is refused. */
import test from 'ava'
import { centerCrop, flip, loader, randomCrop, resize, type Preparation } from '../../lib/data/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { sgd } from '../../lib/training/sgd.js'
import { someDigits, tiny, trainingLoader } from '../training/tiny.js'

const chosen = { device: 'cpu', precision: 'fp32', threads: 1 } as const
const resized = [resize(64), centerCrop()]
const own = { mean: [0.1], std: [0.3] }
const other = { mean: [0.9], std: [0.01] }

test('images in memory cannot be resized: compile refuses, of training and of evaluation, for a dataset and a loader', async (t) => {
  const { train } = await someDigits()
  const message = /taken as they are: expected steps without a resize.*got resize\(64\), centerCrop\(\).*; without `data` a session evaluates them as they are/
  for (const list of ['train', 'evaluate'] as const) {
    const prepare = { [list]: resized }
    await t.throwsAsync(compile(tiny(), { ...chosen, data: train, prepare, batch: 8 }), { code: 'ERR_OPTION', message })
    // The loader does the other list alone.
    await using batches = loader(train, { batch: 8, mode: list === 'train' ? 'evaluate' : 'train', prepare: { train: [], evaluate: [], ...prepare } })
    await t.throwsAsync(compile(tiny(), { ...chosen, data: batches }), { code: 'ERR_OPTION', message })
  }
  await using session = await compile(tiny(), { ...chosen, data: train, prepare: { evaluate: [centerCrop()] }, batch: 8 })
  t.deepEqual(session.prepare?.evaluate, [centerCrop()])
})

test('under steps that are for files, images in memory are evaluated as they are', async (t) => {
  const { test: images } = await someDigits()
  const evaluated = async (prepare: Preparation): Promise<object> => {
    await using session = await compile(tiny(), { ...chosen, prepare: { normalization: own, ...prepare }, batch: 8, seed: 1 })
    const { seconds: _, dataSeconds: _1, ...result } = await session.evaluate(images)
    return result
  }
  t.deepEqual(await evaluated({ evaluate: resized }), await evaluated({ evaluate: [] }))
  await using session = await compile(tiny(), { ...chosen, prepare: { normalization: own }, batch: 8 })
  await t.throwsAsync(session.evaluate(images, { prepare: { evaluate: resized } }), { code: 'ERR_OPTION', message: /taken as they are.*got resize\(64\)/ })
})

test('a loader with another normalization than the session is refused; both are named', async (t) => {
  const { test: images } = await someDigits()
  await using session = await compile(tiny(), { ...chosen, prepare: { normalization: own }, batch: 8 })
  await using batches = loader(images, { batch: 8, mode: 'evaluate', prepare: { normalization: other } })
  await t.throwsAsync(session.evaluate(batches), {
    code: 'ERR_OPTION',
    message: 'evaluate: loader: prepare.normalization: expected the session\'s ({"mean":[0.1],"std":[0.3]}), got {"mean":[0.9],"std":[0.01]}',
  })
  for (const prepare of [{}, { normalization: own }]) {
    await using same = loader(images, { batch: 8, mode: 'evaluate', prepare })
    t.is((await session.evaluate(same)).samples, images.length)
  }
})

test('so is one for steps', async (t) => {
  await using batches = await trainingLoader({ prepare: { normalization: other } })
  await using first = await trainingLoader({ prepare: { normalization: own } })
  await using session = await compile(tiny(), { ...chosen, data: first, optimizer: sgd() })
  await t.throwsAsync(session.steps(1, { learningRate: 0.1, loader: batches }), {
    code: 'ERR_OPTION',
    message: /steps: loader: prepare\.normalization: expected/,
  })
})

test('compile takes no other preparation than that of the loader beside it', async (t) => {
  const ofLoader: Preparation = { train: [randomCrop({ pad: 2 })], evaluate: [], normalization: own }
  await using batches = await trainingLoader({ prepare: ofLoader })
  for (const [prepare, message] of [
    [{ normalization: other }, 'compile: prepare.normalization: expected the loader\'s ({"mean":[0.1],"std":[0.3]}), got {"mean":[0.9],"std":[0.01]}'],
    [
      { train: [randomCrop({ pad: 2 }), flip()] },
      'compile: prepare.train: expected the loader\'s ([{"kind":"randomCrop","pad":2}]), got [{"kind":"randomCrop","pad":2},{"kind":"flip"}]',
    ],
    [{ evaluate: [centerCrop()] }, 'compile: prepare.evaluate: expected the loader\'s ([]), got [{"kind":"centerCrop"}]'],
  ] as const)
    await t.throwsAsync(compile(tiny(), { ...chosen, data: batches, prepare: { ...ofLoader, ...prepare } }), { code: 'ERR_OPTION', message })
  await using session = await compile(tiny(), { ...chosen, data: batches, prepare: ofLoader })
  t.deepEqual(session.prepare?.normalization, own)
})
