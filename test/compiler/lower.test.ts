/** Programs for CUDA compute what the unlowered ones compute: run by the reference executor, in double. */
import test from 'ava'
import { serialisePrograms } from '../../lib/compiler/compile.js'
import { PLAIN, PRECOMPILED, RUNTIME_COMPILED, type Tier } from '../../lib/compiler/lower/engines.js'
import type { OperationName } from '../../lib/contracts.js'
import type { CompileOptions } from '../../lib/compiler/options.js'
import type { OperationSpec, Precision, ProgramSet } from '../../lib/compiler/program.js'
import { lossScaleOf, lossScaleStart } from '../../lib/compiler/update.js'
import { checkGoldens } from '../../lib/goldens/check.js'
import { buildGraph } from '../../lib/graph/build.js'
import type { Network } from '../../lib/layers/index.js'
import { loadBinding } from '../../lib/native/load.js'
import { goldenDirectory } from '../cli/run.js'
import { BATCH, compiled, compileOptions, NETWORKS, startValues } from '../support/lowered.js'
import { emulated } from '../../lib/native/emulation.js'

const TIERS: readonly (readonly [name: string, tier: Tier, precision: Precision])[] = [
  ['plain', PLAIN, 'fp32'],
  ['plain with copies', PLAIN, 'bf16'],
  ['precompiled', PRECOMPILED, 'fp16'],
  ['runtime-compiled', RUNTIME_COMPILED, 'bf16'],
]

for (const [name, tier, precision] of TIERS) {
  test.serial(`goldens on launches of the ${name} tier`, async (t) => {
    const report = await checkGoldens({ directory: goldenDirectory, device: 'reference', precision: 'fp64', lowering: { precision, tier } })
    t.deepEqual(
      report.cases.filter((result) => !result.passed),
      [],
    )
    t.is(report.cases.length, 25)
    t.is(report.compared, 1563)
  })
}

type Snapshot = ReadonlyMap<string, Float64Array>

/** Three steps and an evaluation: everything that is kept, by name. */
async function trained(net: Network, more: Partial<CompileOptions>): Promise<Snapshot> {
  const options = compileOptions(net, more)
  const set = await compiled(net, more)
  const session = await loadBinding().createSession(await serialisePrograms(set), { threads: 1 })
  try {
    await session.allocate()
    for (const [name, values] of startValues(net)) await session.write(name, values)
    const scaled = set.tensors.some(({ name }) => name === 'lossScale')
    if (scaled) await session.write('lossScale', lossScaleStart(lossScaleOf(options)))
    const run = (program: string, step: number): Promise<unknown> =>
      session.run(program, { steps: 1, seed: 3, firstStep: step, learningRates: program === 'train' ? Float64Array.of(0.05) : new Float64Array() })
    if ('refresh' in set.programs) await run('refresh', 0)
    const { height, width, channels } = net.input
    const kept = new Map<string, Float64Array>()
    for (let step = 0; step < 3; step++) {
      const pixel = (index: number): number => Math.floor(128 + 127 * Math.sin(index * (1.3 + 0.1 * step)))
      await session.write(
        'images',
        Uint8Array.from({ length: BATCH * height * width * channels }, (_, index) => pixel(index)),
      )
      await session.write(
        'labels',
        Int32Array.from({ length: BATCH }, (_, index) => (index + step) % 4),
      )
      await session.write(
        'placement',
        Int32Array.from({ length: BATCH * 3 }, (_, index) => (index + step) % 2),
      )
      await run('train', step)
      kept.set(`metrics ${step}`, Float64Array.from(await session.read('metrics')))
    }
    const scale = scaled ? (await session.read('lossScale'))[0]! : 1
    const gradients = set.tensors.filter(({ name }) => name.startsWith('gradient/'))
    // Before anything else runs.
    for (const { name } of gradients)
      kept.set(
        name,
        Float64Array.from(await session.read(name), (value) => value / scale),
      )
    await run('evaluate', 0)
    const outside = new Set(['inputs', 'activations', 'compute'])
    for (const { name, arena, shape } of set.tensors) {
      const view = shape.length === 1 && ['parameters', 'gradients', 'velocity', 'weightGradients', 'compute'].includes(name)
      if (!outside.has(arena) && !view && name !== 'lossScale' && !kept.has(name)) kept.set(name, Float64Array.from(await session.read(name)))
    }
    return kept
  } finally {
    await session.dispose()
  }
}

/** Largest difference, relative to the tensor's size; what should be zero (the gradient of a bias in front of a norm) has none. */
function worst(got: Snapshot, want: Snapshot): { readonly name: string; readonly error: number } {
  let found = { name: 'nothing', error: 0 }
  for (const [name, values] of want) {
    const other = got.get(name)
    const size = Math.max(Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)), 1e-2)
    const error = other?.length === values.length ? Math.sqrt(values.reduce((sum, value, index) => sum + (value - other[index]!) ** 2, 0)) / size : Infinity
    if (!(error <= found.error)) found = { name, error }
  }
  return found
}

/** Doubles, added in other orders; three steps let a rounding grow. */
const BOUND = 1e-10

for (const [name, net] of NETWORKS) {
  test(`${name}: every tier computes what the unlowered program does`, async (t) => {
    const variants: readonly (readonly [string, Partial<CompileOptions>])[] = [
      ['as it is', {}],
      ['two groups, clipped', { statisticsGroups: 2, update: { ...compileOptions(net).update!, clipNorm: 0.5 } }],
    ]
    for (const [what, more] of variants) {
      const expected = await trained(net, more)
      for (const [tierName, tier, precision] of TIERS) {
        const got = await trained(net, { ...more, lowering: { precision, tier } })
        t.deepEqual([...got.keys()].sort(), [...expected.keys()].sort())
        const { name: tensor, error } = worst(got, expected)
        t.true(error <= BOUND, `${what}, ${tierName}: ${tensor} differs by ${error}`)
      }
    }
  })
}

test('frozen statistics and frozen parameters', async (t) => {
  const [, net] = NETWORKS.find(([name]) => name === 'own layers')!
  const graph = buildGraph(net)
  const { update } = compileOptions(net)
  const only = (keep: (name: string) => boolean): Partial<CompileOptions> => ({
    update: { ...update!, settings: Object.fromEntries(Object.entries(update!.settings).filter(([name]) => keep(name))) },
  })
  const norms = graph.nodes.filter(({ kind }) => kind === 'batchNorm').map(({ name }) => name)
  const variants: Partial<CompileOptions>[] = [
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

const operations = <K extends OperationName>(set: ProgramSet, op: K, program = 'train'): Extract<OperationSpec, { op: K }>[] =>
  set.programs[program]!.operations.filter((operation): operation is Extract<OperationSpec, { op: K }> => operation.op === op)

test('an overflow skips the step, halves the scale, and leaves copies and parameters as they are', async (t) => {
  const [, net] = NETWORKS[0]!
  const set = await compiled(net, { lowering: { precision: 'fp16', tier: PRECOMPILED } })
  const session = await loadBinding().createSession(await serialisePrograms(set), { threads: 1 })
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

test('every network is a valid program for CUDA, in every precision', async (t) => {
  for (const [name, net] of NETWORKS) {
    for (const precision of ['fp32', 'tf32', 'bf16', 'fp16'] as const) {
      for (const lowering of [undefined, { precision, tier: RUNTIME_COMPILED as Tier }]) {
        const set = await compiled(net, { device: 'cuda', precision, ...(lowering && { lowering }) })
        // Verified first; where that device is not there, the session ends after it.
        const text = await serialisePrograms(set)
        const refusal = await emulated({}, () => loadBinding().createSession(text, { threads: 1 }))
          .then((session) => session.dispose())
          .catch((error: unknown) => error as { code: string; message: string })
        if (refusal !== undefined) t.is(refusal.code, 'ERR_DEVICE', `${name} ${precision}: ${refusal.message}`)
        t.deepEqual(operations(set, 'conv_backward'), [])
      }
    }
  }
})

test('loss scales', async (t) => {
  const [, net] = NETWORKS[0]!
  const start = (more: Partial<CompileOptions>): number => lossScaleStart(lossScaleOf(compileOptions(net, more)))[0]!
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
