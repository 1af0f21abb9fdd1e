/** What a network costs, per image. */
import type { Graph, GraphNode } from './graph.js'

/** What a network, or a part of it, has and costs. */
export interface Counts {
  /** The number of trained values is at least 0; running statistics do not count. */
  readonly parameters: number
  /** The number of multiply-adds of convolutions and linear layers is at least 0, for one image forward. */
  readonly multiplyAdds: number
}

/**
 * Counts parameters and multiply-adds of a network.
 * @param graph - What `buildGraph` made.
 */
export function countGraph(graph: Graph): Counts {
  return {
    parameters: graph.parameters.reduce((sum, { shape }) => sum + elements(shape), 0),
    multiplyAdds: graph.nodes.reduce((sum, node) => sum + nodeMultiplyAdds(graph, node), 0),
  }
}

/** One row of a summary says what one node has and costs. */
export interface NodeSummary extends Counts {
  /** The path of the layer is written as in parameter names. */
  readonly name: string
  /** The operation is called as in `GraphNode`. */
  readonly kind: GraphNode['kind']
  /** The shape of one sample of the result is [channels, height, width] or [features]. */
  readonly shape: readonly number[]
}

/**
 * Lists every node with what it adds to the counts.
 * @param graph - What `buildGraph` made.
 */
export function summarizeGraph(graph: Graph): readonly NodeSummary[] {
  const sizes = new Map(graph.parameters.map(({ name, shape }) => [name, elements(shape)]))
  return graph.nodes.map((node) => ({
    name: node.name,
    kind: node.kind,
    shape: node.shape.kind === 'image' ? [node.shape.channels, node.shape.height, node.shape.width] : [node.shape.features],
    parameters: nodeParameters(node).reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0),
    multiplyAdds: nodeMultiplyAdds(graph, node),
  }))
}

/** Names of the parameters that a node uses. */
export function nodeParameters(node: GraphNode): readonly string[] {
  switch (node.kind) {
    case 'conv2d':
    case 'linear':
      return node.bias === undefined ? [node.weight] : [node.weight, node.bias]
    case 'batchNorm':
      return [node.weight, node.bias]
    default:
      return []
  }
}

function nodeMultiplyAdds(graph: Graph, node: GraphNode): number {
  if (node.kind !== 'conv2d' && node.kind !== 'linear') return 0
  const input = graph.nodes[node.inputs[0]!]!.shape
  if (node.kind === 'linear') return size(input) * size(node.shape)
  return input.kind === 'image' ? size(node.shape) * input.channels * node.kernel * node.kernel : 0
}

function size(shape: GraphNode['shape']): number {
  return shape.kind === 'image' ? shape.channels * shape.height * shape.width : shape.features
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1)
}
