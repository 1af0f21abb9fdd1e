/**
 * From the operations that the compiler thinks in to the launches of a GPU: one operation of the result is one unit of work on a stream. It
 * happens before memory is planned. Which convolutions are fused with what is data (engines.ts) and the tuner's choice (target.ts).
 */
import type { Draft, DraftTensor } from '../draft.js'
import { Lowering } from './context.js'
import { lowerConv } from './conv.js'
import { lowerConvBackward } from './conv_backward.js'
import type { LoweringTarget } from './target.js'

/** `copies`: of convolution weights, in the type in which convolutions read them. */
export function* lower(draft: Draft, target: LoweringTarget, copies: ReadonlyMap<DraftTensor, DraftTensor>): Generator<void, Draft> {
  const lowering = new Lowering(draft, target, copies)
  yield* lowering.index()
  for (const operation of draft.operations) {
    lowering.out.phase = operation.phase
    if (operation.op === 'conv') lowerConv(lowering, operation)
    else if (operation.op === 'conv_backward') lowerConvBackward(lowering, operation)
    else if (!lowering.isDone(operation)) lowering.keep(operation)
    yield
  }
  return lowering.out
}
