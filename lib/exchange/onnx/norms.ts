/** What a norm becomes for inference: a scale and an offset of each channel, which a convolution before it can take over. */
import { setImmediate } from 'node:timers/promises'
import type { Graph, GraphNode } from '../../graph/index.js'
import type { Tensors } from '../families.js'

export type Convolution = GraphNode & { kind: 'conv2d' }
export type Norm = GraphNode & { kind: 'batchNorm' }

/** Values of fp32 that are computed in one go, before others have their turn. */
const slice = 1 << 20

/** The norms that convolutions take over, by the convolution's id: nothing but the norm reads what the convolution gives. */
export function foldedNorms({ nodes }: Graph): ReadonlyMap<number, Norm> {
  const readers = nodes.map(() => 0)
  for (const { inputs } of nodes) for (const input of inputs) readers[input]!++
  const folded = new Map<number, Norm>()
  for (const node of nodes) {
    if (node.kind !== 'batchNorm') continue
    const before = nodes[node.inputs[0]!]!
    if (before.kind === 'conv2d' && readers[before.id] === 1) folded.set(before.id, node)
  }
  return folded
}

/** Weights and bias of a convolution with the norm behind it, computed in double and rounded once. */
export async function foldNorm(
  convolution: Convolution,
  norm: Norm,
  values: (name: string) => Float32Array,
): Promise<{ weight: Float32Array; bias: Float32Array }> {
  const [gamma, beta, mean, variance] = [norm.weight, norm.bias, norm.runningMean, norm.runningVar].map(values) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ]
  const scale = Float64Array.from(gamma, (value, channel) => value / Math.sqrt(variance[channel]! + norm.epsilon))
  const before = convolution.bias === undefined ? undefined : values(convolution.bias)
  const bias = Float32Array.from(beta, (value, channel) => value + ((before?.[channel] ?? 0) - mean[channel]!) * scale[channel]!)
  const given = values(convolution.weight)
  const weight = new Float32Array(given.length)
  const each = given.length / scale.length
  for (let channel = 0, done = 0; channel < scale.length; channel++) {
    for (let index = channel * each; index < (channel + 1) * each; index++) weight[index] = given[index]! * scale[channel]!
    if ((done += each) < slice) continue
    done = 0
    await setImmediate()
  }
  await setImmediate()
  return { weight, bias }
}

/** Values by their names. */
export const valuesOf =
  (tensors: Tensors) =>
  (name: string): Float32Array =>
    tensors.get(name)!.data as Float32Array
