/** A small network compiled for one device, and a session that trains it: what tests of the native side run. */
import { compilePrograms, serializePrograms } from '../../lib/compiler/compile.js'
import type { ProgramOptions } from '../../lib/compiler/options.js'
import type { ProgramSet } from '../../lib/compiler/program.js'
import { buildGraph } from '../../lib/graph/build.js'
import { batchNorm, classifierHead, conv2d, network, relu, residual, type Network } from '../../lib/layers/index.js'
import { loadBinding } from '../../lib/native/load.js'
import type { NativeSession, RunOptions } from '../../lib/native/types.js'

export const BATCH = 4
export const SIDE = 6
export const CLASSES = 3
export const NORMS = ['unit.norm1', 'unit.norm2', 'norm']

export function tinyNetwork(): Network {
  const channels = 5
  return network({
    name: 'tiny',
    input: { height: SIDE, width: SIDE, channels: 3 },
    layers: {
      stem: conv2d({ channels, kernel: 3 }),
      unit: residual({ branch: [batchNorm(), relu(), conv2d({ channels, kernel: 3 }), batchNorm(), relu(), conv2d({ channels, kernel: 3 })] }),
      norm: [batchNorm(), relu()],
      head: classifierHead({ classes: CLASSES }),
    },
  })
}

export async function tinyPrograms(device: 'reference' | 'cpu' = 'reference', more: Partial<ProgramOptions> = {}): Promise<ProgramSet> {
  const graph = buildGraph(tinyNetwork())
  return compilePrograms(graph, {
    device,
    precision: device === 'reference' ? 'fp64' : 'fp32',
    batch: BATCH,
    programs: ['train', 'evaluate', 'infer'],
    input: { kind: 'images', height: SIDE, width: SIDE, pad: 1, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
    loss: { kind: 'crossEntropy', smoothing: 0, softTargets: false },
    update: { momentum: 0.9, nesterov: false, clipNorm: 0, settings: Object.fromEntries(graph.parameters.map(({ name }) => [name, { decay: 1e-4, rate: 1 }])) },
    ...more,
  })
}

export async function openSession(set: ProgramSet, threads = 1): Promise<NativeSession> {
  const session = await loadBinding().createSession(await serializePrograms(set), { threads })
  await session.allocate()
  return session
}

/** Parameters of ordinary size, running statistics, and one batch of images. */
export async function fill(session: NativeSession): Promise<void> {
  for (const { name, shape } of buildGraph(tinyNetwork()).parameters) {
    const one = name.includes('norm') && name.endsWith('weight') ? 1 : 0
    const count = shape.reduce((product, size) => product * size, 1)
    await session.write(
      name,
      Float64Array.from({ length: count }, (_, index) => one + 0.2 * Math.sin(index * 1.7 + name.length)),
    )
  }
  for (const norm of NORMS) await session.write(`${norm}.running_var`, new Float64Array(5).fill(1))
  await session.write(
    'images',
    Uint8Array.from({ length: BATCH * SIDE * SIDE * 3 }, (_, index) => (index * 53) % 256),
  )
  await session.write(
    'labels',
    Int32Array.from({ length: BATCH }, (_, index) => index % CLASSES),
  )
  await session.write(
    'crops',
    Int32Array.from({ length: BATCH * 3 }, (_, index) => [index % 2, 1, index % 2][index % 3]!),
  )
}

export function steps(count: number, more: Partial<RunOptions> = {}): RunOptions {
  return { steps: count, seed: 1, firstStep: 0, learningRates: new Float64Array(count).fill(0.05), ...more }
}
