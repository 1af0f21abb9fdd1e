/** A network out as an ONNX file and in again: the same operations in the same order, and parameters of the same bits. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { exportOnnx, importOnnx } from '../../lib/exchange/index.js'
import type { ImportedModel } from '../../lib/exchange/imported.js'
import { modelProto } from '../../lib/exchange/onnx/messages.js'
import { foldedNorms } from '../../lib/exchange/onnx/norms.js'
import type { OnnxOptions } from '../../lib/exchange/options.js'
import { decodeMessage } from '../../lib/formats/protobuf_reader.js'
import { writeSafetensors, type SafetensorsTensor } from '../../lib/formats/safetensors.js'
import { buildGraph, type Graph, type GraphNode } from '../../lib/graph/index.js'
import type { Network } from '../../lib/layers/index.js'
import { modelMetadata } from '../../lib/runtime/model_file.js'
import { temporaryFolder } from '../support/folder.js'
import { Random } from '../support/random.js'

export const prepare = { evaluate: [], normalization: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } }

/** Drawn once for all parameters: those of the deepest networks have 65 million. */
const block = ((random) => Float32Array.from({ length: 65_521 }, () => random.normal()))(new Random(11))

export function drawn({ parameters, buffers }: Graph): Map<string, SafetensorsTensor> {
  let next = 0
  const values = ({ name, shape }: { name: string; shape: readonly number[] }): [string, SafetensorsTensor] => {
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1))
    for (let index = 0; index < data.length; index++) data[index] = block[next++ % block.length]!
    return [name, { dtype: 'F32', shape, data: name.endsWith('running_var') ? data.map((value) => 0.5 + value * value) : data }]
  }
  return new Map([...parameters, ...buffers].map(values))
}

/** What of a node answers depend on. Names are others, momentum is for training, and a gate's start value is no value of the file. */
const answering = ({ kind, shape, ...node }: GraphNode, inputs: readonly number[]): object =>
  Object.fromEntries(
    Object.entries({ ...node, kind, shape, inputs }).filter(
      ([key]) => !['id', 'name', 'weight', 'bias', 'runningMean', 'runningVar', 'momentum'].includes(key),
    ),
  )

const parameterNames = (node: object): readonly string[] =>
  ['weight', 'bias', 'runningMean', 'runningVar'].flatMap((key) => (key in node ? [String((node as Record<string, unknown>)[key])] : []))

interface Operation {
  readonly answering: object
  readonly values: readonly (SafetensorsTensor['data'] | undefined)[]
}

/** The operations of a graph, less what changes no value at inference. */
function operations(
  { nodes }: Graph,
  isWithout: (node: GraphNode) => boolean,
  valuesOf: (node: GraphNode) => readonly (SafetensorsTensor['data'] | undefined)[],
): Operation[] {
  const places: number[] = []
  const kept: Operation[] = []
  for (const node of nodes) {
    const inputs = node.inputs.map((id) => places[id]!)
    if (isWithout(node)) {
      places.push(inputs[0]!)
      continue
    }
    places.push(kept.length)
    kept.push({ answering: answering(node, inputs), values: valuesOf(node) })
  }
  return kept
}

const isSameImage = (node: GraphNode, { nodes }: Graph): boolean =>
  node.kind === 'dropout' || (node.kind === 'optionA' && node.stride === 1 && JSON.stringify(node.shape) === JSON.stringify(nodes[node.inputs[0]!]!.shape))

/** Writes a network of drawn values, reads it and compares operation by operation; then once more from what was read. */
export async function roundTrip(t: ExecutionContext, network: Network, options: OnnxOptions): Promise<ImportedModel> {
  const folder = await temporaryFolder(t)
  const [model, file] = [join(folder, 'model.safetensors'), join(folder, 'model.onnx')]
  const graph = buildGraph(network)
  const tensors = drawn(graph)
  await writeSafetensors(model, tensors, modelMetadata({ network, prepare, classes: ['one', 'two'] }))
  await exportOnnx(model, file, options)
  const imported = await importOnnx(file)
  t.deepEqual([imported.prepare, imported.network.input, imported.classes], [prepare, network.input, ['one', 'two']])
  const norms = options.norms === 'kept' ? new Map<number, GraphNode>() : foldedNorms(graph)
  const inConvolutions = new Set([...norms.values()].map(({ id }) => id))
  const written = norms.size === 0 ? undefined : await constantsOf(file)
  const expected = operations(
    graph,
    (node) => isSameImage(node, graph) || inConvolutions.has(node.id),
    // Of a convolution that took over a norm: as they are in the file.
    (node) =>
      norms.has(node.id)
        ? [`${node.name}.weight`, `${node.name}.bias`].map((name) => written!.get(name))
        : parameterNames(node).map((name) => tensors.get(name)!.data),
  )
  const got = operationsOf(imported)
  t.deepEqual(
    got.map((each) => each.answering),
    expected.map((each) => each.answering),
  )
  const differing = expected.filter(({ values }, index) => !sameBits(values, got[index]!.values))
  t.deepEqual(
    differing.map((each) => each.answering),
    [],
    'the same bits',
  )
  await imported.save(model)
  await exportOnnx(model, file, options)
  const again = operationsOf(await importOnnx(file))
  t.true(again.length === got.length && got.every(({ values }, index) => sameBits(values, again[index]!.values)), 'the same bits once more')
  return imported
}

const operationsOf = ({ network, parameters }: ImportedModel): Operation[] =>
  operations(
    buildGraph(network),
    () => false,
    (node) => parameterNames(node).map((name) => parameters.get(name)?.data),
  )

/** In single precision. */
async function constantsOf(file: string): Promise<ReadonlyMap<string, Float32Array>> {
  const { graph } = decodeMessage(modelProto, file, await readFile(file))
  return new Map(graph!.initializers.map(({ name, rawData }) => [name!, new Float32Array((rawData as Uint8Array).slice().buffer)]))
}

function sameBits(a: Operation['values'], b: Operation['values']): boolean {
  const bytes = (values: SafetensorsTensor['data'] | undefined): Buffer =>
    values === undefined ? Buffer.alloc(0) : Buffer.from(values.buffer, values.byteOffset, values.byteLength)
  return a.length === b.length && a.every((values, index) => values !== undefined && bytes(values).equals(bytes(b[index])))
}
