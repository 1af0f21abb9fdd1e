/** What a golden case runs on, and how its values get in and out. */
import { compilePrograms, serializePrograms } from '../compiler/compile.js'
import type { ProgramOptions } from '../compiler/options.js'
import { lossScaleOf } from '../compiler/update.js'
import type { DeviceName } from '../compiler/program.js'
import { buildGraph } from '../graph/build.js'
import type { Network } from '../layers/layer.js'
import { loadBinding } from '../native/load.js'
import type { NativeSession } from '../native/types.js'
import { lossScaleTensor, writeLossScale } from '../runtime/loss_scale.js'
import type { Arithmetic } from './bounds.js'
import type { GoldenCase } from './case_file.js'

export interface GoldenTarget extends Arithmetic {
  readonly device: DeviceName
  readonly threads: number
  /** Launches of a GPU on another device, or of another tier than the rules take. */
  readonly lowering?: ProgramOptions['lowering']
}

interface Opened {
  readonly session: NativeSession
  /** Whether gradients are multiplied by a loss scale. */
  readonly scaled: boolean
}

/** A session over the network's programs that holds the case's `before/` values. */
export async function open(
  golden: GoldenCase,
  network: Network,
  target: GoldenTarget,
  options: Omit<ProgramOptions, 'device' | 'precision' | 'convolution' | 'lowering'>,
): Promise<Opened> {
  const { device, precision, convolution, threads, lowering } = target
  const complete: ProgramOptions = { device, precision, convolution, ...(lowering && { lowering }), ...options }
  const programs = await compilePrograms(buildGraph(network), complete)
  const session = await loadBinding().createSession(await serializePrograms(programs), { threads })
  try {
    await session.allocate()
    for (const [name, { values }] of golden.tensors) {
      if (name.startsWith('before/')) await session.write(name.slice('before/'.length), Float64Array.from(values))
    }
    const scaled = await writeLossScale(session, programs, lossScaleOf(complete))
    if ('refresh' in programs.programs) await session.run('refresh', { steps: 1, seed: 0, firstStep: 0, learningRates: new Float64Array(0) })
    return { session, scaled }
  } catch (error) {
    await session.dispose()
    throw error
  }
}

/** Reads every tensor of the golden names that start with `prefix`; gradients without the loss scale. */
export async function readAll(golden: GoldenCase, { session, scaled }: Opened, prefix: 'grad/' | 'after/', got: Map<string, ArrayLike<number>>): Promise<void> {
  const scale = scaled ? (await session.read(lossScaleTensor))[0]! : 1
  for (const name of golden.tensors.keys()) {
    if (!name.startsWith(prefix)) continue
    const own = name.slice(prefix.length)
    const values = await session.read(prefix === 'grad/' ? `gradient/${own}` : own)
    got.set(name, prefix === 'grad/' ? Array.from(values, (value) => value / scale) : values)
  }
}
