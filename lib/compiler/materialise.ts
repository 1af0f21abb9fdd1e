/**
 * Fusion. An expression whose values are needed in memory is written by the operation that is at it anyway, where that operation's
 * contract can: a convolution adds the residual, its backward pass adds another gradient and masks. What nobody can take becomes an
 * operation `pointwise`. Sums over a stored tensor are likewise taken by whoever writes it.
 */
import type { Draft, DraftOperation, DraftTensor } from './draft.js'
import { transformOf, wholeTensor, type Expression, type Expressions } from './expression.js'
import { PointwiseCode } from './pointwise.js'

export class Materialiser {
  private readonly stored = new Map<Expression, DraftTensor>()
  private readonly sumsTaken = new Map<DraftTensor, { readonly factor: DraftTensor; readonly sums: DraftTensor }[]>()

  constructor(
    readonly draft: Draft,
    readonly expressions: Expressions,
  ) {}

  /** The expression with every part that is in memory by now read from there. */
  resolve(expression: Expression): Expression {
    return this.expressions.rewrite(expression, (part) => {
      const tensor = this.stored.get(part)
      return tensor === undefined ? undefined : this.expressions.tensor(tensor)
    })
  }

  /** From now on `expression` is read from `tensor`. */
  remember(expression: Expression, tensor: DraftTensor): void {
    this.stored.set(expression, tensor)
  }

  /** The tensor that holds the expression's values; `name` is for people. */
  store(expression: Expression, name: string, fused: readonly string[]): DraftTensor {
    const resolved = this.resolve(expression)
    const whole = wholeTensor(resolved)
    if (whole !== undefined) return whole
    const tensor = this.draft.phase === 'backward' ? this.absorbGradient(resolved, fused) : this.absorbResidual(resolved, fused)
    const written = tensor ?? this.pointwise(resolved, name, fused)
    this.stored.set(expression, written)
    this.stored.set(resolved, written)
    return written
  }

  private pointwise(expression: Expression, name: string, fused: readonly string[]): DraftTensor {
    const code = new PointwiseCode()
    const register = code.register(expression)
    const operation = code.emit(this.draft, name, fused, expression, [register], [])
    return this.draft.write(
      operation,
      'outputs',
      this.draft.activation(`${name}:${this.draft.phase === 'backward' ? 'd' : 'y'}`, expression.channels, expression.height, expression.width),
    )
  }

  /** y + t(residual), where a convolution writes y for this addition alone. */
  private absorbResidual(expression: Expression, fused: readonly string[]): DraftTensor | undefined {
    if (expression.kind !== 'add') return undefined
    const sides = [
      { y: expression.left, residual: expression.right },
      { y: expression.right, residual: expression.left },
    ].flatMap(({ y, residual }) => {
      const transform = transformOf(residual)
      const tensor = wholeTensor(y)
      if (tensor === undefined || transform === undefined) return []
      const operation = tensor.producer
      if (operation?.op !== 'conv' || tensor.pinned || tensor === transform.x) return []
      if ('residual' in operation.operands || 'sums' in operation.operands || !writtenBefore(transform.x, operation)) return []
      // A convolution's own ReLU comes after the residual.
      if (operation.attributes['relu'] === true) return []
      if (transform.scale !== undefined && !writtenBefore(transform.scale, operation)) return []
      return [{ tensor, operation, transform }]
    })
    const chosen = latest(sides)
    if (chosen === undefined) return undefined
    const { operation, transform } = chosen
    operation.operands['residual'] = transform.x
    if (transform.scale !== undefined && transform.bias !== undefined) {
      operation.operands['residualScale'] = transform.scale
      operation.operands['residualBias'] = transform.bias
    }
    operation.attributes['residualRelu'] = transform.relu
    operation.attributes['residualSubsample'] = transform.access
    operation.fused.push(...fused)
    return chosen.tensor
  }

  /** relu(y [+ t(residual)]), where a convolution writes y and nobody else reads what the ReLU reads. The tensor holds the ReLU's output from then on. */
  absorbRelu(expression: Expression, fused: readonly string[]): DraftTensor | undefined {
    const resolved = this.resolve(expression)
    const tensor = wholeTensor(resolved) ?? this.absorbResidual(resolved, [])
    const operation = tensor?.producer
    if (operation?.op !== 'conv' || tensor!.pinned || 'sums' in operation.operands || operation.attributes['relu'] === true) return undefined
    operation.attributes['relu'] = true
    operation.fused.push(...fused)
    return tensor
  }

  /** mask . (da [+ other]), where a backward operation writes da for this alone. */
  private absorbGradient(expression: Expression, fused: readonly string[]): DraftTensor | undefined {
    if (expression.kind === 'multiply' && expression.right.kind === 'positive') {
      const mask = expression.right.value
      const plain = expression.left
      const whole = wholeTensor(plain)
      if (whole !== undefined) return this.absorbMask(whole, mask, fused)
      const parts = this.additionParts(plain)
      if (parts !== undefined && this.canMask(parts.tensor, mask)) {
        parts.operation.operands['add'] = parts.other
        return this.absorbMask(parts.tensor, mask, fused)
      }
      return undefined
    }
    const parts = this.additionParts(expression)
    if (parts === undefined) return undefined
    parts.operation.operands['add'] = parts.other
    parts.operation.fused.push(...fused)
    return parts.tensor
  }

  /** da + other, both in memory, da written by a convolution's backward pass that can still take `other` in. */
  private additionParts(expression: Expression): { tensor: DraftTensor; other: DraftTensor; operation: DraftOperation } | undefined {
    if (expression.kind !== 'add') return undefined
    const [left, right] = [wholeTensor(expression.left), wholeTensor(expression.right)]
    if (left === undefined || right === undefined) return undefined
    const sides = [
      { tensor: left, other: right },
      { tensor: right, other: left },
    ].flatMap(({ tensor, other }) => {
      const operation = tensor.producer
      if (operation?.op !== 'conv_backward' || operation.operands['dx'] !== tensor || tensor.pinned || tensor === other) return []
      if ('add' in operation.operands || 'sums' in operation.operands || operation.attributes['mask'] === true) return []
      return writtenBefore(other, operation) ? [{ tensor, other, operation }] : []
    })
    return latest(sides)
  }

  private canMask(tensor: DraftTensor, mask: Expression): boolean {
    const operation = tensor.producer
    if (operation === undefined || tensor.pinned || operation.operands['dx'] !== tensor || 'sums' in operation.operands) return false
    if (operation.op !== 'conv_backward' && operation.op !== 'pool_backward' && operation.op !== 'head_backward') return false
    if (operation.attributes['mask'] === true) return false
    const transform = transformOf(mask)
    if (transform === undefined || transform.relu || !transform.whole) return false
    const scale = operation.op === 'conv_backward' ? operation.operands['xScale'] : operation.operands['scale']
    return operation.operands['x'] === transform.x && scale === transform.scale
  }

  private absorbMask(tensor: DraftTensor, mask: Expression, fused: readonly string[]): DraftTensor | undefined {
    if (!this.canMask(tensor, mask)) return undefined
    const operation = tensor.producer as DraftOperation
    operation.fused.push(...fused)
    if (operation.op === 'conv_backward') {
      // A convolution that reads a stored ReLU's output may read it through a ReLU again: max(max(x, 0), 0) = max(x, 0).
      operation.attributes['xRelu'] = true
      operation.attributes['mask'] = true
    } else {
      // These mask by their own transform; with x already activated the transform is the ReLU alone.
      operation.attributes['relu'] = true
    }
    return tensor
  }

  /**
   * Sums over the stored tensor: of its values and of their products with `factor` (itself: squares). Each per group and channel.
   * Once they are taken nobody may change what is stored.
   */
  sums(tensor: DraftTensor, factor: DraftTensor, name: string): DraftTensor {
    const known = this.sumsTaken.get(tensor)?.find((taken) => taken.factor === factor)
    if (known !== undefined) return known.sums
    const channels = tensor.shape[1] as number
    const sums = this.draft.sums(`${name}:sums`, channels)
    const operation = tensor.producer
    const free = operation !== undefined && !('sums' in operation.operands) && this.takesSums(operation, tensor, factor)
    if (free && operation.op === 'pointwise') {
      const stored = (operation.attributes['stores'] as number[])[0] as number
      if (factor === tensor) (operation.attributes['sumTerms'] as number[]).push(stored, -1, stored, stored)
      else PointwiseCode.appendProduct(operation, stored, factor)
    }
    this.draft.write(free ? operation : this.sumsOnly(tensor, factor, name), 'sums', sums)
    tensor.pinned = true
    const taken = this.sumsTaken.get(tensor) ?? []
    taken.push({ factor, sums })
    this.sumsTaken.set(tensor, taken)
    return sums
  }

  private takesSums(operation: DraftOperation, tensor: DraftTensor, factor: DraftTensor): boolean {
    switch (operation.op) {
      case 'conv':
      case 'bn_relu_pool':
        return factor === tensor
      case 'conv_backward':
        return operation.operands['dx'] === tensor && operation.operands['x'] === factor
      case 'pool_backward':
      case 'head_backward':
        return operation.operands['x'] === factor
      case 'pointwise':
        return factor === tensor || writtenBefore(factor, operation)
      default:
        return false
    }
  }

  private sumsOnly(tensor: DraftTensor, factor: DraftTensor, name: string): DraftOperation {
    const code = new PointwiseCode()
    const value = this.expressions.tensor(tensor)
    const register = code.register(value)
    return code.emit(this.draft, `${name}:sums`, [], value, [], [register, -1, register, code.register(this.expressions.tensor(factor))])
  }
}

function writtenBefore(tensor: DraftTensor, operation: DraftOperation): boolean {
  return tensor.producer === undefined || tensor.producer.index < operation.index
}

function latest<T extends { readonly operation: DraftOperation }>(candidates: readonly T[]): T | undefined {
  return candidates.reduce<T | undefined>(
    (best, candidate) => (best === undefined || candidate.operation.index > best.operation.index ? candidate : best),
    undefined,
  )
}
