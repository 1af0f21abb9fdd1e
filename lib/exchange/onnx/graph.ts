/** The nodes of a network as operators of ONNX's set 17, in the form for inference. */
import type { Graph, GraphNode } from '../../graph/index.js'
import type { ImageShape } from '../../graph/shape.js'
import type { Tensors } from '../families.js'
import type { OnnxBuilder } from './builder.js'
import { foldedNorms, foldNorm, valuesOf, type Convolution, type Norm } from './norms.js'

/** The names of the values that a node reads. */
type Inputs = readonly string[]

/**
 * Appends the network's nodes behind the value `input`; answers the name of the last.
 * @param folding - Whether convolutions take over the norms behind them.
 */
export async function emitNetwork(builder: OnnxBuilder, graph: Graph, tensors: Tensors, input: string, folding: boolean): Promise<string> {
  const folded = folding ? foldedNorms(graph) : new Map<number, Norm>()
  const inConvolutions = new Set([...folded.values()].map(({ id }) => id))
  const emitter = new Emitter(builder, graph, valuesOf(tensors))
  const names: string[] = []
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((id) => names[id]!)
    if (node.kind === 'input') names.push(input)
    else if (node.kind === 'conv2d') names.push(await emitter.convolution(node, folded.get(node.id), inputs))
    else if (inConvolutions.has(node.id)) names.push(inputs[0]!)
    else names.push(emitter.emit(node, inputs))
  }
  return names.at(-1)!
}

class Emitter {
  readonly #builder: OnnxBuilder
  readonly #graph: Graph
  readonly #shapes: ReadonlyMap<string, readonly number[]>
  readonly #values: (name: string) => Float32Array

  constructor(builder: OnnxBuilder, graph: Graph, values: (name: string) => Float32Array) {
    this.#builder = builder
    this.#graph = graph
    this.#shapes = new Map([...graph.parameters, ...graph.buffers].map(({ name, shape }) => [name, shape]))
    this.#values = values
  }

  async convolution(node: Convolution, norm: Norm | undefined, inputs: Inputs): Promise<string> {
    const { name, weight } = node
    const bias = node.bias ?? (norm && `${name}.bias`)
    const values = norm === undefined ? undefined : await foldNorm(node, norm, this.#values)
    const constants = [this.#parameter(weight, values?.weight)]
    if (bias !== undefined) constants.push(this.#builder.floats(bias, [(node.shape as ImageShape).channels], values?.bias ?? this.#values(bias)))
    return this.#builder.node('Conv', name, [...inputs, ...constants], { ...window(node), dilations: [1, 1], group: 1 })
  }

  emit(node: Exclude<GraphNode, { kind: 'input' | 'conv2d' }>, inputs: Inputs): string {
    const builder = this.#builder
    switch (node.kind) {
      case 'batchNorm':
        return builder.node(
          'BatchNormalization',
          node.name,
          [...inputs, ...[node.weight, node.bias, node.runningMean, node.runningVar].map((name) => this.#parameter(name))],
          {
            epsilon: { float: node.epsilon },
          },
        )
      case 'relu':
        return builder.node('Relu', node.name, inputs)
      case 'sigmoid':
        return builder.node('Sigmoid', node.name, inputs)
      case 'add':
        return builder.node('Add', node.name, inputs)
      case 'multiply':
        return builder.node('Mul', node.name, inputs)
      case 'affine':
        return this.#affine(node, inputs)
      case 'dropout':
        return inputs[0]!
      case 'optionA':
        return this.#optionA(node, inputs)
      case 'maxPool':
        return builder.node('MaxPool', node.name, inputs, { ...window(node), ...(node.ceil && { ceil_mode: 1 }) })
      case 'averagePool':
        return builder.node('AveragePool', node.name, inputs, { ...window(node), count_include_pad: 1 })
      case 'globalAveragePool':
        return builder.node('Flatten', node.name, [builder.node('GlobalAveragePool', `${node.name}.mean`, inputs)], { axis: 1 })
      case 'linear': {
        const parameters = node.bias === undefined ? [node.weight] : [node.weight, node.bias]
        return builder.node('Gemm', node.name, [...inputs, ...parameters.map((name) => this.#parameter(name))], { transB: 1 })
      }
    }
  }

  #parameter(name: string, values = this.#values(name)): string {
    return this.#builder.floats(name, this.#shapes.get(name)!, values)
  }

  /** factor * x + offset. */
  #affine({ name, factor, offset }: GraphNode & { kind: 'affine' }, inputs: Inputs): string {
    const builder = this.#builder
    const scalar = (part: string, value: number): string => builder.floats(`${name}.${part}`, [], Float32Array.of(value))
    if (factor === -1) return builder.node('Sub', name, [scalar('offset', offset), ...inputs])
    if (offset === 0) return builder.node('Mul', name, [...inputs, scalar('factor', factor)])
    const product = builder.node('Mul', `${name}.product`, [...inputs, scalar('factor', factor)])
    return builder.node('Add', name, [product, scalar('offset', offset)])
  }

  /** Every stride-th row and column, and channels of zeros. */
  #optionA({ name, inputs: [from], shape, stride }: GraphNode & { kind: 'optionA' }, inputs: Inputs): string {
    const builder = this.#builder
    const { channels, height, width } = this.#graph.nodes[from!]!.shape as ImageShape
    const more = (shape as ImageShape).channels - channels
    let last = inputs[0]!
    if (stride > 1) {
      const places = Object.entries({ starts: [0, 0], ends: [height, width], axes: [2, 3], steps: [stride, stride] })
      const constants = places.map(([part, values]) => builder.integers(`${name}.${part}`, values))
      last = builder.node('Slice', more === 0 ? name : `${name}.slice`, [last, ...constants])
    }
    return more === 0 ? last : builder.node('Pad', name, [last, builder.integers(`${name}.pads`, [0, 0, 0, 0, 0, more, 0, 0])])
  }
}

function window({ kernel, stride, padding }: Pick<Convolution, 'kernel' | 'stride' | 'padding'>): Record<string, readonly number[]> {
  return { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [padding, padding, padding, padding] }
}
