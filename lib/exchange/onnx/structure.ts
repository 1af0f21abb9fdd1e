/** The nodes of an ONNX graph as layers: one after another. Two paths that start at one value and meet in an addition are a residual unit. */
import { malformed } from '../../formats/files.js'
import type { SampleShape } from '../../graph/graph.js'
import { gate, layersShortcut, residual, sequential, type Layer } from '../../layers/index.js'
import { quoted } from '../../visible.js'
import { gatesAt, type Gate } from './gate.js'
import type { OnnxNode } from './messages.js'
import { outputOf, type Nodes } from './nodes.js'
import type { Operator } from './operator.js'
import { convert } from './operators.js'
import { RowBuilder, type Layers, type Place, type Row } from './row.js'

/** Units within units: no ResNet has more. */
const deepest = 4
/** Of one value where units start: one for the innermost branch, one for each shortcut or two for each gate. All units within each other may have gates. */
const mostReaders = 1 + 2 * deepest

/** Operators whose constant may stand before the value: of a product on either side, of a difference on the left alone. */
const withConstantFirst = new Set(['Mul', 'Sub'])

export class Structure {
  readonly #nodes: Nodes
  readonly #output: string

  constructor(nodes: Nodes, output: string) {
    this.#nodes = nodes
    this.#output = output
  }

  /** Everything that follows a value. */
  async layers(value: string, shape: SampleShape): Promise<Layers> {
    const row = await this.#row(new RowBuilder(), { value, shape }, 0)
    if (row.join === undefined) return row
    throw this.#nodes.operator(row.join).error('two inputs that come from one value', 'one that comes from elsewhere')
  }

  /** From a value on; where several nodes read it, by the one of them that is given. */
  async #row(builder: RowBuilder, from: Place, depth: number, first?: OnnxNode): Promise<Row> {
    if (depth > deepest) throw malformed(this.#nodes.path, `expected residual units at most ${deepest} deep, got more`)
    let row = from
    for (let next = first; ; next = undefined) {
      const readers = next === undefined ? this.#nodes.readersOf(row.value) : [next]
      if (row.value === this.#output) {
        if (readers.length === 0) return builder.row(row, undefined)
        throw this.#nodes.operator(readers[0]!).error('nothing behind the output of the graph', quoted(row.value))
      }
      if (readers.length > 1) row = await this.#unit(row, readers, builder, depth)
      else if (readers.length === 0) throw malformed(this.#nodes.path, `${quoted(row.value)}: expected a node that reads it, got none`)
      else {
        const node = readers[0]!
        if (this.#joins(node)) return builder.row(row, node)
        row = await this.#layer(row, node, builder)
      }
    }
  }

  /** Whether two rows end in a node: a sum, or the product with a gate. */
  #joins(node: OnnxNode): boolean {
    const { operator, inputs } = node
    if ((operator !== 'Add' && operator !== 'Mul') || inputs.some((input) => this.#nodes.constants.has(input))) return false
    if (inputs.length !== 2) throw this.#nodes.operator(node).error('two inputs', inputs.length)
    return true
  }

  async #layer({ value, shape }: Place, node: OnnxNode, builder: RowBuilder): Promise<Place> {
    const operator = this.#nodes.operator(node)
    const next = outputOf(node)
    if (operator.kind === 'Add') {
      await this.#bias(operator, node, builder, shape)
      return { value: next, shape }
    }
    if (node.inputs[0] !== value && !withConstantFirst.has(operator.kind)) throw operator.error('constants as its other inputs', quoted(node.inputs[0] ?? ''))
    if (operator.kind === 'Softmax') {
      // Networks give logits here, and what reads them takes their softmax.
      if (next !== this.#output || shape.kind !== 'features') throw operator.error('features as its input, and the output of the graph', 'another place')
      const axis = operator.integer('axis', -1)
      if (axis !== 1 && axis !== -1) throw operator.error('axis 1', axis)
      return { value: next, shape }
    }
    const converted = await convert(operator, shape)
    if (converted.layer !== undefined) builder.add(converted.layer, shape, converted.values)
    return { value: next, shape: converted.shape }
  }

  /** The bias of a MatMul. */
  async #bias(operator: Operator, { inputs }: OnnxNode, builder: RowBuilder, shape: SampleShape): Promise<void> {
    const constant = inputs.findIndex((input) => this.#nodes.constants.has(input))
    const last = builder.layers.at(-1)?.[1] as Layer | undefined
    if (shape.kind !== 'features' || last?.kind !== 'linear' || last.bias)
      throw operator.error('a constant only as the bias of a MatMul before it', 'another one')
    builder.addBias(last, await operator.vector(constant, shape.features))
  }

  /** Paths from one value: two that meet are a unit, and what follows it may be a path of the next unit around it. */
  async #unit(from: Place, readers: readonly OnnxNode[], builder: RowBuilder, depth: number): Promise<Place> {
    if (readers.length > mostReaders)
      throw malformed(this.#nodes.path, `${quoted(from.value)}: expected at most ${mostReaders} nodes that read it, got ${readers.length}`)
    const twice = readers.find((node, index) => readers.indexOf(node) !== index)
    if (twice !== undefined) throw this.#nodes.operator(twice).error('each value once', 'the same twice')
    let gates = await gatesAt(from, readers, this.#nodes)
    const ofGates = gates.flatMap((each) => each.readers)
    let rows: readonly Row[] = []
    for (const first of readers) if (!ofGates.includes(first)) rows = [...rows, await this.#row(new RowBuilder(), from, depth + 1, first)]
    for (;;) {
      const { row, other } = this.#meeting(from, rows, gates)
      const rest = rows.filter((each) => each !== row && each !== other)
      gates = gates.filter((each) => each !== other)
      const isLast = rest.length === 0 && gates.length === 0
      const unit = isLast ? builder : new RowBuilder()
      if ('kind' in other) addGated(unit, from.shape, row, other)
      else this.#addUnit(unit, from.shape, row, other)
      const addition = 'kind' in other ? other.addition : row.join!
      const place = { value: outputOf(addition), shape: row.shape }
      if (isLast) return place
      rows = [...rest, await this.#row(unit, place, depth + 1)]
    }
  }

  /** Two rows that end in one node, or one that a gate acts on. */
  #meeting({ value }: Place, rows: readonly Row[], gates: readonly Gate[]): { readonly row: Row; readonly other: Row | Gate } {
    for (const row of rows) {
      if (row.join === undefined) continue
      const others = [...rows.filter((each) => each !== row && each.join === row.join), ...gates.filter(({ join }) => join === row.join)]
      if (others.length === 1) return { row, other: others[0]! }
    }
    throw malformed(this.#nodes.path, `${quoted(value)}: expected the paths that start there to meet in one Add, got others`)
  }

  /** Of two rows the longer is the branch; of two that are as long, the first of the sum. */
  #addUnit(builder: RowBuilder, shape: SampleShape, a: Row, b: Row): void {
    const addition = a.join!
    if (addition.operator !== 'Add') throw this.#nodes.operator(addition).error('a constant factor, or a gate', 'two paths that start at one value')
    const isFirst = a.layers.length === b.layers.length ? addition.inputs[0] === a.value : a.layers.length > b.layers.length
    const [branch, shortcut] = isFirst ? [a, b] : [b, a]
    const unit = residual({
      branch: sequential(branch.layers),
      ...(shortcut.layers.length > 0 && { shortcut: layersShortcut(sequential(shortcut.layers)) }),
    })
    builder.add(unit, shape, Object.fromEntries([...branch.values, ...[...shortcut.values].map(([name, given]) => [`downsample.${name}`, given] as const)]))
  }
}

function addGated(builder: RowBuilder, shape: SampleShape, branch: Row, { kind, values }: Gate): void {
  const unit = residual({ branch: sequential(branch.layers), shortcut: gate({ kind }) })
  const own = Object.entries(values).map(([name, value]) => [`gate.${name}`, value] as const)
  builder.add(unit, shape, Object.fromEntries([...branch.values, ...own]))
}
