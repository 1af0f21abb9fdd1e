/**
 * The memory plan: tensors of the transient arena share memory where their lifetimes do not meet. A lifetime goes from the first
 * operation that writes a tensor to the last that touches it. Gradients of parameters live from there to the end, and lie over activations that
 * are dead by then, where that saves memory.
 */
import type { DraftOperation, DraftTensor } from './draft.js'
import { align, PAGE, storageBytes } from './layout.js'
import { tensorsIn } from './operands.js'

interface Plan {
  readonly offsets: ReadonlyMap<DraftTensor, number>
  readonly bytes: number
  /** Where in the transient arena the arena of gradients begins; absent where it has memory of its own. */
  readonly gradientsAt?: number
}

/** The arena of gradients, as the optimizer reads it: in one piece. */
export interface Gradients {
  /** Bytes from the arena's start. */
  readonly offsets: ReadonlyMap<DraftTensor, number>
  readonly bytes: number
}

interface Lifetime {
  first: number
  last: number
}

export function bytesOf(tensor: DraftTensor): number {
  return storageBytes(tensor.dtype, tensor.layout, tensor.shape)
}

/** Small vectors get a region of their own before the feature maps, so that they do not tear holes between them. */
export function* planTransient(operations: readonly DraftOperation[], gradients?: Gradients): Generator<void, Plan> {
  const lifetimes = new Map<DraftTensor, Lifetime>()
  for (const operation of operations) {
    for (const tensor of tensorsIn<DraftTensor>(operation.operands)) {
      if (tensor.arena !== 'activations') continue
      const life = lifetimes.get(tensor)
      if (life === undefined) lifetimes.set(tensor, { first: operation.index, last: operation.index })
      else life.last = operation.index
    }
    yield
  }
  const offsets = new Map<DraftTensor, number>()
  let bytes = 0
  for (const large of [false, true]) {
    const part = [...lifetimes].filter(([tensor]) => (tensor.shape.length === 4) === large)
    bytes += yield* planRegion(part, bytes, offsets)
  }
  const gradientsAt = gradients && placeOfGradients(operations, lifetimes, offsets, gradients)
  if (gradientsAt === undefined || gradientsAt >= bytes) return { offsets, bytes }
  return { offsets, bytes: Math.max(bytes, gradientsAt + gradients!.bytes), gradientsAt }
}

/**
 * The lowest address at which no gradient meets what still lives when it is written. The backward pass frees activations from the top and writes
 * gradients from the last layer to the first, so that the one stack shrinks before the other. Undefined if a gradient is never written.
 */
function placeOfGradients(
  operations: readonly DraftOperation[],
  lifetimes: ReadonlyMap<DraftTensor, Lifetime>,
  offsets: ReadonlyMap<DraftTensor, number>,
  gradients: Gradients,
): number | undefined {
  /** Begin of the lowest gradient written so far, after each operation. */
  const lowest: number[] = []
  const written = new Set<DraftTensor>()
  let low = Infinity
  for (const operation of operations) {
    for (const tensor of tensorsIn<DraftTensor>(operation.operands)) {
      const offset = gradients.offsets.get(tensor)
      if (offset === undefined) continue
      written.add(tensor)
      low = Math.min(low, offset)
    }
    lowest.push(low)
  }
  if (written.size !== gradients.offsets.size) return undefined
  let address = 0
  for (const [tensor, { last }] of lifetimes) {
    if (lowest[last] !== Infinity) address = Math.max(address, (offsets.get(tensor) as number) + align(bytesOf(tensor)) - (lowest[last] as number))
  }
  return align(address, PAGE)
}

/** Over time: at each operation what died is free again, what is born takes the lowest gap that holds it. */
function* planRegion(lifetimes: readonly (readonly [DraftTensor, Lifetime])[], base: number, offsets: Map<DraftTensor, number>): Generator<void, number> {
  const births = [...lifetimes].sort(([a, x], [b, y]) => x.first - y.first || bytesOf(b) - bytesOf(a))
  const deaths = [...lifetimes].sort(([, x], [, y]) => x.last - y.last)
  const free = new FreeList()
  let dead = 0
  for (const [tensor, life] of births) {
    for (; dead < deaths.length; dead++) {
      const [gone, { last }] = deaths[dead]!
      if (last >= life.first) break
      free.release((offsets.get(gone) as number) - base, align(bytesOf(gone)))
    }
    offsets.set(tensor, base + free.take(align(bytesOf(tensor))))
    yield
  }
  return free.end
}

/** Gaps in order of their address, joined where they touch. */
class FreeList {
  end = 0
  private readonly gaps: { offset: number; bytes: number }[] = []

  take(bytes: number): number {
    const index = this.gaps.findIndex((gap) => gap.bytes >= bytes)
    if (index >= 0) {
      const gap = this.gaps[index]!
      const offset = gap.offset
      gap.offset += bytes
      gap.bytes -= bytes
      if (gap.bytes === 0) this.gaps.splice(index, 1)
      return offset
    }
    // Nothing fits: grow the end, using the gap that touches it.
    const last = this.gaps.at(-1)
    const start = last !== undefined && last.offset + last.bytes === this.end ? last.offset : this.end
    if (start !== this.end) this.gaps.pop()
    this.end = start + bytes
    return start
  }

  release(offset: number, bytes: number): void {
    let index = this.gaps.findIndex((gap) => gap.offset > offset)
    if (index < 0) index = this.gaps.length
    const before = this.gaps[index - 1]
    const after = this.gaps[index]
    const joinsBefore = before !== undefined && before.offset + before.bytes === offset
    const joinsAfter = after !== undefined && offset + bytes === after.offset
    if (joinsBefore && joinsAfter) {
      before.bytes += bytes + after.bytes
      this.gaps.splice(index, 1)
    } else if (joinsBefore) before.bytes += bytes
    else if (joinsAfter) {
      after.offset = offset
      after.bytes += bytes
    } else this.gaps.splice(index, 0, { offset, bytes })
  }
}
