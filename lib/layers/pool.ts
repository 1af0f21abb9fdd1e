import { integer, knownKeys } from '../options.js'
import type { AveragePool, GlobalAveragePool, MaxPool } from './layer.js'
import { limits, made } from './value.js'

export interface MaxPoolOptions {
  readonly kernel: number
  /** @default kernel */
  readonly stride?: number
  /** Places outside the image do not count. At most half the kernel. @default 0 */
  readonly padding?: number
}

/** The largest value of each window. */
export function maxPool(options: MaxPoolOptions): MaxPool {
  knownKeys('maxPool', options, ['kernel', 'stride', 'padding'])
  const kernel = integer('maxPool: kernel', options.kernel, 1, limits.kernel)
  const { stride = kernel, padding = 0 } = options
  return made({
    kind: 'maxPool',
    kernel,
    stride: integer('maxPool: stride', stride, 1, limits.kernel),
    padding: integer('maxPool: padding', padding, 0, Math.floor(kernel / 2)),
  })
}

export interface AveragePoolOptions {
  readonly kernel: number
  /** @default kernel */
  readonly stride?: number
  /** Places outside the image count as zeros: every sum is divided by kernel * kernel. At most half the kernel. @default 0 */
  readonly padding?: number
}

/** The mean of each window, as PyTorch's `AvgPool2d` has it with its default `count_include_pad=True`. */
export function averagePool(options: AveragePoolOptions): AveragePool {
  knownKeys('averagePool', options, ['kernel', 'stride', 'padding'])
  const kernel = integer('averagePool: kernel', options.kernel, 1, limits.kernel)
  const { stride = kernel, padding = 0 } = options
  return made({
    kind: 'averagePool',
    kernel,
    stride: integer('averagePool: stride', stride, 1, limits.kernel),
    padding: integer('averagePool: padding', padding, 0, Math.floor(kernel / 2)),
  })
}

/** The mean of each channel: an image becomes a vector of features. */
export function globalAveragePool(): GlobalAveragePool {
  return made({ kind: 'globalAveragePool' })
}
