import { integer, knownKeys } from '../options/values.js'
import type { AveragePool, GlobalAveragePool, MaxPool, PoolOptions } from './layer.js'
import { limits, made } from './value.js'

/** The largest value of each window. Positions outside the image do not count. */
export function maxPool(options: PoolOptions): MaxPool {
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

/** The mean of each window. Positions outside the image count as zeros, as in PyTorch's `AvgPool2d` by default: every sum is divided by kernel * kernel. */
export function averagePool(options: PoolOptions): AveragePool {
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
