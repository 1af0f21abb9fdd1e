/**
 * Element-wise expressions over stored tensors and per-channel vectors. Norms, activations, additions, gates and masks are never
 * operations of their own at first: they stay expressions until something needs their values in memory (materialize.ts), and most
 * of them end inside a convolution.
 */
import type { DraftTensor } from './draft.js'

export type Expression = { readonly id: number; readonly channels: number; readonly height: number; readonly width: number } & ExpressionBody

type ExpressionBody =
  /** access s: position (s h, s w), zero past the tensor's channels; -s: position (h / s, w / s) where both divide, else zero, channels past the expression's dropped. */
  | { readonly kind: 'tensor'; readonly tensor: DraftTensor; readonly access: number }
  | { readonly kind: 'constant'; readonly value: number }
  /** x * scale + bias per channel and group of images. */
  | { readonly kind: 'normalize'; readonly x: Expression; readonly scale: DraftTensor; readonly bias: DraftTensor }
  /** a * d + b * x + c per channel and group: the gradient at a norm's input. */
  | { readonly kind: 'normBackward'; readonly d: Expression; readonly x: Expression; readonly a: DraftTensor; readonly b: DraftTensor; readonly c: DraftTensor }
  | { readonly kind: 'add' | 'multiply'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'relu' | 'positive' | 'sigmoid'; readonly value: Expression }
  /** 0 or 1 / (1 - rate), from a counter-based generator; `perImage`: the same for all values of an image. */
  | { readonly kind: 'dropoutMask'; readonly rate: number; readonly stream: number; readonly perImage: boolean }

/** A node of a graph, or its like. */
interface Dropout {
  readonly rate: number
  readonly stream: number
  readonly perImage?: true
}

interface Size {
  readonly channels: number
  readonly height: number
  readonly width: number
}

/** Makes expressions so that equal ones are one object: patterns and stored values are found by identity. */
export class Expressions {
  private readonly interned = new Map<string, Expression>()
  private readonly tensorIds = new Map<DraftTensor, number>()

  tensor(tensor: DraftTensor, access = 1, size?: Size): Expression {
    const [, channels, height, width] = tensor.shape as [number, number, number, number]
    return this.intern(`t${this.idOf(tensor)}@${access}`, size ?? { channels, height, width }, { kind: 'tensor', tensor, access })
  }
  constant(value: number, size: Size): Expression {
    return this.intern(`k${value}`, size, { kind: 'constant', value })
  }
  normalize(x: Expression, scale: DraftTensor, bias: DraftTensor): Expression {
    return this.intern(`n${x.id},${this.idOf(scale)},${this.idOf(bias)}`, x, { kind: 'normalize', x, scale, bias })
  }
  normBackward(d: Expression, x: Expression, a: DraftTensor, b: DraftTensor, c: DraftTensor): Expression {
    return this.intern(`b${d.id},${x.id},${this.idOf(a)},${this.idOf(b)},${this.idOf(c)}`, x, { kind: 'normBackward', d, x, a, b, c })
  }
  add(left: Expression, right: Expression): Expression {
    return this.intern(`+${left.id},${right.id}`, left, { kind: 'add', left, right })
  }
  multiply(left: Expression, right: Expression): Expression {
    return this.intern(`*${left.id},${right.id}`, left, { kind: 'multiply', left, right })
  }
  relu(value: Expression): Expression {
    return this.intern(`r${value.id}`, value, { kind: 'relu', value })
  }
  positive(value: Expression): Expression {
    return this.intern(`p${value.id}`, value, { kind: 'positive', value })
  }
  sigmoid(value: Expression): Expression {
    return this.intern(`s${value.id}`, value, { kind: 'sigmoid', value })
  }
  /** No two dropouts of a network have the same stream. */
  dropoutMask({ rate, stream, perImage }: Dropout, size: Size): Expression {
    return this.intern(`d${rate},${stream}`, size, { kind: 'dropoutMask', rate, stream, perImage: perImage === true })
  }

  /** factor * value + offset. */
  affine(value: Expression, factor: number, offset: number): Expression {
    const scaled = factor === 1 ? value : this.multiply(value, this.constant(factor, value))
    return offset === 0 ? scaled : this.add(scaled, this.constant(offset, value))
  }

  /** The same expression with `replace` applied to every part from the outside in; where it returns something, that part is done. */
  rewrite(expression: Expression, replace: (part: Expression) => Expression | undefined): Expression {
    const replaced = replace(expression)
    if (replaced !== undefined) return replaced
    const inner = (part: Expression): Expression => this.rewrite(part, replace)
    switch (expression.kind) {
      case 'tensor':
      case 'constant':
      case 'dropoutMask':
        return expression
      case 'normalize':
        return this.normalize(inner(expression.x), expression.scale, expression.bias)
      case 'normBackward':
        return this.normBackward(inner(expression.d), inner(expression.x), expression.a, expression.b, expression.c)
      case 'add':
        return this.add(inner(expression.left), inner(expression.right))
      case 'multiply':
        return this.multiply(inner(expression.left), inner(expression.right))
      case 'relu':
        return this.relu(inner(expression.value))
      case 'positive':
        return this.positive(inner(expression.value))
      case 'sigmoid':
        return this.sigmoid(inner(expression.value))
    }
  }

  private intern(key: string, size: Size, body: ExpressionBody): Expression {
    const full = `${key}|${size.channels}x${size.height}x${size.width}`
    let found = this.interned.get(full)
    if (found === undefined) {
      found = { id: this.interned.size, channels: size.channels, height: size.height, width: size.width, ...body }
      this.interned.set(full, found)
    }
    return found
  }
  private idOf(tensor: DraftTensor): number {
    let id = this.tensorIds.get(tensor)
    if (id === undefined) this.tensorIds.set(tensor, (id = this.tensorIds.size))
    return id
  }
}

/** Stored tensors that an expression reads. */
export function tensorsOf(expression: Expression, into = new Set<DraftTensor>()): Set<DraftTensor> {
  switch (expression.kind) {
    case 'tensor':
      into.add(expression.tensor)
      break
    case 'constant':
    case 'dropoutMask':
      break
    case 'normalize':
      tensorsOf(expression.x, into)
      break
    case 'normBackward':
      tensorsOf(expression.d, into)
      tensorsOf(expression.x, into)
      break
    case 'add':
    case 'multiply':
      tensorsOf(expression.left, into)
      tensorsOf(expression.right, into)
      break
    default:
      tensorsOf(expression.value, into)
  }
  return into
}

/** The tensor whose values, all of them and nothing else, the expression stands for. */
export function wholeTensor(expression: Expression): DraftTensor | undefined {
  if (expression.kind !== 'tensor' || expression.access !== 1) return undefined
  return expression.channels === expression.tensor.shape[1] ? expression.tensor : undefined
}

/** What an operand may be read through: [ReLU] [norm] of one stored tensor. */
export interface Transform {
  readonly x: DraftTensor
  readonly access: number
  /** Every position and channel of the tensor, and no others. */
  readonly whole: boolean
  readonly scale?: DraftTensor
  readonly bias?: DraftTensor
  readonly relu: boolean
  /** The argument of the ReLU: what its mask is made of. */
  readonly inner: Expression
}

/** The expression as an operand transform, if it is one. */
export function transformOf(expression: Expression): Transform | undefined {
  const relu = expression.kind === 'relu'
  const inner = relu ? expression.value : expression
  if (inner.kind === 'tensor') return { x: inner.tensor, access: inner.access, whole: wholeTensor(inner) !== undefined, relu, inner }
  if (inner.kind !== 'normalize' || inner.x.kind !== 'tensor') return undefined
  return { x: inner.x.tensor, access: inner.x.access, whole: wholeTensor(inner.x) !== undefined, scale: inner.scale, bias: inner.bias, relu, inner }
}
