import { boolean, integer, knownKeys } from '../options/values.js'
import type { Linear } from './layer.js'
import { limits, made } from './value.js'

/** The options of `linear` are these. */
export interface LinearOptions {
  /** The number of features of the output is from 1 to 1,000,000. */
  readonly units: number
  /** Whether a bias [units] is added. @default true */
  readonly bias?: boolean
}

/**
 * Makes a fully connected layer; its weights [units, in] start uniformly in +-1 / sqrt(in), its bias [units] at 0.
 * @param options - How many features it gives, and whether it has a bias.
 * @throws ERR_OPTION where an option is unknown or out of range.
 */
export function linear(options: LinearOptions): Linear {
  knownKeys('linear', options, ['units', 'bias'])
  const { units, bias = true } = options
  return made({
    kind: 'linear',
    units: integer('linear: units', units, 1, limits.channels),
    bias: boolean('linear: bias', bias),
  })
}
