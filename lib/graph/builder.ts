/** Collects the nodes, parameters and buffers of a graph while it is built. */
import { PreresnetError } from '../errors.js'
import type { Buffer, Graph, GraphNode, NodeId, Parameter, SampleShape } from './graph.js'

/** A node without the number that the builder gives. Unions stay unions. */
type Bare<Node> = Node extends GraphNode ? Omit<Node, 'id'> : never

/** More than any network that could be trained; a hostile file must not fill the memory. */
const mostNodes = 1_000_000

export class GraphBuilder {
  readonly #nodes: GraphNode[] = []
  readonly #parameters: Parameter[] = []
  readonly #buffers: Buffer[] = []
  readonly #names = new Set<string>()
  readonly #layers = new Set<string>()
  #streams = 0

  /** Takes over the object, which must be fresh: copying thousands of them costs more than all the rest. */
  add(node: Bare<GraphNode>): NodeId {
    const id = this.#nodes.length
    if (id === mostNodes) throw new PreresnetError('ERR_OPTION', `network: expected at most ${mostNodes} nodes, got more`)
    if (this.#layers.has(node.name)) throw taken('two layers would be called', node.name)
    this.#layers.add(node.name)
    this.#nodes.push(Object.assign(node, { id }))
    return id
  }

  shape(id: NodeId): SampleShape {
    return this.#nodes[id]!.shape
  }

  parameter(parameter: Parameter): string {
    this.#parameters.push(parameter)
    return this.#unique(parameter.name)
  }

  buffer(buffer: Buffer): string {
    this.#buffers.push(buffer)
    return this.#unique(buffer.name)
  }

  /** The next number of a random stream: one a dropout, in order. */
  stream(): number {
    return this.#streams++
  }

  finish(name: string): Graph {
    return { name, nodes: this.#nodes, parameters: this.#parameters, buffers: this.#buffers }
  }

  #unique(name: string): string {
    if (this.#names.has(name)) throw taken('two layers would call a parameter', name)
    this.#names.add(name)
    return name
  }
}

function taken(what: string, name: string): PreresnetError {
  return new PreresnetError('ERR_OPTION', `network: ${what} ${JSON.stringify(name)}; give them other names`)
}
