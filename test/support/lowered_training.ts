/** What lowered programs leave, run by the reference executor in double, against what the unlowered ones leave. */
import type { ExecutionContext } from 'ava'
import { serializePrograms } from '../../lib/compiler/compile.js'
import { PLAIN, PRECOMPILED, RUNTIME_COMPILED, type Tier } from '../../lib/compiler/lower/engines.js'
import type { ProgramOptions } from '../../lib/compiler/options.js'
import type { OperationSpec, Precision, ProgramSet } from '../../lib/compiler/program.js'
import type { OperationName } from '../../lib/contracts.js'
import { lossScaleOf, lossScaleStart } from '../../lib/compiler/update.js'
import { checkGoldens } from '../../lib/goldens/check.js'
import type { Network } from '../../lib/layers/index.js'
import { emulated } from '../../lib/native/emulation.js'
import { loadBinding } from '../../lib/native/load.js'
import { goldenDirectory } from '../cli/run.js'
import { BATCH, compiled, compileOptions, NETWORKS, startValues } from './lowered.js'
import { matrix } from './matrix.js'

type Launches = readonly [name: string, tier: Tier, precision: Precision]

export const TIERS: readonly Launches[] = [
  ['plain', PLAIN, 'fp32'],
  ['plain with copies', PLAIN, 'bf16'],
  ['precompiled', PRECOMPILED, 'fp16'],
  ['runtime-compiled', RUNTIME_COMPILED, 'bf16'],
]

export const goldenTiers = matrix(TIERS, ([name]) => name === 'precompiled')

export function goldenTitle([name]: Launches): string {
  return `goldens on launches of the ${name} tier`
}

export async function goldensOnLaunches(t: ExecutionContext, [, tier, precision]: Launches): Promise<void> {
  const report = await checkGoldens({ directory: goldenDirectory, device: 'reference', precision: 'fp64', lowering: { precision, tier } })
  t.deepEqual(
    report.cases.filter((result) => !result.passed),
    [],
  )
  t.is(report.cases.length, 25)
  t.is(report.compared, 1563)
}

type Snapshot = ReadonlyMap<string, Float64Array>

/** Three steps and an evaluation: everything that is kept, by name. */
export async function trained(net: Network, more: Partial<ProgramOptions>): Promise<Snapshot> {
  const options = compileOptions(net, more)
  const set = await compiled(net, more)
  const session = await loadBinding().createSession(await serializePrograms(set), { threads: 1 })
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
        'crops',
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
export function worst(got: Snapshot, want: Snapshot): { readonly name: string; readonly error: number } {
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
export const BOUND = 1e-10

export const loweredNetworks = matrix(NETWORKS, ([name]) => ['bottleneck', 'own layers'].includes(name))

export function loweredTitle([name]: (typeof NETWORKS)[number]): string {
  return `${name}: every tier computes what the unlowered program does`
}

export async function everyTierAgrees(t: ExecutionContext, [, net]: (typeof NETWORKS)[number]): Promise<void> {
  const variants: readonly (readonly [string, Partial<ProgramOptions>])[] = [
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
}

export const operations = <K extends OperationName>(set: ProgramSet, op: K, program = 'train'): Extract<OperationSpec, { op: K }>[] =>
  set.programs[program]!.operations.filter((operation): operation is Extract<OperationSpec, { op: K }> => operation.op === op)

export const validPrograms = matrix(NETWORKS, ([name]) => ['basic, projection', 'bottleneck, stride on conv1', 'own layers'].includes(name))

export function validTitle([name]: (typeof NETWORKS)[number]): string {
  return `${name}: a valid program for CUDA, in every precision`
}

export async function isValidForCuda(t: ExecutionContext, [name, net]: (typeof NETWORKS)[number]): Promise<void> {
  for (const precision of ['fp32', 'tf32', 'bf16', 'fp16'] as const) {
    for (const lowering of [undefined, { precision, tier: RUNTIME_COMPILED as Tier }]) {
      const set = await compiled(net, { device: 'cuda', precision, ...(lowering && { lowering }) })
      // Verified first; where that device is not there, the session ends after it.
      const text = await serializePrograms(set)
      const refusal = await emulated({}, () => loadBinding().createSession(text, { threads: 1 }))
        .then((session) => session.dispose())
        .catch((error: unknown) => error as { code: string; message: string })
      if (refusal !== undefined) t.is(refusal.code, 'ERR_DEVICE', `${name} ${precision}: ${refusal.message}`)
      t.deepEqual(operations(set, 'conv_backward'), [])
    }
  }
}
