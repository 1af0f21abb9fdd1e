import { boolean, integer, knownKeys } from '../options/values.js'
import type { AveragePool, GlobalAveragePool, MaxPool, MaxPoolOptions, PoolOptions } from './layer.js'
import { limits, made } from './value.js'

/**
 * Makes a layer that takes the largest value of each window; positions outside the image do not count.
 * @param options - Size, distance and padding of the windows, and how far the last ones reach.
 * @throws ERR_OPTION where an option is unknown or out of range.
 */
export function maxPool(options: MaxPoolOptions): MaxPool {
  const window = checkedWindow('maxPool', options, ['ceil'])
  return made({ kind: 'maxPool', ...window, ...(boolean('maxPool: ceil', options.ceil ?? false) && { ceil: true }) })
}

/**
 * Makes a layer that takes the mean of each window. Positions outside the image count as zeros, as in PyTorch's `AvgPool2d` by default: every sum is divided by
 * kernel * kernel.
 * @param options - Size, distance and padding of the windows.
 * @throws ERR_OPTION where an option is unknown or out of range.
 */
export function averagePool(options: PoolOptions): AveragePool {
  return made({ kind: 'averagePool', ...checkedWindow('averagePool', options) })
}

/** Makes a layer that takes the mean of each channel: an image becomes a vector of features [channels]. */
export function globalAveragePool(): GlobalAveragePool {
  return made({ kind: 'globalAveragePool' })
}

function checkedWindow(what: string, options: PoolOptions, more: readonly string[] = []): Required<PoolOptions> {
  knownKeys(what, options, ['kernel', 'stride', 'padding', ...more])
  const kernel = integer(`${what}: kernel`, options.kernel, 1, limits.kernel)
  const { stride = kernel, padding = 0 } = options
  return {
    kernel,
    stride: integer(`${what}: stride`, stride, 1, limits.kernel),
    padding: integer(`${what}: padding`, padding, 0, Math.floor(kernel / 2)),
  }
}
