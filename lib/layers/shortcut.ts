/** Shortcuts: the h of y = h(x) + F(x), He et al. 2016, Fig. 2. A bare layer (`optionA({...})`, `dropout({...})`) is a shortcut too. */
import { boolean, integer, knownKeys, oneOf } from '../options/values.js'
import { conv2d } from './conv2d.js'
import { batchNorm } from './batch_norm.js'
import { dropout } from './dropout.js'
import type { Conv2d, LayerLike, Shortcut } from './layer.js'
import { named, sequenceUnderName } from './naming.js'
import { scale } from './scale.js'
import { finite, isShortcut, limits, made } from './value.js'

/** Whatever stands for a shortcut. Names of layers are under `downsample`. */
export type ShortcutLike = Shortcut | LayerLike

/** x itself: free passage for the signal in both directions. */
export function identity(): Shortcut {
  return made({ kind: 'identity' })
}

/** Any layers; parameter names are under `downsample`. */
export function layersShortcut(layers: LayerLike): Shortcut {
  return made({ kind: 'layers', layers: sequenceUnderName('shortcut', layers) })
}

export interface ProjectionOptions {
  /** Channels of the output. */
  readonly channels: number
  /** @default 1 */
  readonly stride?: number
  /** A batch norm behind the convolution, as post-activation units have it. @default false */
  readonly norm?: boolean
}

/** 1x1 convolution, `downsample.conv` [and `downsample.norm`]. */
export function projection(options: ProjectionOptions): Shortcut {
  knownKeys('projection', options, ['channels', 'stride', 'norm'])
  const { channels, stride = 1, norm = false } = options
  integer('projection: channels', channels, 1, limits.channels)
  integer('projection: stride', stride, 1, limits.kernel)
  const conv: readonly [string, Conv2d] = ['conv', conv2d({ channels, kernel: 1, stride })]
  return layersShortcut(named('projection', boolean('projection: norm', norm) ? [conv, ['norm', batchNorm()]] : [conv]))
}

export interface ConstantScalingOptions {
  /** 0 makes a plain network. */
  readonly factor: number
}

/** x times a constant (Fig. 2b). `branchScale` of the unit scales the branch. */
export function constantScaling(options: ConstantScalingOptions): Shortcut {
  knownKeys('constantScaling', options, ['factor'])
  return layersShortcut(scale({ factor: finite('constantScaling: factor', options.factor) }))
}

export interface DropoutShortcutOptions {
  /** Probability that a value of the shortcut becomes zero. */
  readonly rate: number
}

/** Dropout on the shortcut (Fig. 2f). */
export function dropoutShortcut(options: DropoutShortcutOptions): Shortcut {
  knownKeys('dropoutShortcut', options, ['rate'])
  return layersShortcut(dropout({ rate: options.rate }))
}

export interface GateOptions {
  /** 'exclusive': (1 - g) x + g F (Fig. 2c); 'shortcut-only': (1 - g) x + F (Fig. 2d). */
  readonly kind: 'exclusive' | 'shortcut-only'
  /** Start value of the gate's bias; the lower, the nearer the shortcut is to the identity. @default 0 */
  readonly biasInit?: number
}

/** A gate g = sigmoid(conv1x1(x) + b) of a unit that keeps its shape; `gate.weight` and `gate.bias`. */
export function gate(options: GateOptions): Shortcut {
  knownKeys('gate', options, ['kind', 'biasInit'])
  const { kind, biasInit = 0 } = options
  return made({
    kind: 'gate',
    gate: oneOf('gate: kind', kind, ['exclusive', 'shortcut-only']),
    biasInit: finite('gate: biasInit', biasInit),
  })
}

export function asShortcut(like: ShortcutLike): Shortcut {
  return isShortcut(like) ? like : layersShortcut(like)
}
