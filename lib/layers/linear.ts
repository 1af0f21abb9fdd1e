import { boolean, integer, knownKeys } from '../options/values.js'
import type { Linear } from './layer.js'
import { limits, made } from './value.js'

export interface LinearOptions {
  /** Features of the output. */
  readonly units: number
  /** @default true */
  readonly bias?: boolean
}

/** Fully connected layer: [units, in] weights, started uniformly in +-1 / sqrt(in); bias 0. */
export function linear(options: LinearOptions): Linear {
  knownKeys('linear', options, ['units', 'bias'])
  const { units, bias = true } = options
  return made({
    kind: 'linear',
    units: integer('linear: units', units, 1, limits.channels),
    bias: boolean('linear: bias', bias),
  })
}
