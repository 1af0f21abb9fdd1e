import { integer, knownKeys } from '../options/values.js'
import type { OptionA } from './layer.js'
import { limits, made } from './value.js'

export interface OptionAOptions {
  /** Channels of the output, at least those of the input. */
  readonly channels: number
  /** @default 1 */
  readonly stride?: number
}

/** He et al. 2015's shortcut without parameters: every stride-th row and column, zero channels appended. */
export function optionA(options: OptionAOptions): OptionA {
  knownKeys('optionA', options, ['channels', 'stride'])
  const { channels, stride = 1 } = options
  return made({
    kind: 'optionA',
    channels: integer('optionA: channels', channels, 1, limits.channels),
    stride: integer('optionA: stride', stride, 1, limits.kernel),
  })
}
