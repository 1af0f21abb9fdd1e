/**
 * `conv_backward` as launches: the gradient at the convolution's output, the gradient of the weights, the gradient at its operand. The last
 * gives a norm's backward pass too where cuDNN does that in one; elsewhere mask, addition and sums are a launch of their own.
 */
import type { DraftOperation, DraftTensor } from '../draft.js'
import { convInputOf } from './conv.js'
import { PreresnetError } from '../../errors.js'
import { fusedParts, present, windowOf, type Lowering } from './context.js'
import { PLAIN, PRECOMPILED, type Want } from './engines.js'

export function lowerConvBackward(lowering: Lowering, operation: DraftOperation<'conv_backward'>): void {
  const dy = gradientAtOutput(lowering, operation)
  gradientOfWeights(lowering, operation, dy)
  gradientAtOperand(lowering, operation, dy)
}

/** dA d + dB y + dC + skip, in memory. */
function gradientAtOutput(lowering: Lowering, operation: DraftOperation<'conv_backward'>): DraftTensor {
  const { d, y, dA, dB, dC, skip, dy } = operation.operands
  if (dA === undefined && skip === undefined) return d
  const sum = dy ?? lowering.like(d, `${operation.name}:dy`)
  if (dA === undefined) lowering.emit('relu_backward', operation.name, [], { d, add: skip, dx: sum }, {})
  else if (y === undefined || dB === undefined || dC === undefined) throw new PreresnetError('ERR_INTERNAL', `${operation.name}: dA without y, dB and dC`)
  else lowering.emit('bn_apply_backward', operation.name, [], { d, x: y, a: dA, b: dB, c: dC, skip, dx: sum }, {})
  return sum
}

function gradientOfWeights(lowering: Lowering, operation: DraftOperation<'conv_backward'>, dy: DraftTensor): void {
  const { x, w, dw, dbias } = operation.operands
  if (dw === undefined && dbias === undefined) return
  const { weights, weightLayout } = lowering.draft.types
  const forward = lowering.forwardOf(operation)
  // Of what the backward pass reads, which may be a copy that was computed again.
  const transform = { ...convInputOf(forward), x }
  const stored = transform.relu ? lowering.stored(transform) : undefined
  const choice = lowering.choose('weights', operation, { x, w, y: dy }, present<Want>([stored !== undefined && 'transform']))
  const fuses = stored !== undefined && choice.tier !== PLAIN
  const source = fuses ? { x, xScale: stored.scale, xBias: stored.bias } : { x: lowering.activation(transform, operation.name, fusedParts(forward).before) }
  // A bias whose weights are frozen: the launch gives both.
  const written = dw ?? lowering.out.tensor(`${operation.name}:dw`, weights, weightLayout, w.shape, 'activations')
  const attributes = { ...windowOf(operation), xRelu: fuses, ...choice }
  lowering.emit('conv_backward_weights', operation.name, [operation.name], { dy, ...source, dw: written, dbias }, attributes)
}

function gradientAtOperand(lowering: Lowering, operation: DraftOperation<'conv_backward'>, dy: DraftTensor): void {
  const { x, w, dx, add, sums, xScale, xBias } = operation.operands
  if (dx === undefined) return
  const masked = operation.attributes.mask === true
  const norm = normBehind(lowering, operation)
  const normalized = masked && xScale !== undefined
  const wants = present<Want>([add !== undefined && 'add', normalized && 'mask', sums !== undefined && 'sums', norm !== undefined && 'norm'])
  const choice = lowering.choose('data', operation, { x, w, y: dy }, wants)
  const convolution = { ...windowOf(operation), ...choice }
  const weights = lowering.weights(w)

  if (norm !== undefined && choice.tier === PRECOMPILED) {
    const { weight, mean, invstd, dweight, dbeta, a, b, c } = norm.backward.operands
    lowering.emit(
      'conv_backward_norm',
      operation.name,
      [...new Set([...operation.fused, ...norm.backward.fused])],
      { dy, w: weights, x, weight, beta: norm.finalize.operands.beta, mean, invstd, add, dx, dweight, dbeta, a, b, c },
      { count: norm.backward.attributes.count, ...convolution },
    )
    lowering.skip(norm.backward)
    return
  }
  if (choice.tier !== PLAIN) {
    lowering.emit('conv_backward_data', operation.name, operation.fused, { dy, w: weights, x, xScale, xBias, dx, sums }, { mask: true, ...convolution })
    return
  }
  const after = masked || add !== undefined || sums !== undefined
  const { own, after: absorbed } = fusedParts(operation)
  const plain = after ? lowering.like(dx, `${operation.name}:da`) : dx
  lowering.emit('conv_backward_data', operation.name, own, { dy, w: weights, dx: plain }, convolution)
  if (!after) return
  const mask = masked ? { x, xScale, xBias } : sums === undefined ? {} : { x }
  lowering.emit('relu_backward', operation.name, absorbed, { d: plain, add, ...mask, dx, sums }, { mask: masked })
}

/**
 * The norm through which the convolution reads its operand, with that norm's backward pass, where the sums of dx are for that pass alone and
 * its statistics are the batch's own.
 */
function normBehind(
  lowering: Lowering,
  operation: DraftOperation<'conv_backward'>,
): { readonly finalize: DraftOperation<'bn_finalize'>; readonly backward: DraftOperation<'bn_backward'> } | undefined {
  const { xScale, sums } = operation.operands
  const finalize = xScale?.producer
  if (operation.attributes.mask !== true || sums === undefined || finalize?.op !== 'bn_finalize') return undefined
  const readers = lowering.readersOf(sums).filter((reader) => reader !== operation)
  const [backward] = readers
  if (readers.length !== 1 || backward?.op !== 'bn_backward' || backward.attributes.frozen === true) return undefined
  return backward.operands.mean === finalize.operands.mean ? { finalize, backward } : undefined
}
