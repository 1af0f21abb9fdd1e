/** The nodes of an ONNX graph, by the values that they read. */
import { malformed } from '../../formats/files.js'
import { quoted } from '../../visible.js'
import type { Constants } from './constants.js'
import type { OnnxNode } from './messages.js'
import { Operator } from './operator.js'

/** The name of what a node gives: its other outputs are nothing that a network needs. */
export const outputOf = ({ outputs }: OnnxNode): string => outputs[0] ?? ''

export class Nodes {
  readonly path: string
  readonly constants: Constants
  readonly #readers = new Map<string, OnnxNode[]>()

  /** Of a graph with one input. ERR_FILE where a value is made twice: one that is made once cannot lead back to itself. */
  constructor(path: string, nodes: readonly OnnxNode[], constants: Constants, input: string) {
    this.path = path
    this.constants = constants
    const made = new Set([input])
    for (const node of nodes) {
      for (const result of node.outputs.filter((name) => name !== '')) {
        if (made.has(result) || constants.has(result)) throw malformed(path, `${quoted(result)}: expected a value that is made once`)
        made.add(result)
      }
      for (const value of node.inputs.filter((name) => name !== '' && !constants.has(name))) {
        const readers = this.#readers.get(value)
        if (readers === undefined) this.#readers.set(value, [node])
        else readers.push(node)
      }
    }
  }

  readersOf(value: string): readonly OnnxNode[] {
    return this.#readers.get(value) ?? []
  }

  /** Undefined where no node reads the value, or several. */
  onlyReader(value: string): OnnxNode | undefined {
    const readers = this.readersOf(value)
    return readers.length === 1 ? readers[0] : undefined
  }

  operator(node: OnnxNode): Operator {
    return new Operator(this.path, node, this.constants)
  }
}
