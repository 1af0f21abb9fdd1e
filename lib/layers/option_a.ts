import { integer, knownKeys } from '../options/values.js'
import type { OptionA } from './layer.js'
import { limits, made } from './value.js'

/** The options of `optionA` are these. */
export interface OptionAOptions {
  /** The number of channels of the output is from those of the input up to 1,000,000. */
  readonly channels: number
  /** Rows and columns that stay are so many pixels apart, from 1 to 1024. @default 1 */
  readonly stride?: number
}

/**
 * Makes the shortcut without parameters of He et al. 2015: it takes every stride-th row and column and appends channels of zeros. ResNet-110 has it in Tables 1
 * and 2 of the paper.
 * @param options - Channels of the output, and stride.
 * @throws ERR_OPTION where an option is unknown or out of range.
 */
export function optionA(options: OptionAOptions): OptionA {
  knownKeys('optionA', options, ['channels', 'stride'])
  const { channels, stride = 1 } = options
  return made({
    kind: 'optionA',
    channels: integer('optionA: channels', channels, 1, limits.channels),
    stride: integer('optionA: stride', stride, 1, limits.kernel),
  })
}
