/**
 * Differentiation: the graph backwards. The gradient at a node is a sum of expressions; convolutions, pooling and norms turn them
 * into operations. Activations are read through the same transforms as in the forward pass, so none is ever stored for it.
 */
import { PreresnetError } from '../errors.js'
import { nodeParameters } from '../graph/count.js'
import type { GraphNode, NodeId } from '../graph/graph.js'
import type { Operands } from '../contracts.js'
import type { Draft, DraftTensor } from './draft.js'
import { tensorsOf, wholeTensor, type Expression, type Transform } from './expression.js'
import { imageShape, type Forward } from './forward.js'

interface BackwardOptions {
  /** Where a parameter's gradient goes; undefined: frozen. */
  readonly gradient: (parameter: string) => DraftTensor | undefined
  readonly inputGradient: boolean
  /** Launches of a GPU: the gradient of a strided projection comes before those of its branch. On a CPU that gains nothing and takes memory. */
  readonly stridedFirst?: boolean
  /** Nodes at which the gradient is kept. */
  readonly probed?: ReadonlySet<NodeId>
}

export class Backward {
  private readonly images: (Expression | undefined)[]
  private readonly features = new Map<NodeId, DraftTensor>()
  /** Whether anything before a node, or the node itself, wants a gradient. */
  private readonly wanted: boolean[]
  /** Of each node, those that have it as an input. */
  private readonly readers: GraphNode[][]
  private readonly draft: Draft
  inputGradient: Expression | undefined
  /** Gradients at the nodes that are probed. */
  readonly probes = new Map<NodeId, DraftTensor>()

  constructor(
    private readonly forward: Forward,
    private readonly options: BackwardOptions,
  ) {
    this.draft = forward.draft
    this.images = forward.graph.nodes.map(() => undefined)
    this.readers = forward.graph.nodes.map(() => [])
    for (const node of forward.graph.nodes) for (const id of node.inputs) this.readers[id]?.push(node)
    this.wanted = []
    for (const node of forward.graph.nodes) {
      const own = nodeParameters(node).some((name) => options.gradient(name) !== undefined)
      this.wanted.push(own || (node.kind === 'input' && options.inputGradient) || node.inputs.some((id) => this.wanted[id] === true))
    }
  }

  /** Seeds the gradient of the last node. */
  seedFeatures(gradient: DraftTensor): void {
    this.features.set(this.forward.graph.nodes.length - 1, gradient)
  }
  seedImage(gradient: DraftTensor): void {
    gradient.pinned = true
    this.images[this.forward.graph.nodes.length - 1] = this.forward.expressions.tensor(gradient)
  }

  *run(): Generator<void> {
    const early = new Set<NodeId>()
    for (let id = this.forward.graph.nodes.length - 1; id >= 0; id--) {
      if (this.wanted[id] !== true || early.has(id)) continue
      const node = this.forward.nodeAt(id)
      this.differentiate(node)
      yield
      const shortcut = this.options.stridedFirst === true && node.kind === 'add' ? this.stridedShortcut(node) : undefined
      if (shortcut === undefined || this.wanted[shortcut.id] !== true) continue
      early.add(shortcut.id)
      this.differentiate(shortcut)
      yield
    }
  }

  /**
   * A strided convolution that ends in the addition alone, where what it reads is read by a convolution of stride 1 too. Its gradient is taken
   * first: the convolution that comes last adds the other's gradient and gives the norm's backward pass, for which a strided one has no kernel.
   */
  private stridedShortcut(addition: GraphNode): (GraphNode & { kind: 'conv2d' }) | undefined {
    for (const id of addition.inputs) {
      const node = this.forward.nodeAt(id)
      if (node.kind !== 'conv2d' || node.stride === 1 || this.readers[id]?.length !== 1) continue
      const rivals = this.readers[node.inputs[0] as NodeId] ?? []
      if (rivals.some((rival) => rival.kind === 'conv2d' && rival.stride === 1)) return node
    }
    return undefined
  }

  private differentiate(node: GraphNode): void {
    if (node.kind === 'linear') return this.linear(node)
    if (node.kind === 'globalAveragePool') return this.globalAveragePool(node)
    const gradient = this.images[node.id]
    if (gradient === undefined) return
    if (this.options.probed?.has(node.id) === true) this.keep(node, gradient)
    const g = this.forward.materializer.resolve(gradient)
    const e = this.forward.expressions
    const [a, b] = node.inputs as [NodeId, NodeId]
    switch (node.kind) {
      case 'input':
        this.inputGradient = g
        return
      case 'conv2d':
        return this.conv(node, gradient, g)
      case 'batchNorm':
        return this.norm(node, g)
      case 'maxPool':
      case 'averagePool':
        return this.pool(node, g)
      case 'relu': {
        // The sign of a ReLU's output is the sign of its input: read whichever is in memory.
        const output = this.forward.materializer.resolve(this.forward.expression(node.id))
        const argument = output.kind === 'tensor' ? output : this.forward.materializer.resolve(this.forward.expression(a))
        return this.give(a, e.multiply(g, e.positive(argument)))
      }
      case 'sigmoid': {
        const s = this.forward.materializer.resolve(this.forward.expression(node.id))
        return this.give(a, e.multiply(g, e.multiply(s, e.affine(s, -1, 1))))
      }
      case 'add': {
        const shared = this.wanted[a] === true && this.wanted[b] === true && a !== b ? this.share(gradient, node.name) : gradient
        this.give(a, shared)
        return this.give(b, shared)
      }
      case 'multiply': {
        const shared = this.share(e.tensor(this.forward.materializer.store(g, node.name, [])), node.name)
        this.give(a, e.multiply(shared, this.forward.materializer.resolve(this.forward.expression(b))))
        return this.give(b, e.multiply(shared, this.forward.materializer.resolve(this.forward.expression(a))))
      }
      case 'affine':
        return this.give(a, e.affine(g, node.factor, 0))
      case 'dropout':
        return this.give(a, node.rate > 0 ? e.multiply(g, e.dropoutMask(node, g)) : g)
      case 'optionA': {
        const stored = this.forward.materializer.store(g, node.name, [])
        stored.pinned = true
        return this.give(a, e.tensor(stored, -node.stride, imageShape(this.forward.nodeAt(a).shape)))
      }
      default:
        return node satisfies never
    }
  }

  /** In memory of its own, which nobody writes over. */
  private keep(node: GraphNode, gradient: Expression): void {
    const stored = this.forward.materializer.store(gradient, node.name, [])
    stored.pinned = true
    this.probes.set(node.id, stored)
  }

  /**
   * Marks a gradient that goes two ways: nobody may change it in place any more. What a convolution's backward pass can read (and store
   * for the other reader) stays an expression; anything else goes into memory now.
   */
  private readonly shared = new Set<Expression>()
  private share(gradient: Expression, name: string): Expression {
    const materializer = this.forward.materializer
    if (gradientOperands(materializer.resolve(gradient)) === undefined) materializer.store(gradient, name, [])
    this.shared.add(gradient)
    for (const tensor of tensorsOf(materializer.resolve(gradient))) tensor.pinned = true
    return gradient
  }

  private give(id: NodeId, gradient: Expression): void {
    if (this.wanted[id] !== true) return
    const known = this.images[id]
    this.images[id] = known === undefined ? gradient : this.forward.expressions.add(known, gradient)
  }

  private conv(node: GraphNode & { kind: 'conv2d' }, gradient: Expression, g: Expression): void {
    const input = node.inputs[0] as NodeId
    const transform = this.operand(node)
    const e = this.forward.expressions
    const source = gradientOperands(g) ?? { d: this.forward.materializer.store(g, node.name, []) }
    const operation = this.draft.emit(
      'conv_backward',
      node.name,
      [node.name],
      {
        ...source,
        x: transform.x,
        xScale: transform.scale,
        xBias: transform.bias,
        w: this.forward.parameter(node.weight),
        dw: this.options.gradient(node.weight),
        dbias: node.bias === undefined ? undefined : this.options.gradient(node.bias),
      },
      { ...this.draft.convolution(node, transform.relu), mask: false },
    )
    if (this.shared.has(gradient) && (source.dA !== undefined || source.skip !== undefined)) {
      const { channels, height, width } = imageShape(node.shape)
      const dy = this.draft.write(operation, 'dy', this.draft.activation(`${node.name}:dy`, channels, height, width))
      dy.pinned = true
      this.forward.materializer.remember(gradient, dy)
      this.forward.materializer.remember(g, dy)
    }
    if (this.wanted[input] !== true) return
    this.give(input, e.tensor(this.draft.write(operation, 'dx', this.gradientAtInput(node))))
  }

  private norm(node: GraphNode & { kind: 'batchNorm' }, g: Expression): void {
    const record = this.forward.norms.get(node.id)
    if (record === undefined) throw new PreresnetError('ERR_INTERNAL', `${node.name}: no statistics`)
    const d = this.forward.materializer.store(g, node.name, [node.name])
    const coefficients = (name: string): DraftTensor => this.draft.coefficients(`${node.name}:${name}`, record.x.shape[1] as number)
    const [a, b, c] = [coefficients('a'), coefficients('b'), coefficients('c')] as const
    this.draft.emit(
      'bn_backward',
      node.name,
      [node.name],
      {
        // Constants hang on no other image: then each process takes the sums of its own.
        sums: (record.frozen ? this.forward.materializer : this.forward).sums(d, record.x, `${node.name}:d`),
        weight: record.weight,
        mean: record.mean,
        invstd: record.invstd,
        dweight: this.options.gradient(node.weight),
        dbeta: this.options.gradient(node.bias),
        a,
        b,
        c,
      },
      { count: record.count, frozen: record.frozen },
    )
    const e = this.forward.expressions
    this.give(node.inputs[0] as NodeId, e.normBackward(e.tensor(d), e.tensor(record.x), a, b, c))
  }

  private pool(node: GraphNode & { kind: 'maxPool' | 'averagePool' }, g: Expression): void {
    const { x, scale, bias, relu } = this.operand(node)
    const dy = this.forward.materializer.store(g, node.name, [])
    const dx = this.gradientAtInput(node)
    const { kernel, stride, padding } = node
    const op = node.kind === 'maxPool' ? 'max_pool_backward' : 'average_pool_backward'
    this.draft.emit(op, node.name, [node.name], { dy, x, scale, bias, dx }, { relu, kernel, stride, padding })
    this.give(node.inputs[0] as NodeId, this.forward.expressions.tensor(dx))
  }

  private globalAveragePool(node: GraphNode & { kind: 'globalAveragePool' }): void {
    const dy = this.features.get(node.id)
    if (dy === undefined) return
    const { x, scale, bias, relu } = this.operand(node)
    const dx = this.gradientAtInput(node)
    this.draft.emit('global_average_pool_backward', node.name, [node.name], { dy, x, scale, bias, dx }, { relu })
    this.give(node.inputs[0] as NodeId, this.forward.expressions.tensor(dx))
  }

  /** How the node's operation read its input. */
  private operand(node: GraphNode): Transform {
    const transform = this.forward.transforms.get(node.id)
    if (transform === undefined) throw new PreresnetError('ERR_INTERNAL', `${node.name}: no operand`)
    return transform
  }

  private gradientAtInput(node: GraphNode): DraftTensor {
    const { channels, height, width } = imageShape(this.forward.nodeAt(node.inputs[0] as NodeId).shape)
    return this.draft.activation(`${node.name}:dx`, channels, height, width)
  }

  private linear(node: GraphNode & { kind: 'linear' }): void {
    const dy = this.features.get(node.id)
    if (dy === undefined) return
    const input = node.inputs[0] as NodeId
    const x = this.forward.features(input)
    const w = this.forward.parameter(node.weight)
    const dx = this.wanted[input] === true ? this.draft.matrix(`${node.name}:dx`, x.shape[1] as number) : undefined
    const [dw, dbias] = [this.options.gradient(node.weight), node.bias === undefined ? undefined : this.options.gradient(node.bias)]
    this.draft.emit('linear_backward', node.name, [node.name], { dy, x, w, dw, dbias, dx }, this.draft.apart())
    if (dx !== undefined) this.features.set(input, dx)
  }
}

type GradientOperands = Pick<Operands<DraftTensor>['conv_backward'], 'd' | 'y' | 'dA' | 'dB' | 'dC' | 'skip'>

/** The gradient as conv_backward's contract can read it: d, or A d + B y + C, and a skip connection's gradient beside it. */
function gradientOperands(g: Expression): GradientOperands | undefined {
  const whole = wholeTensor(g)
  if (whole !== undefined) return { d: whole }
  if (g.kind === 'normBackward') {
    const [d, y] = [wholeTensor(g.d), wholeTensor(g.x)]
    return d === undefined || y === undefined ? undefined : { d, y, dA: g.a, dB: g.b, dC: g.c }
  }
  if (g.kind !== 'add') return undefined
  for (const [part, skip] of [
    [g.left, g.right],
    [g.right, g.left],
  ] as const) {
    const other = wholeTensor(skip)
    if (other === undefined) continue
    const operands = part.kind === 'add' ? undefined : gradientOperands(part)
    if (operands !== undefined) return { ...operands, skip: other }
  }
  return undefined
}
