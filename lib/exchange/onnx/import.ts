/** An ONNX file becomes a network here. */
import { basename } from 'node:path'
import { PreresnetError } from '../../errors.js'
import { openSized, type SizedFile } from '../../formats/file_range.js'
import { fileError, malformed } from '../../formats/files.js'
import { decodeFile } from '../../formats/protobuf_reader.js'
import type { SafetensorsTensor } from '../../formats/safetensors.js'
import { buildGraph, type Graph } from '../../graph/index.js'
import { network, sequential, type Network } from '../../layers/index.js'
import { checkOptions } from '../../options/check.js'
import { path as checkPath } from '../../options/values.js'
import { quoted } from '../../visible.js'
import { faultOfFile, finiteValues, ImportedModel } from '../imported.js'
import { onnxImportOptions, type OnnxImportOptions } from '../options.js'
import { Constants } from './constants.js'
import { modelProto, type OnnxGraph, type OnnxModel } from './messages.js'
import { Nodes, outputOf } from './nodes.js'
import { normalizedBy, startOf, type Described } from './pixels.js'
import { preparationOf, type Prepared } from './preparation.js'
import type { Layers } from './row.js'
import { Structure } from './structure.js'

/** Opset 7 is of 2017; what later ones changed of these operators, operators.ts knows. */
const operatorSets = { oldest: 7, newest: 25 } as const

/**
 * Reads an ONNX file with the operators of a ResNet as a network of layers, whose parameters can be trained further. Nothing of the file is run.
 * @param file - Path of the ONNX file; external data lie in its folder.
 * @param options - How images become the network's input, where the file does not say it as `exportOnnx` does.
 * @throws ERR_FILE where the file is malformed or truncated, has an operator or an attribute that no layer does, or values that are not finite; the message names the node.
 * @throws ERR_OPTION where nothing says how images were prepared; the message lists what can be said.
 */
export async function importOnnx(file: string, options: OnnxImportOptions = {}): Promise<ImportedModel> {
  const given = checkOptions('importOnnx', onnxImportOptions, options)
  checkPath('file to read', file)
  let sized
  try {
    sized = await openSized(file)
    const model = await decodeFile(modelProto, sized, 'an ONNX file')
    const { made, graph, values, prepared } = await networkOf(sized, model, given)
    const { prepare, classes, order } = prepared
    const parameters = new Map<string, SafetensorsTensor>()
    for (const { name, shape } of [...graph.parameters, ...graph.buffers]) {
      const value = values.get(name)
      if (value === undefined || value.shape.join() !== shape.join())
        throw new PreresnetError('ERR_INTERNAL', `${file}: ${name}: expected a value of shape [${shape.join(', ')}]`)
      const tensor = { dtype: 'F32', ...value }
      parameters.set(name, { ...tensor, data: await finiteValues(file, name, tensor) })
    }
    if (order === 'bgr') reverseInput(file, graph, parameters)
    return new ImportedModel({ network: made, parameters, prepare, ...(classes && { classes }) })
  } catch (error) {
    throw fileError('could not read', file, error)
  } finally {
    await sized?.handle.close()
  }
}

interface Read {
  readonly made: Network
  readonly graph: Graph
  readonly values: Layers['values']
  readonly prepared: Prepared
}

async function networkOf(file: SizedFile, model: OnnxModel, options: OnnxImportOptions): Promise<Read> {
  const { path } = file
  const { graph, operatorSets: sets } = model
  if (graph === undefined) throw malformed(path, 'expected an ONNX model with a graph, got none')
  const version = sets.find(({ domain = '' }) => domain === '' || domain === 'ai.onnx')?.version
  if (version === undefined || version < operatorSets.oldest || version > operatorSets.newest)
    throw malformed(path, `expected operator set ${operatorSets.oldest} to ${operatorSets.newest}, got ${version ?? 'none'}`)
  const foreign = graph.nodes.find(({ domain = '' }) => domain !== '' && domain !== 'ai.onnx')
  if (foreign !== undefined) throw malformed(path, `expected operators of ONNX alone, got one of ${quoted(foreign.domain ?? '')}`)
  await using constants = constantsOf(file, graph)
  const output = only(path, 'output', graph.outputs).name ?? ''
  const described = inputOf(path, graph, constants)
  const nodes = new Nodes(
    path,
    graph.nodes.filter(({ operator }) => operator !== 'Constant'),
    constants,
    described.name,
  )
  const { input, value, steps } = await startOf(described, nodes)
  const prepared = preparationOf(path, model, { input }, options)
  const first = steps === undefined ? value : normalizedBy(path, steps, prepared)
  try {
    const { layers, values } = await new Structure(nodes, output).layers(first, { kind: 'image', ...input })
    const made = network({ name: networkName(path, graph.name), input, layers: sequential(layers) })
    return { made, graph: buildGraph(made), values, prepared }
  } catch (cause) {
    throw faultOfFile(path, cause)
  }
}

function constantsOf(file: SizedFile, graph: OnnxGraph): Constants {
  const constants = new Constants(file)
  for (const tensor of graph.initializers) constants.add(tensor.name ?? '', tensor)
  for (const node of graph.nodes) {
    const value = node.operator === 'Constant' ? node.attributes.find(({ name }) => name === 'value')?.tensor : undefined
    if (value !== undefined) constants.add(outputOf(node), value)
  }
  return constants
}

/** Files of before IR version 4 list constants as inputs too. */
function inputOf(path: string, graph: OnnxGraph, constants: Constants): Described {
  const { name = '', type } = only(
    path,
    'input',
    graph.inputs.filter(({ name: each }) => !constants.has(each)),
  )
  const dimensions = type?.tensorType?.shape?.dimensions ?? []
  const sizes = dimensions.slice(1).map(({ value }) => value ?? 0)
  if (sizes.length === 3 && sizes.every((size) => size >= 1)) return { name, sizes, elementType: type?.tensorType?.elementType }
  const shown = dimensions.map(({ value, parameter }) => value ?? JSON.stringify((parameter ?? '?').slice(0, 20))).join(', ')
  throw malformed(path, `expected an input of images: any number of them, and three sizes of at least 1, got [${shown}]`)
}

function only<T>(path: string, what: string, values: readonly T[]): T {
  if (values.length === 1) return values[0]!
  throw malformed(path, `expected a graph of one ${what}, got ${values.length}`)
}

/** The graph's, where it is a name. */
function networkName(path: string, given = ''): string {
  return /^[\w.-]{1,64}$/.test(given) ? given : basename(path).replace(/\.onnx$/, '')
}

/** Weights for images of red, green and blue, of a network that takes blue first. */
function reverseInput(path: string, { nodes }: Graph, parameters: Map<string, SafetensorsTensor>): void {
  for (const node of nodes.filter(({ inputs }) => inputs.includes(0))) {
    if (node.kind !== 'conv2d') throw malformed(path, `channelOrder "bgr": expected convolutions behind the input, got ${node.kind}`)
    const { shape, data, dtype } = parameters.get(node.weight)!
    const [channels, inputs, rows, columns] = shape as [number, number, number, number]
    const plane = rows * columns
    const reversed = new Float32Array(data.length)
    for (let filter = 0; filter < channels; filter++)
      for (let channel = 0; channel < inputs; channel++) {
        const from = (filter * inputs + channel) * plane
        reversed.set((data as Float32Array).subarray(from, from + plane), (filter * inputs + inputs - 1 - channel) * plane)
      }
    parameters.set(node.weight, { dtype, shape, data: reversed })
  }
}
