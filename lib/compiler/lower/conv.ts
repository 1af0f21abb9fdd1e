/**
 * `conv` as launches: cuDNN's convolution with what its tier takes in; the activation written before it where it cannot read through norm and
 * ReLU; bias, residual, ReLU and sums after it where it cannot add them.
 */
import type { DraftOperation } from '../draft.js'
import { fusedParts, present, windowOf, type Lowering, type ConvInput } from './context.js'
import { PLAIN, RUNTIME_COMPILED, type Want } from './engines.js'

export function lowerConv(lowering: Lowering, operation: DraftOperation<'conv'>): void {
  const { x, w, y, sums, bias, residual, residualScale, residualBias } = operation.operands
  const { residualRelu = false, residualSubsample = 1, relu = false } = operation.attributes
  const transform = convInputOf(operation)
  const stored = transform.relu ? lowering.stored(transform) : undefined
  const plainResidual =
    residual !== undefined && residualScale === undefined && !residualRelu && residualSubsample === 1 && residual.shape.join() === y.shape.join()
  // Whatever no fusion takes in: it stands between the convolution and everything after it.
  const apart = bias !== undefined || relu || (residual !== undefined && !plainResidual)
  const wants = present<Want>([stored !== undefined && 'transform', plainResidual && !apart && 'residual', sums !== undefined && !apart && 'sums'])
  const choice = lowering.choose('forward', operation, { x, w, y }, wants)

  // Precompiled fusions add nothing, so what is added comes after them, and the sums after that.
  const adds = residual !== undefined && (apart || choice.tier !== RUNTIME_COMPILED)
  const after = apart || adds
  const fusesSums = sums !== undefined && !after && choice.tier !== PLAIN
  const { before, own, after: added } = fusedParts(operation)
  const fusesTransform = stored !== undefined && choice.tier !== PLAIN
  const source = fusesTransform ? { x, xScale: stored.scale, xBias: stored.bias } : { x: lowering.activation(transform, operation.name, before) }
  const output = after ? lowering.like(y, `${operation.name}:raw`) : y
  lowering.emit(
    'conv',
    operation.name,
    [...(fusesTransform ? before : []), ...own, ...(after ? [] : added)],
    { ...source, w: lowering.weights(w), residual: after ? undefined : residual, y: output, sums: fusesSums ? sums : undefined },
    { ...windowOf(operation), xRelu: fusesTransform, ...choice },
  )
  if (!after && (sums === undefined || fusesSums)) return
  lowering.emit(
    'residual_add',
    operation.name,
    after ? added : [],
    { x: output, bias, residual: after ? residual : undefined, residualScale, residualBias, y: after ? y : undefined, sums },
    after ? { residualRelu, residualSubsample, relu } : {},
  )
}

/** How a convolution reads its operand. */
export function convInputOf({ operands, attributes }: DraftOperation<'conv'>): ConvInput {
  const { x, xScale: scale, xBias: bias } = operands
  return { x, scale, bias, relu: attributes.xRelu === true }
}
