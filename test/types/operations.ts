/** What must not compile: where the line after a comment has no error, tsc says so and the build fails. */
import type { Draft, DraftOperation, DraftTensor } from '../../lib/compiler/draft.js'
import type { OperationSpec } from '../../lib/compiler/program.js'

export function emitted(draft: Draft, x: DraftTensor, w: DraftTensor, y: DraftTensor): void {
  draft.emit('conv', 'conv', [], { x, w, y, xScale: undefined }, { stride: 2 })
  // @ts-expect-error a misspelt operand
  draft.emit('conv', 'conv', [], { x, w, y, xScal: undefined }, { stride: 2 })
  // @ts-expect-error an operand of another operation
  draft.emit('conv', 'conv', [], { x, w, y, dy: y }, { stride: 2 })
  // @ts-expect-error an operand that must be there is not
  draft.emit('conv', 'conv', [], { x, y }, { stride: 2 })
  // @ts-expect-error a list where one tensor belongs
  draft.emit('conv', 'conv', [], { x: [x], w, y }, { stride: 2 })
  // @ts-expect-error a misspelt attribute
  draft.emit('conv', 'conv', [], { x, w, y }, { strid: 2 })
  // @ts-expect-error an attribute of another type
  draft.emit('conv', 'conv', [], { x, w, y }, { stride: true })
  // @ts-expect-error an attribute that must be there is not
  draft.emit('bn_backward', 'norm', [], { sums: x, weight: w, mean: w, invstd: w, a: y, b: y, c: y }, {})
  // @ts-expect-error an attribute of an operation that has none
  draft.emit('softmax', 'softmax', [], { logits: x, probabilities: y }, { smoothing: 0 })
  // @ts-expect-error an operation that there is not
  draft.emit('convolution', 'conv', [], { x, w, y }, {})
}

export function written(draft: Draft, operation: DraftOperation<'conv'>, tensor: DraftTensor): void {
  draft.write(operation, 'sums', tensor)
  // @ts-expect-error a misspelt operand
  draft.write(operation, 'sum', tensor)
  // @ts-expect-error an operand that conv reads
  draft.write(operation, 'residual', tensor)
  // @ts-expect-error an operand of another operation
  draft.write(operation, 'dx', tensor)
}

export function read(operation: DraftOperation): unknown {
  // @ts-expect-error which operation it is nobody has asked yet
  if (operation.op !== 'conv') return operation.operands.xScale
  // @ts-expect-error a misspelt optional operand
  if (operation.operands.xscale !== undefined) return undefined
  // @ts-expect-error an operand of another operation
  if (operation.operands.dy !== undefined) return undefined
  // @ts-expect-error a misspelt attribute
  return operation.attributes.xrelu === true ? operation.operands.xScale : undefined
}

export function changed(operation: DraftOperation<'conv'>, tensor: DraftTensor): void {
  operation.operands.residual = tensor
  // @ts-expect-error a misspelt operand
  operation.operands.residuals = tensor
  // @ts-expect-error an attribute of another operation
  operation.attributes.mask = true
}

export function linked(operation: OperationSpec): unknown {
  switch (operation.op) {
    case 'linear_backward':
      return operation.operands.dx
    case 'linear':
      // @ts-expect-error an operand of another operation
      return operation.operands.dx
    case 'sgd':
      // @ts-expect-error a misspelt attribute
      return operation.attributes.growthinterval
    default:
      return undefined
  }
}
