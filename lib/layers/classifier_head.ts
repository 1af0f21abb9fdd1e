import { integer, knownKeys } from '../options/values.js'
import type { Sequential } from './layer.js'
import { linear } from './linear.js'
import { named } from './naming.js'
import { globalAveragePool } from './pool.js'
import { limits } from './value.js'

/** The options of `classifierHead` are these. */
export interface ClassifierHeadOptions {
  /** The number of classes, and so of outputs, is from 1 to 1,000,000. */
  readonly classes: number
}

/**
 * Makes global average pooling and a linear layer, whose parameters are `fc.weight` [classes, features] and `fc.bias` [classes].
 * @param options - How many classes there are.
 * @throws ERR_OPTION where an option is unknown or out of range.
 */
export function classifierHead(options: ClassifierHeadOptions): Sequential {
  knownKeys('classifierHead', options, ['classes'])
  const units = integer('classifierHead: classes', options.classes, 1, limits.channels)
  return named('classifierHead', [
    ['pool', globalAveragePool()],
    ['fc', linear({ units })],
  ])
}
