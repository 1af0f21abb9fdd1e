/** A small session for tests, and all that it keeps. */
import type { ExecutionContext } from 'ava'
import { compile } from '../../lib/runtime/compile.js'
import type { BatchSize, SessionOptions } from '../../lib/runtime/session_options.js'
import type { Session } from '../../lib/runtime/session.js'
import { sgd } from '../../lib/training/sgd.js'
import { tiny, trainingLoader } from '../training/tiny.js'

/** On the first device unless `options` say otherwise; disposed of after the test. */
export async function open(t: ExecutionContext, options: SessionOptions = {}, network = tiny()): Promise<Session> {
  const data = options.batch === undefined && options.data === undefined ? await trainingLoader() : undefined
  const session = await compile(network, { optimizer: sgd(), seed: 3, threads: 1, ...(data && { data }), ...options } as SessionOptions & BatchSize)
  t.teardown(async () => {
    await session.dispose()
    await data?.close()
  })
  return session
}

/** Parameters, running statistics and the optimizer's state, by name. */
export async function allValues(session: Session): Promise<Record<string, Float32Array | Float64Array>> {
  const values: Record<string, Float32Array | Float64Array> = {}
  for (const name of [...session.parameterNames, ...session.bufferNames]) values[name] = await session.parameter(name).read()
  for (const state of session.optimizerStates) {
    for (const name of session.trainedNames) values[`${state} ${name}`] = await session.optimizerState(name, state).read()
  }
  return values
}

export const relative = (a: number, b: number): number => Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b))

/** Values as a network sees them, and labels. */
export function valuesBatch(count: number): { x: Float64Array; labels: Int32Array } {
  const x = Float64Array.from({ length: count * 784 }, (_, index) => Math.sin(index * 12.9898) * 1.5)
  return { x, labels: Int32Array.from({ length: count }, (_, index) => (index * 7) % 10) }
}
