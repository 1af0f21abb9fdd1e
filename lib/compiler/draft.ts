/** A program while it is being made: operations and tensors as linked objects, before memory is planned. */
import { contracts, type Attributes, type OperationName, type Operands, type OptionalOutputs, type Takers } from '../contracts.js'
import { elements, type TensorTypes } from './layout.js'
import { mapOperands, tensorsWithRoles } from './operands.js'
import type { ArenaName, DType, Layout, Phase } from './program.js'

export interface DraftTensor {
  name: string
  readonly dtype: DType
  readonly layout: Layout
  readonly shape: readonly number[]
  arena: ArenaName
  /** The operation that writes it; absent for parameters and inputs. */
  producer?: DraftOperation
  /** Others hold on to this very value: its producer may no longer be asked to write something else instead. */
  pinned: boolean
}

/** A union over the operations; of the kind K alone where one is named. */
export type DraftOperation<K extends OperationName = OperationName> = {
  [P in K]: {
    readonly op: P
    /** Position in the program. */
    readonly index: number
    readonly name: string
    readonly fused: string[]
    readonly phase: Phase
    readonly operands: Operands<DraftTensor>[P]
    readonly attributes: Attributes[P]
  }
}[K]

/** An operation of one kind as one of any: TypeScript knows this of each kind, but not of a kind that is a type parameter. */
function anyOf<K extends OperationName>(operation: DraftOperation<K>): DraftOperation {
  // eslint-disable-next-line no-restricted-syntax
  return operation as DraftOperation
}

/** Whether the contract of an operation has room for something that it was not emitted with; whether that room is free is another question. */
export function canTake<A extends keyof Takers>(operation: DraftOperation, what: A): operation is Extract<DraftOperation, { op: Takers[A] }> {
  return contracts[operation.op].takes[what] !== undefined
}

/** Appends operations and makes the tensors they write. */
export class Draft {
  readonly operations: DraftOperation[] = []
  phase: Phase = 'forward'

  constructor(
    readonly types: TensorTypes,
    /** Images that are computed at a time. */
    readonly batch: number,
    /** Groups of images with BN statistics of their own. */
    readonly groups: number,
    /** Whether the device has Winograd's algorithm and may use it. */
    readonly winograd = false,
    /** Whether convolutions may multiply bf16. */
    readonly bf16Products = false,
    /** Whether operations compute each group as a batch of its own. */
    readonly groupsApart = false,
  ) {}

  /** The attribute of operations that compute groups of images apart; of one group there is nothing to say. */
  apart(): { readonly groups?: number } {
    return this.groupsApart && this.groups > 1 ? { groups: this.groups } : {}
  }

  /** Appends an operation. What it writes is its work from now on; what it may write beside, later ones can still ask for (`write`). */
  emit<K extends OperationName>(
    op: K,
    name: string,
    fused: readonly string[],
    operands: Operands<DraftTensor>[K],
    attributes: Attributes[K],
  ): DraftOperation<K> {
    const emitted: DraftOperation<K> = {
      op,
      index: this.operations.length,
      name,
      fused: [...fused],
      phase: this.phase,
      operands: mapOperands(op, operands, (tensor: DraftTensor) => tensor),
      attributes: { ...attributes },
    }
    const operation = anyOf(emitted)
    for (const [tensor, role] of tensorsWithRoles<DraftTensor>(op, operands)) if (role === 'out') tensor.producer = operation
    this.operations.push(operation)
    return emitted
  }

  /** Appends an operation of another program, with other operands if some are given. */
  append<K extends OperationName>({ op, name, fused, operands, attributes }: DraftOperation<K>, others = operands): DraftOperation<K> {
    return this.emit(op, name, fused, others, attributes)
  }

  /** Attributes of a convolution and of its backward pass. */
  convolution(
    node: { readonly kernel: number; readonly stride: number; readonly padding: number },
    xRelu: boolean,
  ): Pick<Required<Attributes['conv' | 'conv_backward']>, 'stride' | 'padding' | 'xRelu' | 'winograd' | 'bf16Products'> & { readonly groups?: number } {
    const { kernel, stride, padding } = node
    const winograd = this.winograd && kernel === 3 && stride === 1 && padding === 1
    return { stride, padding, xRelu, winograd, bf16Products: this.bf16Products, ...this.apart() }
  }

  /** Makes a tensor the work of an operation that was emitted without it, as operand `key`. */
  write<K extends OperationName>(operation: DraftOperation<K>, key: OptionalOutputs[K] & keyof Operands[K], tensor: DraftTensor): DraftTensor {
    const operands: Record<string, DraftTensor | DraftTensor[] | undefined> = operation.operands
    operands[key] = tensor
    tensor.producer = anyOf(operation)
    return tensor
  }

  activation(name: string, channels: number, height: number, width: number, arena: ArenaName = 'activations'): DraftTensor {
    return this.tensor(name, this.types.storage, this.types.activationLayout, [this.batch, channels, height, width], arena)
  }

  /** Features or logits, N x K. */
  matrix(name: string, columns: number, arena: ArenaName = 'activations'): DraftTensor {
    return this.tensor(name, this.types.master, 'plain', [this.batch, columns], arena)
  }

  /** One coefficient a channel and group. */
  coefficients(name: string, channels: number): DraftTensor {
    return this.tensor(name, this.types.master, this.types.vectorLayout, [this.groups, channels], 'activations')
  }

  sums(name: string, channels: number): DraftTensor {
    return this.tensor(name, this.types.sums, this.types.vectorLayout, [this.groups, 2, channels], 'activations')
  }

  tensor(name: string, dtype: DType, layout: Layout, shape: readonly number[], arena: ArenaName): DraftTensor {
    if (elements(shape) <= 0) throw new RangeError(`${name}: an empty tensor`)
    return { name, dtype, layout, shape, arena, pinned: false }
  }
}
