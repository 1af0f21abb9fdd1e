import { invalid, knownKeys, number } from '../options/values.js'
import type { Dropout } from './layer.js'
import { made } from './value.js'

/** The options of `dropout` are these. */
export interface DropoutOptions {
  /** The probability that a value becomes zero is from 0 to below 1; the others are multiplied by 1 / (1 - rate). */
  readonly rate: number
}

/**
 * Makes dropout of single values while training; otherwise it is the identity.
 * @param options - How probable a zero is.
 * @throws ERR_OPTION where an option is unknown or out of range.
 */
export function dropout(options: DropoutOptions): Dropout {
  knownKeys('dropout', options, ['rate'])
  const rate = number('dropout: rate', options.rate, 0, 1)
  if (rate === 1) throw invalid('dropout: rate', 'a number from 0 to below 1', rate)
  return made({ kind: 'dropout', rate })
}
