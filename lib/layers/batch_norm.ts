import { knownKeys, number } from '../options/values.js'
import type { BatchNorm } from './layer.js'
import { finite, made } from './value.js'

/** The options of `batchNorm` are these. */
export interface BatchNormOptions {
  /** What is added to the variance is a positive value, of at least 5e-324. @default 1e-5 */
  readonly epsilon?: number
  /** The share of the new value in running statistics is from 0 to 1, as PyTorch counts. @default 0.1 */
  readonly momentum?: number
  /**
   * The start value of every weight can be any finite number. With 0 in the last norm of a branch a unit begins as its shortcut; before a ReLU it would never learn.
   * @default 1
   */
  readonly weightInit?: number
}

/**
 * Makes a batch normalization of an image's channels; its weight [channels] starts at `weightInit`, its bias [channels] at 0.
 * @param options - What is added to the variance, how fast running statistics follow, and where weights start.
 * @throws ERR_OPTION where an option is unknown or out of range.
 */
export function batchNorm(options: BatchNormOptions = {}): BatchNorm {
  knownKeys('batchNorm', options, ['epsilon', 'momentum', 'weightInit'])
  const { epsilon = 1e-5, momentum = 0.1, weightInit = 1 } = options
  return made({
    kind: 'batchNorm',
    epsilon: number('batchNorm: epsilon', epsilon, Number.MIN_VALUE),
    momentum: number('batchNorm: momentum', momentum, 0, 1),
    ...(finite('batchNorm: weightInit', weightInit) !== 1 && { weightInit }),
  })
}
