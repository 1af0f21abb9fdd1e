/** What a golden case runs on, and how its values get in and out. */
import { compilePrograms, serialisePrograms } from '../compiler/compile.js'
import type { CompileOptions } from '../compiler/options.js'
import type { DeviceName } from '../compiler/program.js'
import { buildGraph } from '../graph/build.js'
import type { Network } from '../layers/layer.js'
import { loadBinding, type NativeSession } from '../runtime/binding.js'
import type { Arithmetic } from './bounds.js'
import type { GoldenCase } from './case_file.js'

export interface Target extends Arithmetic {
  readonly device: DeviceName
  readonly threads: number
}

/** A session over the network's programs that holds the case's `before/` values. */
export async function open(
  golden: GoldenCase,
  network: Network,
  target: Target,
  options: Omit<CompileOptions, 'device' | 'precision' | 'convolution'>,
): Promise<NativeSession> {
  const { device, precision, convolution, threads } = target
  const programs = await compilePrograms(buildGraph(network), { device, precision, convolution, ...options })
  const session = await loadBinding().createSession(await serialisePrograms(programs), { threads })
  try {
    await session.allocate()
    for (const [name, { values }] of golden.tensors) {
      if (name.startsWith('before/')) await session.write(name.slice('before/'.length), Float64Array.from(values))
    }
    return session
  } catch (error) {
    await session.dispose()
    throw error
  }
}

/** Reads every tensor of the golden names that start with `prefix`. */
export async function readAll(golden: GoldenCase, session: NativeSession, prefix: 'grad/' | 'after/', got: Map<string, ArrayLike<number>>): Promise<void> {
  for (const name of golden.tensors.keys()) {
    if (!name.startsWith(prefix)) continue
    const own = name.slice(prefix.length)
    got.set(name, await session.read(prefix === 'grad/' ? `gradient/${own}` : own))
  }
}
