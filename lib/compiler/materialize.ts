/**
 * Fusion. An expression whose values are needed in memory is written by the operation that is at it anyway, where that operation's
 * contract can: a convolution adds the residual, its backward pass adds another gradient and masks. What nobody can take becomes an
 * operation `pointwise`. Sums over a stored tensor are likewise taken by whoever writes it.
 */
import { abilities, contracts, type Takers } from '../contracts.js'
import { canTake, type Draft, type DraftOperation, type DraftTensor } from './draft.js'
import { transformOf, wholeTensor, type Expression, type Expressions } from './expression.js'
import { tensorsAt } from './operands.js'
import { appendSums, PointwiseCode } from './pointwise.js'

export class Materializer {
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
    const { channels, height, width } = expression
    const tensor = this.draft.activation(`${name}:${this.draft.phase === 'backward' ? 'd' : 'y'}`, channels, height, width)
    code.emit(this.draft, name, fused, expression, [[register, tensor]], [])
    return tensor
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
      const operation = takerOf(tensor, 'residual')
      if (operation === undefined || tensor === transform.x || !writtenBefore(transform.x, operation)) return []
      if (transform.scale !== undefined && !writtenBefore(transform.scale, operation)) return []
      return [{ tensor, operation, transform }]
    })
    const chosen = latest(sides)
    if (chosen === undefined) return undefined
    const { operation, transform } = chosen
    operation.operands.residual = transform.x
    if (transform.scale !== undefined && transform.bias !== undefined) {
      operation.operands.residualScale = transform.scale
      operation.operands.residualBias = transform.bias
    }
    operation.attributes.residualRelu = transform.relu
    operation.attributes.residualSubsample = transform.access
    operation.fused.push(...fused)
    return chosen.tensor
  }

  /** relu(y [+ t(residual)]), where a convolution writes y and nobody else reads what the ReLU reads. The tensor holds the ReLU's output from then on. */
  absorbRelu(expression: Expression, fused: readonly string[]): DraftTensor | undefined {
    const resolved = this.resolve(expression)
    const tensor = wholeTensor(resolved) ?? this.absorbResidual(resolved, [])
    const operation = tensor && takerOf(tensor, 'relu')
    if (operation === undefined) return undefined
    operation.attributes.relu = true
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
      if (parts === undefined || maskable(parts.tensor, mask) === undefined) return undefined
      parts.operation.operands.add = parts.other
      return this.absorbMask(parts.tensor, mask, fused)
    }
    const parts = this.additionParts(expression)
    if (parts === undefined) return undefined
    parts.operation.operands.add = parts.other
    parts.operation.fused.push(...fused)
    return parts.tensor
  }

  /** da + other, both in memory, da written by a convolution's backward pass that can still take `other` in. */
  private additionParts(expression: Expression): { tensor: DraftTensor; other: DraftTensor; operation: Taker<'add'> } | undefined {
    if (expression.kind !== 'add') return undefined
    const [left, right] = [wholeTensor(expression.left), wholeTensor(expression.right)]
    if (left === undefined || right === undefined) return undefined
    const sides = [
      { tensor: left, other: right },
      { tensor: right, other: left },
    ].flatMap(({ tensor, other }) => {
      const operation = takerOf(tensor, 'add')
      return operation !== undefined && tensor !== other && writtenBefore(other, operation) ? [{ tensor, other, operation }] : []
    })
    return latest(sides)
  }

  private absorbMask(tensor: DraftTensor, mask: Expression, fused: readonly string[]): DraftTensor | undefined {
    const operation = maskable(tensor, mask)
    if (operation === undefined) return undefined
    operation.fused.push(...fused)
    // An operation that reads a stored ReLU's output may read it through a ReLU again: max(max(x, 0), 0) = max(x, 0).
    const attributes: Record<string, number | boolean | number[]> = operation.attributes
    for (const attribute of contracts[operation.op].takes.mask?.sets ?? []) attributes[attribute] = true
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
    const operation = summing(tensor, factor)
    if (operation?.op === 'pointwise') appendSums(operation, factor)
    this.draft.write(operation ?? this.sumsOnly(tensor, factor, name), 'sums', sums)
    tensor.pinned = true
    const taken = this.sumsTaken.get(tensor) ?? []
    taken.push({ factor, sums })
    this.sumsTaken.set(tensor, taken)
    return sums
  }

  private sumsOnly(tensor: DraftTensor, factor: DraftTensor, name: string): DraftOperation<'pointwise'> {
    const code = new PointwiseCode()
    const value = this.expressions.tensor(tensor)
    const register = code.register(value)
    return code.emit(this.draft, `${name}:sums`, [], value, [], [register, -1, register, code.register(this.expressions.tensor(factor))])
  }
}

type Taker<A extends keyof Takers> = Extract<DraftOperation, { op: Takers[A] }>

/**
 * The operation that writes the tensor, if it can take something in there: the tensor is nobody else's yet, and the operation does neither that
 * nor anything that comes after it. A mask may come twice: it is the same one, of what the operation reads.
 */
function takerOf<A extends 'residual' | 'relu' | 'add' | 'mask'>(tensor: DraftTensor, what: A): Taker<A> | undefined {
  const operation = tensor.producer
  if (operation === undefined || tensor.pinned) return undefined
  const into = contracts[operation.op].takes[what]?.into
  if (into === undefined || !tensorsAt<DraftTensor>(operation.operands, into).includes(tensor)) return undefined
  const closed = abilities.slice(abilities.indexOf(what) + (what === 'mask' ? 1 : 0)).some((later) => has(operation, later))
  return !closed && canTake(operation, what) ? operation : undefined
}

/** Whether the operation does this already. */
function has(operation: DraftOperation, what: keyof Takers): boolean {
  switch (what) {
    case 'residual':
      return canTake(operation, what) && operation.operands.residual !== undefined
    case 'relu':
      return canTake(operation, what) && operation.attributes.relu === true
    case 'add':
      return canTake(operation, what) && operation.operands.add !== undefined
    case 'mask': {
      const values: Readonly<Record<string, unknown>> = operation.attributes
      return contracts[operation.op].takes.mask?.sets.every((attribute) => values[attribute] === true) === true
    }
    case 'sums':
      return canTake(operation, what) && operation.operands.sums !== undefined
  }
}

/** The operation that writes the tensor, if it can set it to zero wherever the mask's argument is not positive: it reads that argument itself. */
function maskable(tensor: DraftTensor, mask: Expression): Taker<'mask'> | undefined {
  const operation = takerOf(tensor, 'mask')
  if (operation === undefined) return undefined
  const { reads } = contracts[operation.op]
  const transform = transformOf(mask)
  if (reads === undefined || transform === undefined || transform.relu || !transform.whole) return undefined
  const [scale] = tensorsAt<DraftTensor>(operation.operands, reads.scale)
  return operation.operands.x === transform.x && scale === transform.scale ? operation : undefined
}

/** The operation that writes the tensor, if it can add up its values and their products with `factor`. */
function summing(tensor: DraftTensor, factor: DraftTensor): Taker<'sums'> | undefined {
  const operation = tensor.producer
  if (operation === undefined || !canTake(operation, 'sums') || has(operation, 'sums')) return undefined
  const sums = contracts[operation.op].takes.sums
  if (sums === undefined || !tensorsAt<DraftTensor>(operation.operands, sums.of).includes(tensor)) return undefined
  const multiplies =
    sums.times === '*' ? factor === tensor || writtenBefore(factor, operation) : tensorsAt<DraftTensor>(operation.operands, sums.times).includes(factor)
  return multiplies ? operation : undefined
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
