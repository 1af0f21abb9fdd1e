/**
 * Residual networks of He et al. 2016 (arXiv 1603.05027) and, with `unit: 'original'`, of He et al. 2015 (arXiv 1512.03385).
 *
 * CIFAR: 3x3 convolution with 16 channels, three stages, classifier. ImageNet: 7x7 convolution with stride 2, norm, ReLU, max-pool,
 * four stages, classifier. A stage after the first begins with stride 2.
 *
 * Where it departs from what was released in 2016:
 * - A bottleneck strides on its 3x3 convolution, as later re-implementations do; `strideOn: 'conv1'` is the released network.
 * - Linear weights start uniform in +-1 / sqrt(in).
 */
import { PreresnetError } from '../errors.js'
import { knownKeys, nearest } from '../options/values.js'
import { batchNorm, classifierHead, conv2d, maxPool, network, relu, repeat, sequential } from '../layers/index.js'
import type { Layer, LayerLike, NamedLayer, Network, Residual } from '../layers/index.js'
import { type ModelName, modelNames } from './names.js'
import type { PreResNetDescription, PreResNetOptions } from './description.js'
import { complete, type Complete, optionKeys } from './options.js'
import { unitFunctions, type UnitShape } from './units.js'
import { passedBy, startingAsShortcut } from './variations.js'

/**
 * Makes a network of the paper by its name, with the units of Fig. 4e (CIFAR in Section 4 and Table 3, ImageNet in Table 5).
 * @param name - One of the keys of `modelNames`.
 * @param options - What is changed in it: classes, input size, units and more.
 * @throws ERR_OPTION where there is no such network, or an option is unknown, out of range or would change nothing.
 * @example preResNet('preresnet-164', { classes: 10 })
 */
export function preResNet(name: ModelName, options?: PreResNetOptions): Network
/**
 * Makes a network that is said in full, with any unit of Tables 1 and 2.
 * @param description - Its family, depth or units, and what is to differ from the paper's.
 * @throws ERR_OPTION where an option is unknown, out of range or would change nothing.
 * @example preResNet({ family: 'cifar', depth: 110, unit: 'exclusive-gating', gateBias: -6, classes: 10 })
 */
export function preResNet(description: PreResNetDescription): Network
export function preResNet(what: ModelName | PreResNetDescription, options: PreResNetOptions = {}): Network {
  if (typeof what !== 'string') return build(complete(what))
  knownKeys(`preResNet(${JSON.stringify(what)})`, options, optionKeys)
  return build(complete({ ...described(what), ...options }))
}

/**
 * Says whether a network has this name.
 * @param name - Any string.
 */
export function isModelName(name: string): name is ModelName {
  return Object.hasOwn(modelNames, name)
}

function described(name: string): PreResNetDescription {
  if (isModelName(name)) return modelNames[name]
  const names = Object.keys(modelNames)
  const near = nearest(name, names)
  throw new PreresnetError(
    'ERR_OPTION',
    `no network is called ${JSON.stringify(name)}; ${near === undefined ? `known: ${names.join(', ')}` : `did you mean ${JSON.stringify(near)}?`}`,
  )
}

function build(options: Complete): Network {
  return network({
    name: networkName(options),
    input: options.input,
    layers: { stem: stem(options), stages: stages(options), ...ending(options), head: classifierHead({ classes: options.classes }) },
  })
}

/** `preresnet-164`; `resnet-110` for the original, `resnet-110-exclusive-gating` for a variant. */
function networkName({ unit, depth }: Complete): string {
  if (unit === 'pre-activation') return `preresnet-${depth}`
  return unit === 'original' ? `resnet-${depth}` : `resnet-${depth}-${unit}`
}

/** A CIFAR network of pre-activation units leaves the first activation to its first unit. */
function stem({ family, unit }: Complete): LayerLike {
  if (family === 'imagenet') {
    return { conv: conv2d({ channels: 64, kernel: 7, stride: 2 }), norm: batchNorm(), relu: relu(), pool: maxPool({ kernel: 3, stride: 2, padding: 1 }) }
  }
  const conv = conv2d({ channels: 16, kernel: 3 })
  if (unit === 'pre-activation') return { conv }
  return unit === 'relu-only-preactivation' ? { conv, norm: batchNorm() } : { conv, norm: batchNorm(), relu: relu() }
}

function stages(options: Complete): Layer {
  const inputs = [options.family === 'imagenet' ? 64 : 16, ...options.widths]
  const before = (stage: number): number => options.units.slice(0, stage).reduce((sum, count) => sum + count, 0)
  const last = before(options.units.length) - 1
  const rate = (unit: number): number => (last === 0 ? 0 : (options.stochasticDepth * unit) / last)
  return sequential(
    options.units.map((count, index): NamedLayer => [
      String(index),
      { blocks: blocks(options, count, index, inputs[index]!, (unit) => rate(before(index) + unit)) },
    ]),
  )
}

/** The first unit may change the shape; the others are equal but for the rate at which images pass them by. */
function blocks(options: Complete, count: number, stage: number, inputs: number, rateOf: (unit: number) => number): Layer {
  const { block, family, shortcut, strideOn, gateBias, factor, dropoutRate: rate, unit } = options
  const channels = options.widths[stage]!
  const later: UnitShape = { inputs: channels, channels, stride: 1, block, shortcut, strideOn, first: 'no', gateBias, factor, rate }
  const special = family === 'imagenet' ? 'activated' : 'shared'
  const first: UnitShape = { ...later, inputs, stride: stage === 0 ? 1 : 2, first: stage === 0 ? special : 'no' }
  const make = (shape: UnitShape): Residual => (options.zeroInit ? startingAsShortcut(unitFunctions[unit](shape)) : unitFunctions[unit](shape))
  if (options.stochasticDepth > 0)
    return sequential(Array.from({ length: count }, (_, index): NamedLayer => [String(index), passedBy(make(index === 0 ? first : later), rateOf(index))]))
  const children: NamedLayer[] = [['0', make(first)]]
  if (count > 1) children.push(['', repeat(count - 1, make(later), { from: 1 })])
  return sequential(children)
}

/** The activation after the last addition, where units activate first. */
function ending({ unit }: Complete): { readonly [name: string]: LayerLike } {
  if (unit === 'pre-activation') return { norm: [batchNorm(), relu()] }
  return unit === 'relu-only-preactivation' ? { relu: relu() } : {}
}
