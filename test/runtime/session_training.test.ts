/** Options of training, each against what it means. */
import test from 'ava'
import { compile } from '../../lib/runtime/compile.js'
import { sgd } from '../../lib/training/sgd.js'
import { allValues, open, relative, valuesBatch } from '../support/session.js'
import { tiny } from '../training/tiny.js'

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

test('frozen statistics keep their values and are what training normalizes by', async (t) => {
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
