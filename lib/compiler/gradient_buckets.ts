/** Gradients that are added over the ranks while the backward pass goes on, in buckets: as soon as enough of them are there, they go on their way. */
import type { Draft, DraftTensor } from './draft.js'
import { tensorsWithRoles } from './operands.js'
import type { ParameterPlan } from './parameters.js'
import { emitAllReduceBegin, type Reduction } from './update.js'

export class GradientBuckets {
  private readonly names: ReadonlyMap<DraftTensor, string>
  /** Operations of the draft that were looked at. */
  private seen: number
  private full: string[] = []
  private elements = 0

  /** `least`: elements of a bucket. */
  constructor(
    private readonly draft: Draft,
    private readonly parameters: ParameterPlan,
    private readonly reduction: Reduction,
    private readonly least: number,
  ) {
    this.names = new Map([...parameters.gradients].map(([name, tensor]) => [tensor, name]))
    this.seen = draft.operations.length
  }

  /** To be called as often as the backward pass may have written some. What is left at its end needs no bucket. */
  collect(): void {
    for (; this.seen < this.draft.operations.length; this.seen++) {
      const { op, operands } = this.draft.operations[this.seen]!
      for (const [tensor, role] of tensorsWithRoles<DraftTensor>(op, operands)) {
        const name = role === 'out' ? this.names.get(tensor) : undefined
        if (name === undefined) continue
        this.full.push(name)
        this.elements += this.parameters.segments.get(name)!.length
      }
    }
    if (this.elements < this.least) return
    emitAllReduceBegin(this.draft, this.parameters, this.reduction, this.full)
    this.full = []
    this.elements = 0
  }
}
