import { integer, knownKeys } from '../options/values.js'
import type { Sequential } from './layer.js'
import { linear } from './linear.js'
import { named } from './naming.js'
import { globalAveragePool } from './pool.js'
import { limits } from './value.js'

export interface ClassifierHeadOptions {
  readonly classes: number
}

/** Global average pooling and a linear layer, `fc.weight` and `fc.bias`. */
export function classifierHead(options: ClassifierHeadOptions): Sequential {
  knownKeys('classifierHead', options, ['classes'])
  const units = integer('classifierHead: classes', options.classes, 1, limits.channels)
  return named('classifierHead', [
    ['pool', globalAveragePool()],
    ['fc', linear({ units })],
  ])
}
