/** The forward pass: every node of the graph becomes a value, and what must happen in memory becomes operations. */
import { PreresnetError } from '../errors.js'
import type { Graph, GraphNode, NodeId, SampleShape } from '../graph/graph.js'
import type { Draft, DraftTensor } from './draft.js'
import { Expressions, tensorsOf, transformOf, wholeTensor, type Expression, type Transform } from './expression.js'
import { Materializer } from './materialize.js'

/** Feature maps are expressions, features and logits are tensors. */
export type Value = { readonly kind: 'image'; readonly expression: Expression } | { readonly kind: 'features'; readonly tensor: DraftTensor }

/** What the backward pass needs to know of a node's forward operation. */
interface NormRecord {
  readonly x: DraftTensor
  readonly mean: DraftTensor
  readonly invstd: DraftTensor
  readonly weight: DraftTensor
  readonly count: number
  readonly frozen: boolean
}

type Norm = GraphNode & { kind: 'batchNorm' }
/** Nodes that are expressions until their values are needed in memory. */
type Pointwise = GraphNode & { kind: 'batchNorm' | 'relu' | 'sigmoid' | 'add' | 'multiply' | 'affine' | 'dropout' | 'optionA' }
type Coefficients = Readonly<Record<'mean' | 'invstd' | 'scale' | 'bias' | 'weight', DraftTensor>>

/** Parameters and running statistics, by name; shared by all programs. */
type Parameters = ReadonlyMap<string, DraftTensor>

interface ForwardOptions {
  /** Batch statistics and dropout (true), or running statistics. */
  readonly training: boolean
  /** Whether convolutions of the device take in a norm with running statistics and a ReLU that follow them. */
  readonly fold: boolean
  /** Whether an image must get the same bits in every batch. */
  readonly perImage: boolean
  readonly frozenStatistics: ReadonlySet<string>
  /** Processes whose images a batch's statistics are taken over together; 1: those of each are its own. */
  readonly ranks: number
}

export class Forward {
  readonly values: Value[] = []
  readonly norms = new Map<NodeId, NormRecord>()
  /** The operand transform through which a node's operation reads its input. */
  readonly transforms = new Map<NodeId, Transform>()
  readonly consumers: number[]
  /** The last node that reads a node: the only one where there is one. */
  private readonly reader: NodeId[] = []
  /** Norms that the convolution before them applies already. */
  private readonly folded = new Set<NodeId>()
  /** Of sums that were added over all ranks. */
  private readonly totals = new Map<DraftTensor, DraftTensor>()
  readonly expressions = new Expressions()
  readonly materializer: Materializer
  /** Names of element-wise layers on the way to a value, for `fused`. */
  private readonly trail = new Map<NodeId, string[]>()

  constructor(
    readonly graph: Graph,
    readonly draft: Draft,
    private readonly parameters: Parameters,
    private readonly options: ForwardOptions,
  ) {
    this.materializer = new Materializer(draft, this.expressions)
    this.consumers = graph.nodes.map(() => 0)
    for (const node of graph.nodes) {
      for (const input of node.inputs) {
        this.consumers[input]!++
        this.reader[input] = node.id
      }
    }
  }

  /** One node at a time, so that a long network can be interrupted. */
  *run(input: DraftTensor): Generator<void> {
    for (const node of this.graph.nodes) {
      this.values.push(this.lower(node, input))
      yield
    }
  }

  parameter(name: string): DraftTensor {
    const tensor = this.parameters.get(name)
    if (tensor === undefined) throw new PreresnetError('ERR_INTERNAL', `no parameter ${name}`)
    return tensor
  }

  expression(id: NodeId): Expression {
    const value = this.values[id]
    if (value?.kind !== 'image') throw new PreresnetError('ERR_INTERNAL', `${this.nodeAt(id).name}: expected a feature map`)
    return value.expression
  }

  features(id: NodeId): DraftTensor {
    const value = this.values[id]
    if (value?.kind !== 'features') throw new PreresnetError('ERR_INTERNAL', `${this.nodeAt(id).name}: expected features`)
    return value.tensor
  }

  nodeAt(id: NodeId): GraphNode {
    return this.graph.nodes[id] as GraphNode
  }

  private lower(node: GraphNode, input: DraftTensor): Value {
    switch (node.kind) {
      case 'input':
        input.pinned = true
        return image(this.expressions.tensor(input))
      case 'conv2d':
        return image(this.expressions.tensor(this.conv(node)))
      case 'maxPool':
      case 'averagePool': {
        const { x, scale, bias, relu } = this.operand(node)
        const { kernel, stride, padding } = node
        const y = this.mapOf(node)
        const op = node.kind === 'maxPool' ? 'bn_relu_max_pool' : 'bn_relu_average_pool'
        this.draft.emit(op, node.name, [...this.trailOf(node), node.name], { x, scale, bias, y }, { relu, kernel, stride, padding })
        return image(this.expressions.tensor(y))
      }
      case 'globalAveragePool': {
        const { x, scale, bias, relu } = this.operand(node)
        const y = this.draft.matrix(`${node.name}:y`, imageShape(this.nodeAt(node.inputs[0]!).shape).channels)
        this.draft.emit('bn_relu_global_average_pool', node.name, [...this.trailOf(node), node.name], { x, scale, bias, y }, { relu })
        return { kind: 'features', tensor: y }
      }
      case 'linear': {
        const x = this.features(node.inputs[0]!)
        const w = this.parameter(node.weight)
        const y = this.draft.matrix(`${node.name}:y`, w.shape[0] as number)
        this.draft.emit(
          'linear',
          node.name,
          [node.name],
          { x, w, bias: node.bias === undefined ? undefined : this.parameter(node.bias), y },
          this.draft.apart(),
        )
        return { kind: 'features', tensor: y }
      }
      case 'batchNorm':
      case 'relu':
      case 'sigmoid':
      case 'add':
      case 'multiply':
      case 'affine':
      case 'dropout':
      case 'optionA':
        return this.pointwise(node)
    }
  }

  /** The feature map that a node's operation writes. */
  private mapOf(node: GraphNode): DraftTensor {
    const { channels, height, width } = imageShape(node.shape)
    return this.draft.activation(`${node.name}:y`, channels, height, width)
  }

  private conv(node: GraphNode & { kind: 'conv2d' }): DraftTensor {
    const transform = this.operand(node)
    const norm = this.normBehind(node)
    const folded = norm && this.finalize(norm, undefined, imageShape(node.shape).channels, 0)
    if (norm !== undefined) this.folded.add(norm.id)
    const y = this.mapOf(node)
    this.draft.emit(
      'conv',
      node.name,
      [...this.trailOf(node), node.name, ...(norm === undefined ? [] : [norm.name])],
      {
        x: transform.x,
        xScale: transform.scale,
        xBias: transform.bias,
        w: this.parameter(node.weight),
        bias: node.bias === undefined ? undefined : this.parameter(node.bias),
        yScale: folded?.scale,
        yBias: folded?.bias,
        y,
      },
      { ...this.draft.convolution(node, transform.relu), ...(this.options.perImage && { perImage: true }) },
    )
    // Only a single consumer may turn the convolution's output into something else (a sum with the residual).
    y.pinned = this.consumers[node.id] !== 1
    return y
  }

  /** A norm with running statistics that alone reads the convolution: known before it runs, so that it becomes part of it. */
  private normBehind(node: GraphNode): Norm | undefined {
    if (!this.options.fold || this.options.training || this.consumers[node.id] !== 1) return undefined
    const reader = this.nodeAt(this.reader[node.id] as NodeId)
    return reader.kind === 'batchNorm' ? reader : undefined
  }

  /** A ReLU that alone reads what a convolution wrote: that convolution's, where no backward pass asks for the values before it. */
  private reluOf(node: GraphNode, input: Expression): Expression {
    const alone = this.options.fold && !this.options.training && this.consumers[node.inputs[0]!] === 1
    const tensor = alone ? this.materializer.absorbRelu(input, [...this.trailOf(node), node.name]) : undefined
    return tensor === undefined ? this.expressions.relu(input) : this.expressions.tensor(tensor)
  }

  /** Norms, activations, additions ...: expressions, stored only where they would otherwise be computed over and over. */
  private pointwise(node: Pointwise): Value {
    if (node.shape.kind !== 'image') {
      throw new PreresnetError('ERR_UNSUPPORTED', `${node.name}: expected a feature map under ${node.kind}, got features; put it before the global pooling`)
    }
    const inputs = node.inputs.map((id) => this.materializer.resolve(this.expression(id)))
    const first = inputs[0] as Expression
    const e = this.expressions
    let expression: Expression
    switch (node.kind) {
      case 'batchNorm':
        expression = this.folded.has(node.id) ? first : this.norm(node, first)
        break
      case 'relu':
        expression = this.reluOf(node, first)
        break
      case 'sigmoid':
        expression = e.sigmoid(first)
        break
      case 'add':
        expression = e.add(first, inputs[1] as Expression)
        break
      case 'multiply':
        expression = e.multiply(first, inputs[1] as Expression)
        break
      case 'affine':
        expression = e.affine(first, node.factor, node.offset)
        break
      case 'dropout':
        expression = this.options.training && node.rate > 0 ? e.multiply(first, e.dropoutMask(node, first)) : first
        break
      case 'optionA': {
        // Subsampling commutes with norm and ReLU: read them at the positions that are kept. Anything else is stored first.
        const size = imageShape(node.shape)
        const transform = transformOf(first)
        const source = transform?.whole === true ? first : e.tensor(this.materializer.store(first, node.name, this.trailOf(node)))
        expression = e.rewrite(source, (part) => (part.kind === 'tensor' ? e.tensor(part.tensor, node.stride, size) : undefined))
        break
      }
    }
    const within = wholeTensor(expression)
    // What an operation wrote already has named its layers there.
    this.trail.set(node.id, within === undefined ? [...this.trailOf(node), node.name] : [])
    // Nobody may change a value in memory that several read.
    if (within !== undefined && this.consumers[node.id]! > 1) within.pinned = true
    // Several readers of a value that combines several tensors: once into memory, rather than again for each.
    if (this.consumers[node.id]! > 1 && tensorsOf(expression).size > 1) {
      expression = e.tensor(this.materializer.store(expression, node.name, this.trailOfNode(node)))
      this.trail.delete(node.id)
    }
    return image(expression)
  }

  private norm(node: Norm, input: Expression): Expression {
    const inputNode = this.nodeAt(node.inputs[0]!)
    const x = this.materializer.store(input, inputNode.name, this.trailOfNode(inputNode))
    // What is in memory is nobody's work any more.
    this.trail.delete(inputNode.id)
    // A tensor that a norm reads must stay what it is now.
    x.pinned = true
    const [, channels, height, width] = x.shape as [number, number, number, number]
    const count = (this.draft.batch / this.draft.groups) * height * width * this.options.ranks
    const frozen = !this.options.training || this.options.frozenStatistics.has(node.name)
    if (!frozen && count < 2) {
      throw new PreresnetError(
        'ERR_SHAPE',
        `${node.name}: expected more than one value per channel for batch statistics, got a batch of ${this.draft.batch} in ${this.draft.groups} groups over ${height} x ${width}`,
      )
    }
    const { mean, invstd, scale, bias, weight } = this.finalize(node, frozen ? undefined : x, channels, count)
    this.norms.set(node.id, { x, mean, invstd, weight, count, frozen })
    return this.expressions.normalize(this.expressions.tensor(x), scale, bias)
  }

  /** Sums as the materializer takes them, over the images of all processes whose statistics are one. */
  sums(tensor: DraftTensor, factor: DraftTensor, name: string): DraftTensor {
    const own = this.materializer.sums(tensor, factor, name)
    const { ranks } = this.options
    if (ranks === 1) return own
    const known = this.totals.get(own)
    if (known !== undefined) return known
    const total = this.draft.sums(`${name}:total`, own.shape[2] as number)
    this.draft.emit('all_reduce_sums', name, [name], { sums: own, total }, { ranks })
    this.totals.set(own, total)
    return total
  }

  /** The coefficients of a norm, from the batch that `x` holds, or from running statistics. */
  private finalize(node: Norm, x: DraftTensor | undefined, channels: number, count: number): Coefficients {
    const weight = this.parameter(node.weight)
    const coefficients = (name: string): DraftTensor => this.draft.coefficients(`${node.name}:${name}`, channels)
    const made = { mean: coefficients('mean'), invstd: coefficients('invstd'), scale: coefficients('scale'), bias: coefficients('bias') }
    this.draft.emit(
      'bn_finalize',
      node.name,
      [node.name],
      {
        sums: x && this.sums(x, x, node.name),
        weight,
        beta: this.parameter(node.bias),
        runningMean: this.parameter(node.runningMean),
        runningVar: this.parameter(node.runningVar),
        ...made,
      },
      { count: x === undefined ? 0 : count, epsilon: node.epsilon, momentum: node.momentum },
    )
    return { ...made, weight }
  }

  /** How a node's operation reads its input: through a transform, or from a tensor written for it. */
  private operand(node: GraphNode): Transform {
    const input = node.inputs[0] as NodeId
    const expression = this.materializer.resolve(this.expression(input))
    const direct = transformOf(expression)
    const transform =
      direct?.whole === true
        ? direct
        : (transformOf(
            this.expressions.tensor(this.materializer.store(expression, this.nodeAt(input).name, this.trailOfNode(this.nodeAt(input)))),
          ) as Transform)
    transform.x.pinned = true
    this.transforms.set(node.id, transform)
    return transform
  }

  private trailOf(node: GraphNode): string[] {
    return node.inputs.flatMap((id) => this.trail.get(id) ?? [])
  }
  private trailOfNode(node: GraphNode): string[] {
    return this.trail.get(node.id) ?? []
  }
}

function image(expression: Expression): Value {
  return { kind: 'image', expression }
}

export function imageShape(shape: SampleShape): { readonly channels: number; readonly height: number; readonly width: number } {
  if (shape.kind !== 'image') throw new PreresnetError('ERR_INTERNAL', 'expected the shape of an image')
  return shape
}
