/**
 * Where parameters, their gradients, the optimizer's state and running statistics lie: the same address in each arena, so that one pass updates all.
 *
 * Where convolutions compute in a type of their own (CUDA), their weights come first, elements [0, Q): their gradients have an arena of their own in that
 * type, and so have the copies that convolutions read. The rest, elements [Q, P), has gradients [0, P - Q).
 */
import type { Graph, Parameter } from '../graph/graph.js'
import type { DraftTensor } from './draft.js'
import { ALIGNMENT, align, elements, sizeOf, storageBytes, type TensorTypes } from './layout.js'
import type { OptimizerState } from './options.js'
import type { ArenaName, Layout } from './program.js'

export interface ParameterPlan {
  /** Parameters and buffers by name. */
  readonly tensors: ReadonlyMap<string, DraftTensor>
  readonly gradients: ReadonlyMap<string, DraftTensor>
  /** What the optimizer keeps of each trained parameter, by `velocity/NAME`. */
  readonly states: ReadonlyMap<string, DraftTensor>
  /** Of convolution weights, by the weights. */
  readonly copies: ReadonlyMap<DraftTensor, DraftTensor>
  /** Moving averages of parameters and buffers, by the name of what they follow; empty where there are none. */
  readonly averages: ReadonlyMap<string, DraftTensor>
  /** Of averages of convolution weights, by the averages. */
  readonly averagedCopies: ReadonlyMap<DraftTensor, DraftTensor>
  readonly offsets: ReadonlyMap<DraftTensor, number>
  /** Whole arenas as one row of elements, for the optimizer; the last two where there are such arenas. Without `gradients` nothing is trained. */
  readonly views: ParameterViews
  /** The same of moving averages, and of the running statistics that they follow. */
  readonly averageViews: AverageViews | undefined
  /** Elements from the start of arena `parameters`, by name of a trained parameter. */
  readonly segments: ReadonlyMap<string, { readonly offset: number; readonly length: number }>
  /** Loss scale and what the optimizer knows of overflow; of a network that is trained on CUDA. */
  readonly scaler: DraftTensor | undefined
  /** Partial sums of a step's accumulations, one for each level of their tree. */
  readonly waiting: { readonly gradients: DraftTensor; readonly metrics: DraftTensor } | undefined
  /** Bytes. */
  readonly arenas: Readonly<Partial<Record<ArenaName, number>>>
}

interface ParameterViews extends Partial<Readonly<Record<OptimizerState, DraftTensor>>> {
  readonly weights: DraftTensor
  readonly gradients?: DraftTensor
  readonly weightGradients?: DraftTensor
  readonly copies?: DraftTensor
}

interface AverageViews {
  readonly averages: DraftTensor
  readonly averagedCopies?: DraftTensor
  readonly statistics?: DraftTensor
  readonly averagedStatistics?: DraftTensor
}

interface ParameterOptions {
  readonly trainable: (name: string) => boolean
  /** Gradients of convolution weights apart. */
  readonly apart: boolean
  readonly copies: boolean
  readonly scaler: boolean
  readonly states: readonly OptimizerState[]
  /** Whether moving averages follow what is trained. */
  readonly averages: boolean
  /** Accumulations of a step. */
  readonly accumulate: number
}

/** Elements; a multiple of the alignment in every type. */
const ELEMENT_ALIGNMENT = ALIGNMENT

export function planParameters(graph: Graph, types: TensorTypes, options: ParameterOptions): ParameterPlan {
  return new Planner(graph, types, options).plan()
}

class Planner {
  private readonly tensors = new Map<string, DraftTensor>()
  private readonly gradients = new Map<string, DraftTensor>()
  private readonly states = new Map<string, DraftTensor>()
  private readonly copies = new Map<DraftTensor, DraftTensor>()
  private readonly averages = new Map<string, DraftTensor>()
  private readonly averagedCopies = new Map<DraftTensor, DraftTensor>()
  private readonly offsets = new Map<DraftTensor, number>()
  private readonly segments = new Map<string, { offset: number; length: number }>()
  /** Elements assigned so far. */
  private end = 0

  constructor(
    private readonly graph: Graph,
    private readonly types: TensorTypes,
    private readonly options: ParameterOptions,
  ) {}

  plan(): ParameterPlan {
    const { master } = this.types
    const own = linearParameters(this.graph)
    const layout = ({ name, shape }: Parameter): Layout => (own.has(name) ? 'plain' : isConvolution(shape) ? this.types.weightLayout : this.types.vectorLayout)
    const first = this.options.apart ? this.graph.parameters.filter(({ shape }) => isConvolution(shape)) : []
    for (const parameter of first) this.assign(parameter, layout(parameter), 0)
    const border = (this.end = align(this.end, ELEMENT_ALIGNMENT))
    for (const parameter of this.graph.parameters) if (!first.includes(parameter)) this.assign(parameter, layout(parameter), border)
    // No arena of the optimizer is empty.
    const total = Math.max(this.end, border + ALIGNMENT / sizeOf(master))

    let bufferEnd = 0
    const buffer = (name: string, shape: readonly number[], bufferLayout: Layout): DraftTensor => {
      const tensor = this.make(name, shape, 'buffers', bufferEnd, bufferLayout)
      bufferEnd += align(storageBytes(master, bufferLayout, shape))
      return tensor
    }
    for (const { name, shape } of this.graph.buffers) {
      const { vectorLayout } = this.types
      if (this.options.averages) this.averages.set(name, this.make(averageOf(name), shape, 'averagedBuffers', bufferEnd, vectorLayout))
      this.tensors.set(name, buffer(name, shape, vectorLayout))
    }
    const scaler = this.options.scaler ? buffer('lossScale', [8], 'plain') : undefined

    const trains = this.gradients.size > 0
    const view = (name: ArenaName, count: number, dtype = master): DraftTensor => this.make(name, [count], name, 0, 'plain', dtype)
    const views: ParameterViews = {
      weights: view('parameters', total),
      ...(trains && { gradients: view('gradients', total - border), ...Object.fromEntries(this.options.states.map((state) => [state, view(state, total)])) }),
      ...(trains && border > 0 && { weightGradients: view('weightGradients', border, this.types.weights) }),
      ...(this.options.copies && border > 0 && { copies: view('compute', border, this.types.weights) }),
    }
    const averageViews: AverageViews | undefined = this.options.averages
      ? {
          averages: view('averages', total),
          ...(this.options.copies && border > 0 && { averagedCopies: view('averagedCompute', border, this.types.weights) }),
          ...(bufferEnd > 0 && {
            statistics: view('buffers', bufferEnd / sizeOf(master)),
            averagedStatistics: view('averagedBuffers', bufferEnd / sizeOf(master)),
          }),
        }
      : undefined
    const arenas = Object.fromEntries(
      Object.values<DraftTensor>({ ...views, ...averageViews }).map(({ arena, dtype, shape }) => [arena, shape[0]! * sizeOf(dtype)]),
    )
    const waiting = trains && this.options.accumulate > 1 ? this.waiting(Math.ceil(Math.log2(this.options.accumulate)), total - border) : undefined
    const { tensors, gradients, states, copies, averages, averagedCopies, offsets, segments } = this
    return {
      tensors,
      gradients,
      states,
      copies,
      averages,
      averagedCopies,
      offsets,
      views,
      averageViews,
      segments,
      scaler,
      waiting,
      arenas: { ...arenas, buffers: bufferEnd },
    }
  }

  private waiting(levels: number, row: number): ParameterPlan['waiting'] {
    const { master, sums } = this.types
    const gradients = this.make('waiting/gradients', [levels, row], 'accumulation', 0, 'plain')
    const end = align(storageBytes(master, 'plain', gradients.shape))
    return { gradients, metrics: this.make('waiting/metrics', [levels, 4], 'accumulation', end, 'plain', sums) }
  }

  private assign({ name, shape }: Parameter, layout: Layout, border: number): void {
    const { master, weights } = this.types
    const offset = this.end
    const length = storageBytes(master, layout, shape) / sizeOf(master)
    const separate = this.options.apart && isConvolution(shape)
    const tensor = this.make(name, shape, 'parameters', offset * sizeOf(master), layout)
    this.tensors.set(name, tensor)
    const copied = separate && this.options.copies
    const copyOf = (copy: string, arena: ArenaName): DraftTensor => this.make(copy, shape, arena, offset * sizeOf(weights), layout, weights)
    if (copied) this.copies.set(tensor, copyOf(`compute/${name}`, 'compute'))
    if (this.options.averages) {
      const average = this.make(averageOf(name), shape, 'averages', offset * sizeOf(master), layout)
      this.averages.set(name, average)
      if (copied) this.averagedCopies.set(average, copyOf(`averagedCompute/${name}`, 'averagedCompute'))
    }
    if (this.options.trainable(name)) {
      const gradient = separate
        ? this.make(`gradient/${name}`, shape, 'weightGradients', offset * sizeOf(weights), layout, weights)
        : this.make(`gradient/${name}`, shape, 'gradients', (offset - border) * sizeOf(master), layout)
      this.gradients.set(name, gradient)
      for (const state of this.options.states) this.states.set(`${state}/${name}`, this.make(`${state}/${name}`, shape, state, offset * sizeOf(master), layout))
      this.segments.set(name, { offset, length })
    }
    this.end += align(length * sizeOf(master), separate ? ELEMENT_ALIGNMENT * sizeOf(master) : ALIGNMENT) / sizeOf(master)
  }

  private make(name: string, shape: readonly number[], arena: ArenaName, offset: number, layout: Layout, dtype = this.types.master): DraftTensor {
    if (elements(shape) <= 0) throw new RangeError(`${name}: an empty tensor`)
    const tensor: DraftTensor = { name, dtype, layout, shape, arena, pinned: true }
    this.offsets.set(tensor, offset)
    return tensor
  }
}

/** What the moving average of a parameter or buffer is called in a program set. */
export function averageOf(name: string): string {
  return `ema/${name}`
}

function isConvolution(shape: readonly number[]): boolean {
  return shape.length === 4
}

/** Weights and biases of fully connected layers: plain on every device. */
function linearParameters(graph: Graph): ReadonlySet<string> {
  return new Set(graph.nodes.flatMap((node) => (node.kind === 'linear' ? [node.weight, node.bias ?? node.weight] : [])))
}
