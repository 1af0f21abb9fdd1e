/** The nodes of an ONNX graph as layers: one after another. Two paths that start at one value and meet in an addition are a residual unit. */
import { malformed } from '../../formats/files.js'
import type { SampleShape } from '../../graph/graph.js'
import { layersShortcut, linear, residual, sequential, type Layer, type NamedLayer } from '../../layers/index.js'
import { quoted } from '../../visible.js'
import type { Constants } from './constants.js'
import type { OnnxNode } from './messages.js'
import { Operator, type Value } from './operator.js'
import { convert } from './operators.js'

/** Layers and the values of their parameters, by names that begin where the layers do. */
export interface Layers {
  readonly layers: readonly NamedLayer[]
  readonly values: ReadonlyMap<string, Value>
}

/** A value of the graph. */
interface Place {
  /** Its name. */
  readonly value: string
  readonly shape: SampleShape
}

/** A row of layers, up to an addition with another row. The value is what its last layer gives. */
interface Row extends Layers, Place {
  /** Undefined where the row ends with the graph. */
  readonly addition: OnnxNode | undefined
}

/** As arrays of layers are named, by kind and ordinal. */
const shortNames: Partial<Record<Layer['kind'], string>> = {
  conv2d: 'conv',
  batchNorm: 'norm',
  linear: 'fc',
  residual: 'unit',
  maxPool: 'pool',
  averagePool: 'pool',
  globalAveragePool: 'pool',
}

/** Units within units: no ResNet has more. */
const deepest = 4

export class Structure {
  readonly #path: string
  readonly #constants: Constants
  readonly #output: string
  readonly #readers = new Map<string, OnnxNode[]>()

  constructor(path: string, nodes: readonly OnnxNode[], constants: Constants, { input, output }: { readonly input: string; readonly output: string }) {
    this.#path = path
    this.#constants = constants
    this.#output = output
    // A value that is made once cannot lead back to itself.
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

  /** Everything that follows a value. */
  async layers(value: string, shape: SampleShape): Promise<Layers> {
    const row = await this.#row(value, shape, 0)
    if (row.addition === undefined) return row
    throw this.#operator(row.addition).error('two inputs that come from one value', 'one that comes from elsewhere')
  }

  readersOf(value: string): readonly OnnxNode[] {
    return this.#readers.get(value) ?? []
  }

  /** From a value on; where two nodes read it, by the one of them that is given. */
  async #row(from: string, shape: SampleShape, depth: number, first?: OnnxNode): Promise<Row> {
    if (depth > deepest) throw malformed(this.#path, `expected residual units at most ${deepest} deep, got more`)
    const builder = new RowBuilder()
    let row: Place = { value: from, shape }
    for (let next = first; ; next = undefined) {
      const readers = next === undefined ? this.readersOf(row.value) : [next]
      if (row.value === this.#output) {
        if (readers.length === 0) return builder.row(row, undefined)
        throw this.#operator(readers[0]!).error('nothing behind the output of the graph', quoted(row.value))
      }
      if (readers.length === 2) row = await this.#unit(row, readers, builder, depth)
      else if (readers.length !== 1) throw malformed(this.#path, `${quoted(row.value)}: expected one or two nodes that read it, got ${readers.length}`)
      else {
        const node = readers[0]!
        if (node.operator === 'Add' && !this.#hasConstant(node)) return builder.row(row, node)
        row = await this.#layer(row, node, builder)
      }
    }
  }

  #hasConstant({ inputs }: OnnxNode): boolean {
    return inputs.some((input) => this.#constants.has(input))
  }

  async #layer({ value, shape }: Place, node: OnnxNode, builder: RowBuilder): Promise<Place> {
    const operator = this.#operator(node)
    const next = node.outputs[0] ?? ''
    if (operator.kind === 'Add') {
      await this.#bias(operator, node, builder, shape)
      return { value: next, shape }
    }
    if (node.inputs[0] !== value) throw operator.error('constants as its other inputs', quoted(node.inputs[0] ?? ''))
    if (operator.kind === 'Softmax') {
      // Networks give logits here, and what reads them takes their softmax.
      if (next !== this.#output || shape.kind !== 'features') throw operator.error('features as its input, and the output of the graph', 'another place')
      const axis = operator.integer('axis', -1)
      if (axis !== 1 && axis !== -1) throw operator.error('axis 1', axis)
      return { value: next, shape }
    }
    const converted = await convert(operator, shape)
    if (converted.layer !== undefined) builder.add(converted.layer, converted.values)
    return { value: next, shape: converted.shape }
  }

  /** The bias of a MatMul. */
  async #bias(operator: Operator, { inputs }: OnnxNode, builder: RowBuilder, shape: SampleShape): Promise<void> {
    const constant = inputs.findIndex((input) => this.#constants.has(input))
    const last = builder.layers.at(-1)?.[1] as Layer | undefined
    if (shape.kind !== 'features' || last?.kind !== 'linear' || last.bias)
      throw operator.error('a constant only as the bias of a MatMul before it', 'another one')
    builder.addBias(last, await operator.vector(constant, shape.features))
  }

  /** Two paths from one value to one addition: the longer is the branch. */
  async #unit({ value, shape }: Place, [a, b]: readonly OnnxNode[], builder: RowBuilder, depth: number): Promise<Place> {
    if (a === b) throw this.#operator(a!).error('each value once', 'the same twice')
    const rows = [await this.#row(value, shape, depth + 1, a), await this.#row(value, shape, depth + 1, b)] as const
    const [branch, shortcut] = rows[0].layers.length >= rows[1].layers.length ? rows : [rows[1], rows[0]]
    const { addition } = branch
    if (addition === undefined || addition !== shortcut.addition || branch.layers.length === 0)
      throw malformed(this.#path, `${quoted(value)}: expected the two paths that start there to meet in one Add, got others`)
    const unit = residual({
      branch: sequential(branch.layers),
      ...(shortcut.layers.length > 0 && { shortcut: layersShortcut(sequential(shortcut.layers)) }),
    })
    builder.add(unit, Object.fromEntries([...branch.values, ...[...shortcut.values].map(([name, given]) => [`downsample.${name}`, given] as const)]))
    return { value: addition.outputs[0] ?? '', shape: branch.shape }
  }

  #operator(node: OnnxNode): Operator {
    return new Operator(this.#path, node, this.#constants)
  }
}

/** Names layers as arrays of them do: by kind and ordinal. */
class RowBuilder {
  readonly layers: NamedLayer[] = []
  readonly values = new Map<string, Value>()
  readonly #ordinals = new Map<string, number>()

  add(layer: Layer, values: Readonly<Record<string, Value>> = {}): void {
    const type = shortNames[layer.kind] ?? layer.kind
    const ordinal = (this.#ordinals.get(type) ?? 0) + 1
    this.#ordinals.set(type, ordinal)
    const name = `${type}${ordinal}`
    this.layers.push([name, layer])
    for (const [key, value] of Object.entries(values)) this.values.set(`${name}.${key}`, value)
  }

  row({ value, shape }: Place, addition: OnnxNode | undefined): Row {
    return { layers: this.layers, values: this.values, value, shape, addition }
  }

  /** Gives the last layer, which has none, a bias. */
  addBias({ units }: { readonly units: number }, bias: Value): void {
    const [name] = this.layers.pop()!
    this.layers.push([name, linear({ units })])
    this.values.set(`${name}.bias`, bias)
  }
}
