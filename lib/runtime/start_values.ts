/** Parameters and running statistics as a network starts with them. */
import { throwIfAborted } from '../abort.js'
import { elements } from '../compiler/layout.js'
import type { Graph } from '../graph/graph.js'
import type { NativeSession } from '../native/types.js'
import { initialValues } from './random.js'

/** A function of the seed and of each name: see `initialValues`. */
export async function writeStartValues(native: Pick<NativeSession, 'write'>, graph: Graph, seed: number, signal?: AbortSignal): Promise<void> {
  for (const { name, shape, init } of [...graph.parameters, ...graph.buffers]) {
    throwIfAborted(signal)
    await native.write(name, await initialValues(init, elements(shape), seed, name))
  }
}
