/**
 * Which convolutions CUDA has, and in which tiers: 0 plain, 1 precompiled fusions, 2 runtime-compiled ones; whatever else a program needs has
 * operations of its own. And what their factors are rounded to.
 */
import type { OperationName } from '../../lib/contracts.js'
import type { TensorTypes } from '../../lib/compiler/layout.js'
import type { DType, Precision } from '../../lib/compiler/program.js'
import { perChannel } from './per_channel.js'
import type { OperationCase } from './operation.js'
import { roundTo, roundToTf32 } from './rounding.js'
import { at, dim, image, type Values, valuesOf } from './values.js'

type Way = Readonly<Record<string, number>>

/** What of a case matters. */
class Asked {
  constructor(
    private readonly operation: OperationCase,
    readonly types: TensorTypes,
  ) {}
  has(...operands: string[]): boolean {
    return operands.some((operand) => this.operation.inputs[operand] !== undefined || this.operation.outputs[operand] !== undefined)
  }
  is(attribute: string): boolean {
    return this.operation.attributes[attribute] === true
  }
  number(attribute: string, absent: number): number {
    return (this.operation.attributes[attribute] as number | undefined) ?? absent
  }
  shape(operand: string): readonly number[] {
    const value = this.operation.inputs[operand]
    return value !== undefined && 'shape' in value ? value.shape : (this.operation.outputs[operand] as readonly number[])
  }
  /** Scale, bias and ReLU of x: fused together or not at all. */
  get transform(): 'whole' | 'none' | 'partial' {
    if (this.has('xScale') && this.has('xBias') && this.is('xRelu')) return 'whole'
    return this.has('xScale', 'xBias') || this.is('xRelu') ? 'partial' : 'none'
  }
  /** Precompiled fusions are for fp16 and kernels of up to 3 x 3. */
  precompiled(weights: string): boolean {
    return this.types.storage === 'f16' && Math.max(...this.shape(weights).slice(2)) <= 3
  }
  get runtimeCompiled(): boolean {
    return this.types.storage !== 'f32'
  }
}

function conv(asked: Asked): number[] {
  const sameShape = !asked.has('residual') || asked.shape('residual').join() === asked.shape('y').join()
  const ofResidualAdd = asked.has('bias', 'residualScale', 'residualBias') || asked.is('relu') || asked.is('residualRelu') || !sameShape
  // A norm of the result is for inference on the CPU.
  if (ofResidualAdd || asked.has('yScale', 'yBias') || asked.transform === 'partial') return []
  const fused = asked.transform === 'whole' || asked.has('residual', 'sums')
  return [...(fused ? [] : [0]), ...(asked.precompiled('w') && !asked.has('residual') ? [1] : []), ...(fused && asked.runtimeCompiled ? [2] : [])]
}

function conv_backward_data(asked: Asked): number[] {
  const [mask, sums] = [asked.is('mask'), asked.has('sums')]
  if (mask && !(asked.has('xScale') && asked.has('xBias'))) return []
  if (!mask && !sums) return [0]
  return asked.runtimeCompiled && mask === sums && asked.number('stride', 1) === 1 ? [2] : []
}

function conv_backward_weights(asked: Asked): number[] {
  if (asked.transform === 'none') return [0]
  return asked.transform === 'whole' && asked.precompiled('dw') ? [1] : []
}

const convolutions: Partial<Record<OperationName, (asked: Asked) => number[]>> = {
  conv,
  conv_backward_data,
  conv_backward_norm: (asked) => (asked.precompiled('w') && !(asked.has('add') && asked.number('stride', 1) > 1) ? [1] : []),
  conv_backward_weights,
  // Two launches.
  conv_backward: () => [],
  // Not there yet.
  accumulate: () => [],
  all_reduce: () => [],
  all_reduce_begin: () => [],
  all_reduce_sums: () => [],
}

export const waysOnCuda =
  (types: TensorTypes) =>
  (op: OperationName, operation: OperationCase): readonly Way[] =>
    convolutions[op]?.(new Asked(operation, types)).map((tier) => ({ tier })) ?? [{}]

/** Convolutions in the other tiers. */
export const refusalsOnCuda =
  (types: TensorTypes) =>
  (op: OperationName, operation: OperationCase): readonly Way[] => {
    if (op === 'conv_backward' || op === 'accumulate' || op.startsWith('all_reduce')) return [{}]
    const tiers = convolutions[op]?.(new Asked(operation, types))
    return tiers === undefined ? [] : [0, 1, 2].filter((tier) => !tiers.includes(tier)).map((tier) => ({ tier }))
  }

/** A convolution with the factors that it multiplies in the end: t(x) as it is rounded, and operands in tf32. */
export const factorsOnCuda =
  ({ storage }: TensorTypes, precision: Precision) =>
  (op: OperationName, operation: OperationCase): OperationCase => {
    if (convolutions[op] === undefined) return operation
    const seen = op !== 'conv_backward_data' && operation.attributes['xRelu'] === true ? transformed(operation, storage) : operation
    return precision === 'tf32' ? inTf32(seen) : seen
  }

/** In float, as a kernel does it, then rounded to the storage type. */
function transformed(operation: OperationCase, storage: DType): OperationCase {
  const { x, xScale, xBias, ...inputs } = operation.inputs as Record<string, Values>
  const images = dim(x!, 0)
  const seen = image(x!.shape, (n, c, h, w) => {
    const scaled = Math.fround(perChannel(xScale, n, images, c, 1) * at(x!, n, c, h, w))
    return roundTo(storage, Math.max(Math.fround(scaled + perChannel(xBias, n, images, c, 0)), 0))
  })
  return { ...operation, inputs: { ...inputs, x: seen }, attributes: { ...operation.attributes, xRelu: false } }
}

function inTf32(operation: OperationCase): OperationCase {
  const inputs = Object.entries(operation.inputs as Record<string, Values>).map(([operand, { shape, data }]) => [
    operand,
    ['x', 'w', 'dy'].includes(operand) ? valuesOf(shape, (index) => roundToTf32(data[index]!)) : { shape, data },
  ])
  return { ...operation, inputs: Object.fromEntries(inputs) as Record<string, Values> }
}
