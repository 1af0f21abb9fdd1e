/**
 * Recomputation, elsewhere called activation checkpointing. A residual stream is a chain of sums; of each chain only every n-th sum stays in
 * memory for the backward pass. Those between are computed again, right before they are first read, by the operation that made them: the same bits.
 * That is a convolution that adds the residual to what it writes, or an operation `pointwise` where norms, gates or factors come between.
 */
import type { OperationName } from '../contracts.js'
import { canTake, Draft, type DraftOperation, type DraftTensor } from './draft.js'
import { mapOperands, tensorsIn } from './operands.js'

/** The program with every `every`-th sum kept. */
export function* checkpointActivations(draft: Draft, every: number): Generator<void, Draft> {
  const out = new Draft(draft.types, draft.batch, draft.groups, draft.winograd, draft.bf16Products)
  const again = new Again(out, sumsToDrop(draft, every))
  for (const operation of draft.operations) {
    out.phase = operation.phase
    if (operation.phase === 'backward') again.append(operation)
    else out.append(operation)
    yield
  }
  return out
}

/** What the backward pass reads of dropped sums: each is computed once more, at its first use. */
class Again {
  private readonly known = new Map<DraftTensor, DraftTensor>()

  constructor(
    private readonly out: Draft,
    private readonly dropped: ReadonlyMap<DraftTensor, DraftOperation>,
  ) {}

  append<K extends OperationName>(operation: DraftOperation<K>): void {
    this.out.append(
      operation,
      mapOperands(operation.op, operation.operands, (tensor: DraftTensor) => this.tensor(tensor)),
    )
  }

  private tensor(tensor: DraftTensor): DraftTensor {
    const made = this.dropped.get(tensor)
    return made === undefined ? tensor : (this.known.get(tensor) ?? this.repeat(tensor, made))
  }

  /** The sums over its values, too, are taken again, and not read: without them a device might choose another kernel, with other bits. */
  private repeat<K extends OperationName>(tensor: DraftTensor, operation: DraftOperation<K>): DraftTensor {
    this.out.append(
      operation,
      mapOperands(operation.op, operation.operands, (one: DraftTensor, role) => (role === 'in' ? this.tensor(one) : this.copy(one))),
    )
    return this.known.get(tensor) as DraftTensor
  }

  private copy(tensor: DraftTensor): DraftTensor {
    const { name, dtype, layout, shape, arena } = tensor
    const copy = this.out.tensor(`${name}:again`, dtype, layout, shape, arena)
    this.known.set(tensor, copy)
    return copy
  }
}

/** What an operation of the forward pass adds up, and where the sum goes; undefined if it makes none. */
function sumOf(operation: DraftOperation): { readonly parts: readonly DraftTensor[]; readonly sum: DraftTensor } | undefined {
  if (operation.phase !== 'forward') return undefined
  if (canTake(operation, 'residual')) {
    const { residual, y } = operation.operands
    return residual === undefined ? undefined : { parts: [residual], sum: y }
  }
  if (operation.op !== 'pointwise') return undefined
  const { tensors, outputs } = operation.operands
  const [sum] = outputs
  return tensors.length > 1 && outputs.length === 1 && sum !== undefined ? { parts: tensors, sum } : undefined
}

/**
 * Sums that the backward pass reads, with their operations, except for every `every`-th of a chain. A chain begins with what is kept anyway; where a
 * sum is the first thing that is (behind a projection), with that sum. What follows the last sum kept is needed as soon as the
 * backward pass begins: dropping it would save nothing.
 */
function sumsToDrop({ operations }: Draft, every: number): ReadonlyMap<DraftTensor, DraftOperation> {
  const read = new Set(operations.flatMap(({ phase, operands }) => (phase === 'backward' ? tensorsIn<DraftTensor>(operands) : [])))
  const positions = new Map<DraftTensor, number>()
  const sums = operations.flatMap((operation) => {
    const found = sumOf(operation)
    if (found === undefined || found.sum.arena !== 'activations' || !read.has(found.sum)) return []
    const { parts, sum } = found
    const position = parts.every((part) => read.has(part)) ? (Math.max(...parts.map((part) => positions.get(part) ?? 0)) + 1) % every : 0
    positions.set(sum, position)
    return [{ sum, operation, kept: position === 0 }]
  })
  const last = sums.findLastIndex(({ kept }) => kept)
  return new Map(sums.slice(0, Math.max(0, last)).flatMap(({ sum, operation, kept }) => (kept ? [] : [[sum, operation] as const])))
}
