import { invalid, knownKeys, number } from '../options/values.js'
import type { Dropout } from './layer.js'
import { made } from './value.js'

export interface DropoutOptions {
  /** Probability that a value becomes zero, below 1; the others are multiplied by 1 / (1 - rate). */
  readonly rate: number
}

/** Dropout of single values while training; the identity otherwise. */
export function dropout(options: DropoutOptions): Dropout {
  knownKeys('dropout', options, ['rate'])
  const rate = number('dropout: rate', options.rate, 0, 1)
  if (rate === 1) throw invalid('dropout: rate', 'a number from 0 to below 1', rate)
  return made({ kind: 'dropout', rate })
}
