/**
 * How far a result may be from the reference: |actual - expected| <= relative * |expected| + absolute * rms + floor, where rms is the root
 * mean square of the expected tensor. All terms always apply: the relative one bounds what is large, the absolute one what canceled, the
 * floor what is so small that its type has fewer digits for it.
 */
import type { OperationName } from '../../lib/contracts.js'
import { isBf16, type DType } from '../../lib/compiler/program.js'
import { dtypeOf, type OperationCase } from './operation.js'
import type { TestExecutor } from './executors.js'

export interface Tolerance {
  readonly relative: number
  readonly absolute: number
  readonly floor?: number
}

/** Sums of products. */
const PRODUCTS: ReadonlySet<OperationName> = new Set(['conv', 'conv_backward', 'conv_backward_data', 'conv_backward_norm', 'conv_backward_weights'])

/** Likewise, of floats on every executor. */
const FLOAT_SUMS: ReadonlySet<OperationName> = new Set(['linear', 'linear_backward'])

/** Half the distance between neighbors, of a value: what one rounding changes at most. */
const ROUNDING: Readonly<Record<DType, number>> = { f64: 2 ** -53, f32: 2 ** -24, bf16: 2 ** -8, f16: 2 ** -11, i32: 0, u8: 0 }

/** Half the distance between the smallest numbers, which are no normal ones. */
const FLOOR: Partial<Record<DType, number>> = { f16: 2 ** -25 }

/** Two orders of the same few thousand additions in double. */
const DOUBLE: Tolerance = { relative: 1e-12, absolute: 1e-12 }

/** 2^-24 a rounding, up to 2,000 additions in any order: 45 roundings' worth where they were added one by one. */
const FLOAT_PRODUCTS: Tolerance = { relative: 3e-6, absolute: 3e-6 }

/** A few roundings of 2^-24, and float's exp; the absolute term for differences of numbers much larger than the result. */
const FLOAT: Tolerance = { relative: 1e-6, absolute: 1e-6 }

/** Winograd's F(4x4, 3x3) in float: its transforms add and subtract multiples of up to 8 of the data, and so of its rounding. */
const WINOGRAD: Tolerance = { relative: 1e-5, absolute: 1e-5 }

/** Integers and bytes are exact. */
const EXACT: Tolerance = { relative: 0, absolute: 0 }

/**
 * On the CPU in bf16. Two factors rounded by up to 2^-9 of their value (uniformly: 0.0016 of the result's rms at one deviation, five
 * deviations for the worst of many thousand elements), then the result's own rounding, up to 2^-8 of it where the rounding of dy comes on top.
 */
const BF16_PRODUCTS: Tolerance = { relative: 2 ** -7, absolute: 2 ** -6 }

export function toleranceOf(executor: TestExecutor, op: OperationName, operand: string, operation: OperationCase): Tolerance {
  if (executor.precision === 'fp64') return DOUBLE
  const dtype = dtypeOf(executor, op, operand.replace(/\.\d+$/, ''))
  if (PRODUCTS.has(op)) return toleranceOfProducts(executor, dtype, operation)
  if (FLOAT_SUMS.has(op)) return FLOAT_PRODUCTS
  return dtype === 'i32' || dtype === 'u8' ? EXACT : stored(dtype, FLOAT)
}

function toleranceOfProducts(executor: TestExecutor, dtype: DType, operation: OperationCase): Tolerance {
  if (executor.device === 'cpu') {
    if (isBf16(executor.precision)) return BF16_PRODUCTS
    return operation.attributes['winograd'] === true ? WINOGRAD : FLOAT_PRODUCTS
  }
  const exact = stored(dtype, FLOAT_PRODUCTS)
  const unit = executor.precision === 'tf32' ? 2 ** -11 : ROUNDING[executor.types.storage]
  // Uniform errors of a factor, or of parts that are added, by up to `unit`: half of it at one deviation, five deviations for the worst of
  // thousands.
  const roundedOnce = { ...exact, absolute: exact.absolute + 2.5 * unit }
  // A gradient that is the sum of a few groups', each of which has been rounded.
  if (addsGroups(executor, operation) && dtype !== 'f32') return { ...roundedOnce, relative: exact.relative + unit }
  // A GPU may fuse the transform's multiplication and addition, so that some of the factors are the next number of their type.
  const uncertain = executor.device === 'cuda' && !executor.emulated && (readsTransformed(operation) || executor.precision === 'tf32')
  return uncertain ? roundedOnce : exact
}

/** conv_backward_weights of several groups. */
const addsGroups = ({ types }: TestExecutor, { inputs, outputs }: OperationCase): boolean => {
  const { xScale } = inputs
  return types.weights !== 'f32' && 'dw' in outputs && xScale !== undefined && 'shape' in xScale && xScale.shape[0]! > 1
}

/** Computed to within `arithmetic`, then rounded to the type that it is stored in. */
function stored(dtype: DType, arithmetic: Tolerance): Tolerance {
  if (dtype === 'f32' || dtype === 'f64') return arithmetic
  return { ...arithmetic, relative: arithmetic.relative + ROUNDING[dtype], floor: FLOOR[dtype] ?? 0 }
}

const readsTransformed = ({ inputs, attributes }: OperationCase): boolean => inputs['xScale'] !== undefined && attributes['xRelu'] === true

/** A convolution of CUDA with more than itself in one launch. */
export const isFused = ({ attributes }: OperationCase): boolean => typeof attributes['tier'] === 'number' && attributes['tier'] > 0

/** Sums over values that are given exactly (the stored result): float products, added in float or double. */
export function sumTolerance(executor: TestExecutor): Tolerance {
  return executor.precision === 'fp64' ? DOUBLE : FLOAT
}
