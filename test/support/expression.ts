import type { Graph, NodeId } from '../../lib/graph/graph.js'

/** The graph's output as a formula of layer names: `relu1(add(conv1(x), x))`. */
export function expression(graph: Graph, id: NodeId = graph.nodes.length - 1): string {
  const node = graph.nodes[id]!
  if (node.kind === 'input') return 'x'
  return `${operation(node)}(${node.inputs.map((input) => expression(graph, input)).join(', ')})`
}

function operation(node: Graph['nodes'][number]): string {
  switch (node.kind) {
    case 'affine':
      return `affine[${node.factor}, ${node.offset}]`
    case 'dropout':
      return `dropout[${node.rate}]`
    case 'optionA':
      return `optionA[${node.stride}]`
    case 'add':
    case 'multiply':
    case 'sigmoid':
      return node.kind
    default:
      return node.name
  }
}
