/** The graph of the same network over images of another size: the parameters are the same. */
import type { Graph, GraphNode, NodeId, SampleShape } from './graph.js'
import { convolved, imageShape, pooled, sameShape, shapeError, showShape, subsampled } from './shape.js'

export function withInput(graph: Graph, { height, width }: { readonly height: number; readonly width: number }): Graph {
  const nodes: GraphNode[] = []
  for (const node of graph.nodes)
    nodes.push({ ...node, shape: node.kind === 'input' ? { ...imageShape(node.name, 'the network', node.shape), height, width } : shapeOf(node, nodes) })
  return { ...graph, nodes }
}

/** What a node makes of inputs whose shapes are known already. */
function shapeOf(node: GraphNode, before: readonly GraphNode[]): SampleShape {
  const [first, second] = node.inputs.map((id: NodeId) => before[id]!.shape)
  if (first === undefined) return node.shape
  if (second !== undefined && !sameShape(first, second))
    throw shapeError(node.name, `expected two of one shape, got ${showShape(first)} and ${showShape(second)}`)
  // Features know no size of an image.
  if (node.shape.kind === 'features') return node.shape
  const { channels } = node.shape
  switch (node.kind) {
    case 'conv2d':
      return convolved(node.name, { ...node, channels }, first)
    case 'optionA':
      return subsampled(node.name, { ...node, channels }, first)
    default:
      return 'kernel' in node ? pooled(node.name, node, first) : first
  }
}
