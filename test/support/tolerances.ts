/**
 * How far a result may be from the reference: |actual - expected| <= relative * |expected| + absolute * rms, where rms is the root mean
 * square of the expected tensor. Both terms always apply: the relative one bounds what is large, the absolute one what cancelled.
 */
import type { OperationName } from '../../lib/compiler/contracts.js'
import type { DType, Precision } from '../../lib/compiler/program.js'
import { dtypeOf, type OperationCase } from './operation.js'
import type { TestExecutor } from './executors.js'

export interface Tolerance {
  readonly relative: number
  readonly absolute: number
}

/** Sums of products whose factors are rounded to the storage type first. */
const PRODUCTS: ReadonlySet<OperationName> = new Set(['conv', 'conv_backward', 'conv_backward_data', 'conv_backward_weights'])

const BF16 = {
  // Two factors rounded by up to 2^-9 of their value (uniformly: 0.0016 of the result's rms at one deviation, five deviations for the worst of
  // many thousand elements), then the result's own rounding, up to 2^-8 of it where the rounding of dy comes on top.
  products: { relative: 2 ** -7, absolute: 2 ** -6 },
  // Arithmetic in float, one rounding to 8 bits.
  elementwise: { bf16: { relative: 2 ** -8, absolute: 1e-6 }, f32: { relative: 1e-6, absolute: 1e-6 }, f64: { relative: 1e-6, absolute: 1e-6 } },
} as const

const BY_PRECISION: Readonly<Record<Precision, { readonly products: Tolerance; readonly elementwise: Partial<Record<DType, Tolerance>> }>> = {
  // Two orders of the same few thousand additions in double.
  fp64: { products: { relative: 1e-12, absolute: 1e-12 }, elementwise: { f64: { relative: 1e-12, absolute: 1e-12 } } },
  fp32: {
    // 2^-24 a rounding, up to 2,000 additions in any order: 45 roundings' worth where they were added one by one.
    products: { relative: 3e-6, absolute: 3e-6 },
    // A few roundings of 2^-24, and float's exp; the absolute term for differences of numbers much larger than the result.
    elementwise: { f32: { relative: 1e-6, absolute: 1e-6 }, f64: { relative: 1e-6, absolute: 1e-6 } },
  },
  bf16: BF16,
  'bf16-native': BF16,
}

/** Winograd's F(4x4, 3x3) in float: its transforms add and subtract multiples of up to 8 of the data, and so of its rounding. */
const WINOGRAD: Tolerance = { relative: 1e-5, absolute: 1e-5 }

/** Integers and bytes are exact. */
const EXACT: Tolerance = { relative: 0, absolute: 0 }

export function toleranceOf(executor: TestExecutor, op: OperationName, operand: string, attributes: OperationCase['attributes']): Tolerance {
  const table = BY_PRECISION[executor.precision]
  if (attributes['winograd'] === true && executor.precision === 'fp32') return WINOGRAD
  if (PRODUCTS.has(op)) return table.products
  return table.elementwise[dtypeOf(executor, op, operand.replace(/\.\d+$/, ''))] ?? EXACT
}

/** Sums over values that are given exactly (the stored result): float products, added in float or double. */
export function sumTolerance(executor: TestExecutor): Tolerance {
  return executor.precision === 'fp64' ? { relative: 1e-12, absolute: 1e-12 } : { relative: 1e-6, absolute: 1e-6 }
}
