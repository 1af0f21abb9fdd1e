/** The networks of timm and torchvision that have a counterpart here, and what they call the tensors that we call `stages.0.blocks.1.conv1.weight`. */
import { PreresnetError } from '../errors.js'
import type { SafetensorsTensor } from '../formats/safetensors.js'
import { batchNorm, classifierHead, conv2d, maxPool, network, relu, repeat, sequential } from '../layers/index.js'
import type { Layer, NamedLayer, Network } from '../layers/index.js'
import { preResNet } from '../models/index.js'
import { depthOf } from '../models/depth.js'
import { unitFunctions } from '../models/units.js'

/** Who wrote the names of a file. */
export const libraries = ['timm', 'torchvision'] as const
export type Library = (typeof libraries)[number]

/** What tells one network of a family from another; everything else is the family's. */
export interface Structure {
  readonly block: 'basic' | 'bottleneck'
  /** Units of each stage. */
  readonly units: readonly number[]
  /** Output channels of each stage. */
  readonly widths: readonly number[]
  readonly classes: number
  readonly input: Network['input']
}

export interface Family {
  /** As errors say it. */
  readonly title: string
  /** Stage and unit in a foreign name; the first stage has the number `firstStage`. */
  readonly unit: RegExp
  readonly firstStage: number
  /** The foreign name of a tensor. */
  readonly foreign: (name: string) => string
  /** The foreign shape of a tensor, where it is another. */
  readonly foreignShape: (name: string, shape: readonly number[]) => readonly number[]
  readonly build: (structure: Structure) => Network
  /** For export alone: the same network in our form, whose values another form of the library's takes. */
  readonly ours?: (tensors: Tensors) => Tensors
}

/** Values by our names. */
export type Tensors = ReadonlyMap<string, SafetensorsTensor>

/** timm's and torchvision's `resnet*`: He et al. 2015, the stride on a bottleneck's 3x3 convolution. */
const original: Family = {
  title: 'resnet*',
  unit: /^layer(\d{1,4})\.(\d{1,4})\./,
  firstStage: 1,
  foreign: (name) =>
    name
      .replace(/^stem\.conv\./, 'conv1.')
      .replace(/^stem\.norm\./, 'bn1.')
      .replace(/^head\.fc\./, 'fc.')
      .replace(/^stages\.(\d+)\.blocks\./, (_, stage: string) => `layer${Number(stage) + 1}.`)
      .replace('.downsample.conv.', '.downsample.0.')
      .replace('.downsample.norm.', '.downsample.1.')
      .replace(/\.norm(\d)\./, '.bn$1.'),
  foreignShape: (_, shape) => shape,
  build: (structure) => preResNet({ family: 'imagenet', unit: 'original', ...structure }),
}

/** timm's `resnetv2_*` with batch normalization and the plain stem: every unit, the first too, activates its input. Names are ours. */
const preActivation: Family = {
  title: 'resnetv2_* with batch normalization and the plain stem',
  unit: /^stages\.(\d{1,4})\.blocks\.(\d{1,4})\./,
  firstStage: 0,
  foreign: (name) => name,
  // Its classifier is a convolution.
  foreignShape: (name, shape) => (name === 'head.fc.weight' ? [...shape, 1, 1] : shape),
  build: (structure) =>
    network({
      name: `resnetv2-${depthOf(structure.units, structure.block)}`,
      input: structure.input,
      layers: {
        stem: { conv: conv2d({ channels: stemChannels, kernel: 7, stride: 2 }), pool: maxPool({ kernel: 3, stride: 2, padding: 1 }) },
        stages: preActivationStages(structure),
        norm: [batchNorm(), relu()],
        head: classifierHead({ classes: structure.classes }),
      },
    }),
}

const stemChannels = 64

function preActivationStages({ units, widths, block }: Structure): Layer {
  return sequential(
    units.map((count, stage): NamedLayer => {
      const channels = widths[stage]!
      const same = {
        inputs: channels,
        channels,
        stride: 1,
        block,
        shortcut: 'projection',
        strideOn: 'conv2',
        first: 'no',
        gateBias: 0,
        factor: 1,
        rate: 0,
      } as const
      const first = { ...same, inputs: widths[stage - 1] ?? stemChannels, stride: stage === 0 ? 1 : 2 }
      const make = unitFunctions['pre-activation']
      const blocks: NamedLayer[] = [['0', make(first)]]
      if (count > 1) blocks.push(['', repeat(count - 1, make(same), { from: 1 })])
      return [String(stage), { blocks: sequential(blocks) }]
    }),
  )
}

/**
 * Our own pre-activation networks for ImageNet, whose norm and ReLU stand before the stem's pooling. Where the first unit has a projection, both paths begin
 * behind them, as in timm's; an identity takes what timm's has not activated yet.
 */
const ownPreActivation: Family = {
  ...preActivation,
  foreign: (name) => name.replace(/^stem\.norm\./, 'stages.0.blocks.0.norm1.'),
  build: (structure) => {
    if (structure.widths[0] === stemChannels) throw new PreresnetError('ERR_OPTION', 'expected a projection in the first unit')
    return preResNet({ family: 'imagenet', ...structure })
  },
  ours: withoutNegativeScales,
}

/** A norm and a ReLU can change places with a maximum where no scale is negative: the convolution before them takes the sign, which changes no rounding. */
function withoutNegativeScales(tensors: Tensors): Tensors {
  const scales = tensors.get('stem.norm.weight')!.data as Float32Array
  const turned = (name: string): SafetensorsTensor => {
    const tensor = tensors.get(name)!
    const values = tensor.data as Float32Array
    const each = values.length / scales.length
    return { ...tensor, data: values.map((value, index) => (scales[Math.floor(index / each)]! < 0 ? -value : value)) }
  }
  return new Map([...tensors, ...['stem.conv.weight', 'stem.norm.weight', 'stem.norm.running_mean'].map((name) => [name, turned(name)] as const)])
}

/** Those whose form only we have. */
export const ownFamiliesOf: Readonly<Record<Library, readonly Family[]>> = { timm: [ownPreActivation], torchvision: [] }

/** The families that a library's files may be of, by a name that all files of the family have. */
export const familiesOf: Readonly<Record<Library, readonly (readonly [mark: string, family: Family])[]>> = {
  timm: [
    ['stem.conv.weight', preActivation],
    ['conv1.weight', original],
  ],
  torchvision: [['conv1.weight', original]],
}
