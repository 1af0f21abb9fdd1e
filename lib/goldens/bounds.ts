/** How far a result may be from PyTorch's float64, per tensor: ||got - want|| / ||want||. */
import type { ConvolutionChoice } from '../compiler/options.js'
import type { Precision } from '../compiler/program.js'

export type CaseKind = 'unit' | 'net'

export interface Arithmetic {
  readonly precision: Precision
  readonly convolution: ConvolutionChoice
}

/** Of the reference's doubles, of fp32 with direct convolutions, and of fp32 where Winograd's algorithm is allowed. */
const exact = {
  fp64: { unit: 1e-6, net: 1e-6 },
  fp32: { unit: 1e-5, net: 1e-4 },
  winograd: { unit: 3e-5, net: 3e-4 },
} as const

/** What the median over all tensors of (error / PyTorch's error) may be in low precision. */
export const medianBound = 1.5

/** Whether PyTorch's own error in bf16 is the measure. fp16 and tf32 have three bits more, so the same bounds hold with room. */
export function isLow(precision: Precision): precision is Exclude<Precision, 'fp64' | 'fp32'> {
  return precision !== 'fp64' && precision !== 'fp32'
}

const forward = new Set(['y', 'y_eval', 'logits', 'logits_eval'])

/**
 * The bound of one tensor; null where only the median over all tensors counts. In low precision single ReLUs flip, in anybody's
 * arithmetic: forward results are bounded by multiples of what PyTorch's autocast (`pytorch`) misses, gradients of networks by the median.
 */
export function bound({ precision, convolution }: Arithmetic, kind: CaseKind, tensor: string, pytorch: number): number | null {
  if (!isLow(precision)) return exact[precision === 'fp32' && convolution === 'auto' ? 'winograd' : precision][kind]
  if (forward.has(tensor)) return 3 * pytorch
  if (tensor === 'losses') return Math.max(3 * pytorch, 1e-2)
  return kind === 'unit' ? 0.4 : null
}

/** ||got - want|| / ||want||; NaN or infinite where `got` is not finite. */
export function relativeError(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let difference = 0
  let size = 0
  for (let index = 0; index < want.length; index++) {
    difference += (got[index]! - want[index]!) ** 2
    size += want[index]! ** 2
  }
  return Math.sqrt(difference) / Math.max(Math.sqrt(size), 1e-30)
}

/** The middle of the sorted values (the mean of the middle two); NaN if there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
