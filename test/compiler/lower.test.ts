/** Programs for CUDA compute what the unlowered ones compute: run by the reference executor, in double. */
import test from 'ava'
import { serializePrograms } from '../../lib/compiler/compile.js'
import { PRECOMPILED } from '../../lib/compiler/lower/engines.js'
import type { ProgramOptions } from '../../lib/compiler/options.js'
import { lossScaleOf, lossScaleStart } from '../../lib/compiler/update.js'
import { buildGraph } from '../../lib/graph/build.js'
import { loadBinding } from '../../lib/native/load.js'
import { compiled, compileOptions, NETWORKS, startValues } from '../support/lowered.js'
import {
  BOUND,
  everyTierAgrees,
  goldensOnLaunches,
  goldenTiers,
  goldenTitle,
  isValidForCuda,
  loweredNetworks,
  loweredTitle,
  operations,
  TIERS,
  trained,
  validPrograms,
  validTitle,
  worst,
} from '../support/lowered_training.js'

for (const each of goldenTiers.quick) test.serial(goldenTitle(each), (t) => goldensOnLaunches(t, each))

for (const each of loweredNetworks.quick) test(loweredTitle(each), (t) => everyTierAgrees(t, each))

test('frozen statistics and frozen parameters', async (t) => {
  const [, net] = NETWORKS.find(([name]) => name === 'own layers')!
  const graph = buildGraph(net)
  const { update } = compileOptions(net)
  const only = (keep: (name: string) => boolean): Partial<ProgramOptions> => ({
    update: { ...update!, settings: Object.fromEntries(Object.entries(update!.settings).filter(([name]) => keep(name))) },
  })
  const norms = graph.nodes.filter(({ kind }) => kind === 'batchNorm').map(({ name }) => name)
  const variants: Partial<ProgramOptions>[] = [
    { frozenStatistics: norms },
    { frozenStatistics: norms.slice(0, 2) },
    only((name) => name.startsWith('head')),
    // Biases of convolutions whose weights are frozen.
    only((name) => name.endsWith('bias')),
    only((name) => name.endsWith('weight') && !name.startsWith('stem')),
    only((name) => !name.startsWith('first.norm')),
  ]
  for (const [index, more] of variants.entries()) {
    const expected = await trained(net, more)
    for (const [tierName, tier, precision] of TIERS) {
      const { name: tensor, error } = worst(await trained(net, { ...more, lowering: { precision, tier } }), expected)
      t.true(error <= BOUND, `variant ${index}, ${tierName}: ${tensor} differs by ${error}`)
    }
  }
})

test('an overflow skips the step, halves the scale, and leaves copies and parameters as they are', async (t) => {
  const [, net] = NETWORKS[0]!
  const set = await compiled(net, { lowering: { precision: 'fp16', tier: PRECOMPILED } })
  const session = await loadBinding().createSession(await serializePrograms(set), { threads: 1 })
  try {
    await session.allocate()
    for (const [name, values] of startValues(net)) await session.write(name, values)
    await session.write('lossScale', Float64Array.of(1024, 1 / 1024, 5, 0, 2, 0, 0, 0))
    const options = { steps: 1, seed: 0, firstStep: 0, learningRates: Float64Array.of(0.1) }
    await session.run('refresh', { ...options, learningRates: new Float64Array() })
    const weight = 'stages.0.blocks.0.conv1.weight'
    const before = await session.read(weight)
    await session.write('head.fc.bias', new Float64Array(4).fill(Infinity))
    await session.run('train', options)
    t.deepEqual(await session.read(weight), before)
    t.deepEqual(await session.read(`compute/${weight}`), before)
    const state = [...(await session.read('lossScale'))]
    t.deepEqual(state.slice(0, 5), [512, 1 / 512, 0, 1, 3])
    await session.write('head.fc.bias', new Float64Array(4))
    await session.run('train', options)
    const after = await session.read(weight)
    t.notDeepEqual(after, before)
    t.deepEqual(await session.read(`compute/${weight}`), after)
    t.deepEqual([...(await session.read('lossScale'))].slice(0, 5), [512, 1 / 512, 1, 0, 3])
  } finally {
    await session.dispose()
  }
})

test('the optimizer looks at what was checked just before', async (t) => {
  for (const [, net] of NETWORKS) {
    for (const precision of ['fp32', 'tf32', 'bf16', 'fp16'] as const) {
      const set = await compiled(net, { device: 'cuda', precision })
      const [check, sgd] = set.programs['train']!.operations.slice(-2)
      if (check?.op !== 'check_gradients' || sgd?.op !== 'sgd') return t.fail(`${check?.op}, ${sgd?.op}`)
      for (const operand of ['scaler', 'gradients', 'weightGradients'] as const) t.is(check.operands[operand], sgd.operands[operand])
      for (const attribute of ['offsets', 'lengths'] as const) t.deepEqual(check.attributes[attribute], sgd.attributes[attribute])
      t.is(operations(set, 'softmax_cross_entropy')[0]!.operands.scaler, sgd.operands.scaler)
      t.is(operations(set, 'softmax_cross_entropy', 'evaluate')[0]!.operands.scaler, undefined)
      t.is(sgd.attributes.growthInterval, precision === 'fp16' ? 2000 : 0)
      t.is('copies' in sgd.operands, precision === 'bf16' || precision === 'fp16')
      t.is('refresh' in set.programs, precision === 'bf16' || precision === 'fp16')
    }
  }
})

for (const each of validPrograms.quick) test(validTitle(each), (t) => isValidForCuda(t, each))

test('loss scales', async (t) => {
  const [, net] = NETWORKS[0]!
  const start = (more: Partial<ProgramOptions>): number => lossScaleStart(lossScaleOf(compileOptions(net, more)))[0]!
  t.is(start({ device: 'cuda', precision: 'fp16' }), 65_536)
  t.is(start({ device: 'cuda', precision: 'bf16' }), 1)
  t.is(start({ device: 'cuda', precision: 'fp16', lossScale: 128 }), 128)
  const set = await compiled(net, { device: 'cuda', precision: 'fp16', lossScale: 128 })
  t.is(operations(set, 'sgd')[0]!.attributes.growthInterval, 0)
  for (const lossScale of [0, -1, NaN, Infinity, 'static' as 'dynamic']) {
    await t.throwsAsync(compiled(net, { device: 'cuda', precision: 'fp16', lossScale }), { code: 'ERR_OPTION', message: /lossScale/ })
  }
  await t.throwsAsync(compiled(net, { lossScale: 2 }), { code: 'ERR_OPTION', message: /lossScale: expected none on device reference/ })
  await t.throwsAsync(compiled(net, { arch: 90 }), { code: 'ERR_OPTION', message: /arch: expected none on device reference/ })
})
