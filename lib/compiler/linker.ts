/** From a draft to a program: addresses in memory, and indices in one table of tensors for all programs of a set. */
import type { OperationName } from '../contracts.js'
import type { Draft, DraftOperation, DraftTensor } from './draft.js'
import { align } from './layout.js'
import { bytesOf, type Gradients, planTransient } from './memory.js'
import { mapOperands } from './operands.js'
import type { ParameterPlan } from './parameters.js'
import type { ArenaName, OperationSpec, Program, TensorSpec } from './program.js'

/** Gives tensors their addresses and numbers; one table for all programs. */
export class Linker {
  readonly specs: TensorSpec[] = []
  private readonly indices = new Map<DraftTensor, number>()
  /** Inputs and outputs of equal name and shape are one tensor in all programs. */
  private readonly named = new Map<string, number>()
  private readonly names = new Set<string>()
  /** Those of moments and of moving averages are only where a program has them. */
  private readonly ends: Partial<Record<ArenaName, number>> &
    Record<Exclude<ArenaName, 'firstMoment' | 'secondMoment' | 'averages' | 'averagedBuffers' | 'averagedCompute'>, number> = {
    parameters: 0,
    compute: 0,
    velocity: 0,
    gradients: 0,
    weightGradients: 0,
    buffers: 0,
    inputs: 0,
    outputs: 0,
    accumulation: 0,
    activations: 0,
  }

  /** Of the program that trains; see `ProgramSet`. */
  gradientsAt: number | undefined

  /** `overlay`: whether gradients may lie over dead activations. */
  constructor(
    private readonly parameters: ParameterPlan,
    private readonly overlay: boolean,
  ) {
    const { tensors, copies, gradients, states, averages, averagedCopies, scaler, waiting } = parameters
    for (const group of [tensors, copies, gradients, states, averages, averagedCopies]) {
      for (const tensor of group.values()) this.add(tensor, parameters.offsets.get(tensor) as number)
    }
    if (waiting !== undefined) for (const tensor of Object.values(waiting)) this.add(tensor, parameters.offsets.get(tensor) as number)
    if (scaler !== undefined) this.add(scaler, parameters.offsets.get(scaler) as number)
  }

  arenas(): Record<string, number> {
    const { accumulation, ...others } = this.ends
    return { ...others, ...(accumulation > 0 && { accumulation }), ...this.parameters.arenas }
  }

  *link(name: string, draft: Pick<Draft, 'operations' | 'batch'>): Generator<void, Program> {
    const plan = yield* planTransient(draft.operations, name === 'train' ? this.gradients() : undefined)
    this.gradientsAt ??= plan.gradientsAt
    const operations: OperationSpec[] = []
    for (const operation of draft.operations) {
      operations.push(this.spec(operation, name, plan.offsets))
      yield
    }
    this.ends.activations = Math.max(this.ends.activations, align(plan.bytes))
    return { name, batch: draft.batch, operations }
  }

  private spec<K extends OperationName>(operation: DraftOperation<K>, program: string, offsets: ReadonlyMap<DraftTensor, number>): OperationSpec<K> {
    const { op, name, fused, phase, attributes } = operation
    return { op, name, fused, phase, operands: mapOperands(op, operation.operands, (tensor) => this.index(tensor, program, offsets)), attributes }
  }

  private gradients(): Gradients | undefined {
    const { gradients, offsets, arenas } = this.parameters
    if (!this.overlay || arenas.gradients === undefined) return undefined
    return { offsets: new Map([...gradients.values()].map((tensor) => [tensor, offsets.get(tensor) as number])), bytes: arenas.gradients }
  }

  private index(tensor: DraftTensor, program: string, offsets: ReadonlyMap<DraftTensor, number>): number {
    const known = this.indices.get(tensor)
    if (known !== undefined) return known
    if (tensor.arena !== 'inputs' && tensor.arena !== 'outputs') {
      return this.add(tensor, this.parameters.offsets.get(tensor) ?? (offsets.get(tensor) as number))
    }
    const key = `${tensor.arena}/${tensor.name} ${tensor.shape.join(' x ')}`
    const shared = this.named.get(key)
    if (shared !== undefined) {
      this.indices.set(tensor, shared)
      return shared
    }
    const name = this.names.has(tensor.name) ? `${program}/${tensor.name}` : tensor.name
    this.names.add(name)
    const index = this.add(tensor, this.ends[tensor.arena], name)
    this.named.set(key, index)
    return index
  }

  private add(tensor: DraftTensor, offset: number, name = tensor.name): number {
    const bytes = bytesOf(tensor)
    const { dtype, layout, shape, arena } = tensor
    const index = this.specs.push({ name, dtype, layout, shape, arena, offset, bytes }) - 1
    this.indices.set(tensor, index)
    this.ends[arena] = Math.max(this.ends[arena] ?? 0, align(offset + bytes))
    return index
  }
}
