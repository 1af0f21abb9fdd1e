/** Types and layouts that each executor wants, known without loading any of its libraries. */
import { isBf16, type DeviceName, type DType, type Layout, type Precision } from './program.js'
import { PreresnetError } from '../errors.js'

/** Every tensor starts on a cache line. */
export const ALIGNMENT = 64

const SIZES: Readonly<Record<DType, number>> = { f64: 8, f32: 4, bf16: 2, f16: 2, i32: 4, u8: 1 }

export function sizeOf(dtype: DType): number {
  return SIZES[dtype]
}

export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** Bytes of a tensor; native/core/tensor.h states the same rule and the verifier compares. */
export function storageBytes(dtype: DType, layout: Layout, shape: readonly number[]): number {
  if (layout === 'plain') return elements(shape) * sizeOf(dtype)
  const [n, c, h, w] = shape as [number, number, number, number]
  return n * Math.ceil(c / 16) * 16 * h * w * sizeOf(dtype)
}

export function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT
}

/** What a program's tensors are made of on one device. */
export interface TensorTypes {
  /** Images and feature maps, and their gradients. */
  readonly storage: DType
  readonly activationLayout: Layout
  /** Parameters, their gradients and velocity, per-channel coefficients, features and logits. */
  readonly master: DType
  /** Sums over images, and metrics. */
  readonly sums: DType
}

export function tensorTypes(device: DeviceName, precision: Precision): TensorTypes {
  if (device === 'reference') {
    if (precision !== 'fp64') throw new PreresnetError('ERR_DEVICE', `device reference: expected precision fp64, got ${precision}`)
    return { storage: 'f64', activationLayout: 'plain', master: 'f64', sums: 'f64' }
  }
  if (precision === 'fp64') throw new PreresnetError('ERR_DEVICE', 'device cpu: expected precision fp32, bf16 or bf16-native, got fp64')
  return { storage: isBf16(precision) ? 'bf16' : 'f32', activationLayout: 'nchw16c', master: 'f32', sums: 'f64' }
}
