import { knownKeys, oneOf } from '../options/values.js'
import type { Dropout } from './layer.js'
import { dropRate, made } from './value.js'

/** The options of `dropout` are these. */
export interface DropoutOptions {
  /** The probability that a value becomes zero is from 0 to below 1; the others are multiplied by 1 / (1 - rate). */
  readonly rate: number
  /**
   * With 'image' all values of an image become zero together. As the last layer of a unit's branch that is stochastic depth (Huang et al. 2016): the image goes
   * through the shortcut alone.
   * @default 'value'
   */
  readonly of?: 'value' | 'image'
}

/**
 * Makes dropout of single values, or of whole images, while training; otherwise it is the identity.
 * @param options - How probable a zero is, and of what.
 * @throws ERR_OPTION where an option is unknown or out of range.
 */
export function dropout(options: DropoutOptions): Dropout {
  knownKeys('dropout', options, ['rate', 'of'])
  const rate = dropRate('dropout: rate', options.rate)
  const of = oneOf('dropout: of', options.of ?? 'value', ['value', 'image'])
  return made({ kind: 'dropout', rate, ...(of === 'image' && { of }) })
}
