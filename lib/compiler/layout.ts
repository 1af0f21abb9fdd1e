/** Types and layouts that each executor wants, known without loading any of its libraries. */
import { isBf16, type DeviceName, type DType, type Layout, type Precision } from './program.js'
import { PreresnetError } from '../errors.js'

/** Every tensor starts on a cache line. */
export const ALIGNMENT = 64

/** Every arena starts on a page. */
export const PAGE = 4096

const SIZES: Readonly<Record<DType, number>> = { f64: 8, f32: 4, bf16: 2, f16: 2, i32: 4, u8: 1 }

export function sizeOf(dtype: DType): number {
  return SIZES[dtype]
}

export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** Bytes of a tensor; native/core/tensor.h states the same rule and the verifier compares. */
export function storageBytes(dtype: DType, layout: Layout, shape: readonly number[]): number {
  return elements(shape.map((size, axis) => align(size, multiple(layout, shape.length, axis)))) * sizeOf(dtype)
}

/** What a layout rounds one of the sizes up to a multiple of. */
function multiple(layout: Layout, rank: number, axis: number): number {
  switch (layout) {
    case 'plain':
      return 1
    case 'nchw16c':
      return axis === 1 ? 16 : 1
    case 'nhwc8':
      return axis === (rank === 4 ? 1 : rank - 1) ? 8 : 1
    case 'krsc8':
      return axis < 2 ? 8 : 1
  }
}

export function align(size: number, to = ALIGNMENT): number {
  return Math.ceil(size / to) * to
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
  /** What convolutions read as weights and write as their gradients, and the coefficients that they fuse into what they read. */
  readonly weights: DType
  /** Of a convolution's weights, wherever they are. */
  readonly weightLayout: Layout
  /** Of one value a channel. */
  readonly vectorLayout: Layout
}

export function tensorTypes(device: DeviceName, precision: Precision): TensorTypes {
  switch (device) {
    case 'reference':
      if (precision !== 'fp64') throw new PreresnetError('ERR_DEVICE', `device reference: expected precision fp64, got ${precision}`)
      return {
        storage: 'f64',
        activationLayout: 'plain',
        master: 'f64',
        sums: 'f64',
        weights: 'f64',
        weightLayout: 'plain',
        vectorLayout: 'plain',
      }
    case 'cpu':
      if (precision !== 'fp32' && !isBf16(precision)) {
        throw new PreresnetError('ERR_DEVICE', `device cpu: expected precision fp32, bf16 or bf16-native, got ${precision}`)
      }
      return {
        storage: isBf16(precision) ? 'bf16' : 'f32',
        activationLayout: 'nchw16c',
        master: 'f32',
        sums: 'f64',
        weights: 'f32',
        weightLayout: 'plain',
        vectorLayout: 'plain',
      }
    case 'cuda': {
      if (precision === 'fp64' || precision === 'bf16-native') {
        throw new PreresnetError('ERR_DEVICE', `device cuda: expected precision fp32, tf32, bf16 or fp16, got ${precision}`)
      }
      const storage = precision === 'fp16' ? 'f16' : precision === 'bf16' ? 'bf16' : 'f32'
      return { storage, activationLayout: 'nhwc8', master: 'f32', sums: 'f32', weights: storage, weightLayout: 'krsc8', vectorLayout: 'nhwc8' }
    }
  }
}
