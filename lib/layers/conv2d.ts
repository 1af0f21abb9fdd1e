import { boolean, integer, invalid, knownKeys } from '../options/values.js'
import type { Conv2d } from './layer.js'
import { finite, limits, made } from './value.js'

/** The options of `conv2d` are these. */
export interface Conv2dOptions {
  /** The number of channels of the output is from 1 to 1,000,000. */
  readonly channels: number
  /** Rows and columns of the kernel are as many, from 1 to 1024 pixels. */
  readonly kernel: number
  /** The output has every stride-th row and column, from 1 to 1024 pixels apart. @default 1 */
  readonly stride?: number
  /** Zeros are put on every side, from 0 to kernel - 1 pixels. @default floor(kernel / 2), which keeps the size at stride 1 */
  readonly padding?: number
  /** Whether a bias [channels] is added. @default false */
  readonly bias?: boolean
  /** The start value of every bias can be any finite number; it needs `bias: true`. @default 0 */
  readonly biasInit?: number
  /** The start value of every weight is 0 where it is given, as in the last convolution of a branch, so that a unit begins as its shortcut. @default random */
  readonly weightInit?: 0
}

/**
 * Makes a convolution of an image; its weights [channels, in, kernel, kernel] start from N(0, sqrt(2 / (kernel^2 channels))), as He et al. 2015 has them, or at 0.
 * @param options - Channels, kernel, stride, padding and bias.
 * @throws ERR_OPTION where an option is unknown or out of range.
 */
export function conv2d(options: Conv2dOptions): Conv2d {
  knownKeys('conv2d', options, ['channels', 'kernel', 'stride', 'padding', 'bias', 'biasInit', 'weightInit'])
  const kernel = integer('conv2d: kernel', options.kernel, 1, limits.kernel)
  const { channels, stride = 1, padding = Math.floor(kernel / 2), bias = false, biasInit = 0 } = options
  if (!boolean('conv2d: bias', bias) && biasInit !== 0) throw invalid('conv2d: biasInit', '0 where there is no bias', biasInit)
  if (options.weightInit !== undefined && (options.weightInit as unknown) !== 0) throw invalid('conv2d: weightInit', '0 or none', options.weightInit)
  return made({
    kind: 'conv2d',
    channels: integer('conv2d: channels', channels, 1, limits.channels),
    kernel,
    stride: integer('conv2d: stride', stride, 1, limits.kernel),
    padding: integer('conv2d: padding', padding, 0, kernel - 1),
    bias,
    biasInit: finite('conv2d: biasInit', biasInit),
    ...(options.weightInit === 0 && { weightInit: 0 as const }),
  })
}
