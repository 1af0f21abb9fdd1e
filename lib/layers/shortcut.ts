/** Shortcuts: the h of y = h(x) + F(x), He et al. 2016, Fig. 2. A bare layer (`optionA({...})`, `dropout({...})`) is a shortcut too. */
import { boolean, integer, knownKeys, oneOf } from '../options/values.js'
import { conv2d } from './conv2d.js'
import { batchNorm } from './batch_norm.js'
import { dropout } from './dropout.js'
import type { Conv2d, LayerLike, Shortcut } from './layer.js'
import { named, sequenceUnderName } from './naming.js'
import { scale } from './scale.js'
import { finite, isShortcut, limits, made } from './value.js'

/** Whatever can stand for a shortcut: one of Fig. 2, or layers, whose names are under `downsample`. */
export type ShortcutLike = Shortcut | LayerLike

/** Makes the shortcut that gives x itself: the signal has free passage in both directions (Section 2, Fig. 2a). */
export function identity(): Shortcut {
  return made({ kind: 'identity' })
}

/**
 * Makes a shortcut of any layers, such as those of Fig. 2; parameter names are under `downsample`.
 * @param layers - What acts on the shortcut.
 * @throws ERR_OPTION where something is no layer.
 */
export function layersShortcut(layers: LayerLike): Shortcut {
  return made({ kind: 'layers', layers: sequenceUnderName('shortcut', layers) })
}

/** The options of `projection` are these. */
export interface ProjectionOptions {
  /** The number of channels of the output is from 1 to 1,000,000. */
  readonly channels: number
  /** The output has every stride-th row and column, from 1 to 1024 pixels apart. @default 1 */
  readonly stride?: number
  /** Whether a batch norm stands behind the convolution, as post-activation units have it. @default false */
  readonly norm?: boolean
}

/**
 * Makes a 1x1 convolution on the shortcut, `downsample.conv`, and with `norm` `downsample.norm` (Section 3.1, Fig. 2e).
 * @param options - Channels, stride, and whether a norm follows.
 * @throws ERR_OPTION where an option is unknown or out of range.
 */
export function projection(options: ProjectionOptions): Shortcut {
  knownKeys('projection', options, ['channels', 'stride', 'norm'])
  const { channels, stride = 1, norm = false } = options
  integer('projection: channels', channels, 1, limits.channels)
  integer('projection: stride', stride, 1, limits.kernel)
  const conv: readonly [string, Conv2d] = ['conv', conv2d({ channels, kernel: 1, stride })]
  return layersShortcut(named('projection', boolean('projection: norm', norm) ? [conv, ['norm', batchNorm()]] : [conv]))
}

/** The options of `constantScaling` are these. */
export interface ConstantScalingOptions {
  /** The factor can be any finite number; 0 makes a plain network. */
  readonly factor: number
}

/**
 * Makes a shortcut that multiplies x by a constant (Section 3.1, Fig. 2b). `branchScale` of the unit scales the branch.
 * @param options - What x is multiplied by.
 * @throws ERR_OPTION where the factor is no finite number.
 */
export function constantScaling(options: ConstantScalingOptions): Shortcut {
  knownKeys('constantScaling', options, ['factor'])
  return layersShortcut(scale({ factor: finite('constantScaling: factor', options.factor) }))
}

/** The options of `dropoutShortcut` are these. */
export interface DropoutShortcutOptions {
  /** The probability that a value of the shortcut becomes zero is from 0 to below 1. */
  readonly rate: number
}

/**
 * Makes dropout on the shortcut (Section 3.1, Fig. 2f); Table 1 has it with a rate of 0.5.
 * @param options - How probable a zero is.
 * @throws ERR_OPTION where the rate is out of range.
 */
export function dropoutShortcut(options: DropoutShortcutOptions): Shortcut {
  knownKeys('dropoutShortcut', options, ['rate'])
  return layersShortcut(dropout({ rate: options.rate }))
}

/** The options of `gate` are these. */
export interface GateOptions {
  /** With 'exclusive' the unit computes (1 - g) x + g F (Fig. 2c), with 'shortcut-only' (1 - g) x + F (Fig. 2d). */
  readonly kind: 'exclusive' | 'shortcut-only'
  /**
   * The start value of the gate's bias can be any finite number; the lower it is, the nearer the shortcut is to the identity. Table 1 has 0 to -7.
   * @default 0
   */
  readonly biasInit?: number
}

/**
 * Makes a gate g = sigmoid(conv1x1(x) + b) of a unit that keeps its shape (Section 3.1, Fig. 2c and 2d); its parameters are `gate.weight` and `gate.bias`.
 * @param options - Which paths the gate acts on, and how its bias starts.
 * @throws ERR_OPTION where an option is unknown or out of range.
 */
export function gate(options: GateOptions): Shortcut {
  knownKeys('gate', options, ['kind', 'biasInit'])
  const { kind, biasInit = 0 } = options
  return made({
    kind: 'gate',
    /**
     * Makes a gate g = sigmoid(conv1x1(x) + b) of a unit that keeps its shape (Section 3.1, Fig. 2c and 2d); its parameters are `gate.weight` and `gate.bias`.
     * @param options - Which paths the gate acts on, and how its bias starts.
     * @throws ERR_OPTION where an option is unknown or out of range.
     */
    gate: oneOf('gate: kind', kind, ['exclusive', 'shortcut-only']),
    biasInit: finite('gate: biasInit', biasInit),
  })
}

export function asShortcut(like: ShortcutLike): Shortcut {
  return isShortcut(like) ? like : layersShortcut(like)
}
