/** Collects the nodes and constants of an ONNX graph while it is built. A value has the name of what makes it. */
import type { TensorValues } from '../../formats/tensor_types.js'
import { attributeTypes, dataTypes, type GivenAttribute, type GivenNode, type GivenTensor } from './messages.js'

/** A number is an integer or, with `float`, a floating-point one. */
type Attribute = number | readonly number[] | { readonly float: number }

export class OnnxBuilder {
  nodes: GivenNode[] = []
  readonly initializers: GivenTensor[] = []
  readonly #names = new Set<string>()

  /** Appends a node; answers the name of its result. */
  node(operator: string, name: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const result = this.name(name)
    const given = Object.entries(attributes).map(([key, value]) => attribute(key, value))
    this.nodes.push({ inputs, outputs: [result], name: result, operator, attributes: given })
    return result
  }

  /** A constant in fp32. */
  floats(name: string, dims: readonly number[], values: Float32Array): string {
    return this.#constant(name, dataTypes.float, dims, values)
  }

  /** A constant of integers, as operators take shapes and positions. */
  integers(name: string, values: readonly number[]): string {
    return this.#constant(name, dataTypes.int64, [values.length], BigInt64Array.from(values, BigInt))
  }

  /** Gives a value another name, wherever it stands. */
  rename(value: string, wanted: string): string {
    const name = this.name(wanted)
    const renamed = (names: readonly string[] = []): readonly string[] => names.map((each) => (each === value ? name : each))
    this.nodes = this.nodes.map((node) => ({ ...node, inputs: renamed(node.inputs), outputs: renamed(node.outputs) }))
    return name
  }

  /** The same name, or where something has it already one that resembles it: in ONNX values and constants share their names. */
  name(wanted: string): string {
    let name = wanted
    for (let copy = 2; this.#names.has(name); copy++) name = `${wanted}:${copy}`
    this.#names.add(name)
    return name
  }

  #constant(wanted: string, dataType: number, dims: readonly number[], values: TensorValues): string {
    const name = this.name(wanted)
    this.initializers.push({ dims, dataType, name, rawData: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) })
    return name
  }
}

function attribute(name: string, value: Attribute): GivenAttribute {
  if (typeof value === 'number') return { name, int: value, type: attributeTypes.int }
  if ('float' in value) return { name, float: value.float, type: attributeTypes.float }
  return { name, ints: value, type: attributeTypes.ints }
}
