/** A program while it is being made: operations and tensors as linked objects, before memory is planned. */
import type { ArenaName, AttributeValue, DType, Layout, OperationSpec } from './program.js'
import { contracts, type OperationName } from '../contracts.js'
import { elements, type TensorTypes } from './layout.js'

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

export type DraftOperand = DraftTensor | DraftTensor[]

export interface DraftOperation {
  readonly op: OperationName
  /** Position in the program. */
  readonly index: number
  readonly name: string
  readonly fused: string[]
  readonly phase: OperationSpec['phase']
  readonly operands: Record<string, DraftOperand>
  readonly attributes: Record<string, AttributeValue>
}

/** Appends operations and makes the tensors they write. */
export class Draft {
  readonly operations: DraftOperation[] = []
  phase: OperationSpec['phase'] = 'forward'

  constructor(
    readonly types: TensorTypes,
    readonly batch: number,
    /** Groups of images with BN statistics of their own. */
    readonly groups: number,
    /** Whether the device has Winograd's algorithm and may use it. */
    readonly winograd = false,
    /** Whether convolutions may multiply bf16. */
    readonly bf16Products = false,
  ) {}

  /** Appends an operation. What it writes may be among the operands, and is its work from now on, or come later by `write`. */
  emit(
    op: OperationName,
    name: string,
    fused: readonly string[],
    operands: Record<string, DraftOperand | undefined>,
    attributes: Record<string, AttributeValue> = {},
  ): DraftOperation {
    const present: Record<string, DraftOperand> = {}
    for (const [key, value] of Object.entries(operands)) if (value !== undefined) present[key] = value
    const operation: DraftOperation = {
      op,
      index: this.operations.length,
      name,
      fused: [...fused],
      phase: this.phase,
      operands: present,
      attributes: { ...attributes },
    }
    const table = contracts[op].operands as Readonly<Record<string, { readonly role: string }>>
    for (const [key, operand] of Object.entries(present)) {
      if (table[key]?.role === 'out') for (const tensor of [operand].flat()) tensor.producer = operation
    }
    this.operations.push(operation)
    return operation
  }

  /** Attributes of a convolution and of its backward pass. */
  convolution(node: { readonly kernel: number; readonly stride: number; readonly padding: number }, xRelu: boolean): Record<string, AttributeValue> {
    const { kernel, stride, padding } = node
    return { stride, padding, xRelu, winograd: this.winograd && kernel === 3 && stride === 1 && padding === 1, bf16Products: this.bf16Products }
  }

  /** A feature map that `operation` writes as operand `key`. */
  write(operation: DraftOperation, key: string, tensor: DraftTensor): DraftTensor {
    tensor.producer = operation
    const old = operation.operands[key]
    if (Array.isArray(old)) old.push(tensor)
    else operation.operands[key] = tensor
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
