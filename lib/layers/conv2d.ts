import { boolean, integer, invalid, knownKeys } from '../options/values.js'
import type { Conv2d } from './layer.js'
import { finite, limits, made } from './value.js'

export interface Conv2dOptions {
  /** Channels of the output. */
  readonly channels: number
  /** Rows and columns of the kernel. */
  readonly kernel: number
  /** @default 1 */
  readonly stride?: number
  /** Zeros on every side. @default floor(kernel / 2), which keeps the size at stride 1 */
  readonly padding?: number
  /** @default false */
  readonly bias?: boolean
  /** Start value of every bias; needs `bias: true`. @default 0 */
  readonly biasInit?: number
}

/** Convolution of an image: [channels, in, kernel, kernel] weights, started from N(0, sqrt(2 / (kernel^2 channels))). */
export function conv2d(options: Conv2dOptions): Conv2d {
  knownKeys('conv2d', options, ['channels', 'kernel', 'stride', 'padding', 'bias', 'biasInit'])
  const kernel = integer('conv2d: kernel', options.kernel, 1, limits.kernel)
  const { channels, stride = 1, padding = Math.floor(kernel / 2), bias = false, biasInit = 0 } = options
  if (!boolean('conv2d: bias', bias) && biasInit !== 0) throw invalid('conv2d: biasInit', '0 where there is no bias', biasInit)
  return made({
    kind: 'conv2d',
    channels: integer('conv2d: channels', channels, 1, limits.channels),
    kernel,
    stride: integer('conv2d: stride', stride, 1, limits.kernel),
    padding: integer('conv2d: padding', padding, 0, kernel - 1),
    bias,
    biasInit: finite('conv2d: biasInit', biasInit),
  })
}
