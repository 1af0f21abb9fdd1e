import { knownKeys, number } from '../options/values.js'
import type { BatchNorm } from './layer.js'
import { made } from './value.js'

export interface BatchNormOptions {
  /** Added to the variance. @default 1e-5 */
  readonly epsilon?: number
  /** Share of the new value in running statistics, as PyTorch counts. @default 0.1 */
  readonly momentum?: number
}

/** Batch normalization of an image's channels; weight starts at 1, bias at 0. */
export function batchNorm(options: BatchNormOptions = {}): BatchNorm {
  knownKeys('batchNorm', options, ['epsilon', 'momentum'])
  const { epsilon = 1e-5, momentum = 0.1 } = options
  return made({
    kind: 'batchNorm',
    epsilon: number('batchNorm: epsilon', epsilon, Number.MIN_VALUE),
    momentum: number('batchNorm: momentum', momentum, 0, 1),
  })
}
