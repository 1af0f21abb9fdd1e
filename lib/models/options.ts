/** The options of `preResNet`, validated and completed. */
import { PreresnetError } from '../errors.js'
import { boolean, integer, invalid, knownKeys, number, oneOf } from '../options/values.js'
import type { NetworkOptions } from '../layers/index.js'
import { dropRate } from '../layers/value.js'
import { depthOf, imagenetDepths, unitsOfDepth } from './depth.js'
import { type Block, blocks, families, type Family, gateBiasLimits, shortcuts, stridedConvolutions } from './choices.js'
import type { PreResNetDescription, PreResNetOptions } from './description.js'
import { type UnitName, unitNames } from './units.js'

export type Complete = Required<Omit<PreResNetDescription, 'input'>> & { readonly input: NetworkOptions['input'] }

export const optionKeys = [
  'classes',
  'input',
  'shortcut',
  'strideOn',
  'widths',
  'unit',
  'gateBias',
  'factor',
  'dropoutRate',
  'stochasticDepth',
  'zeroInit',
] as const
const descriptionKeys = ['family', 'depth', 'units', 'block', ...optionKeys] as const

const defaultWidths = { cifar: [16, 32, 64], imagenet: [64, 128, 256, 512] } as const

export function complete(options: PreResNetDescription): Complete {
  knownKeys('preResNet', options, descriptionKeys)
  const family = oneOf('preResNet: family', options.family, families)
  const {
    block: givenBlock = defaultBlock(options, family),
    unit: givenUnit = 'pre-activation',
    strideOn = 'conv2',
    gateBias = 0,
    factor = 0.5,
    dropoutRate = 0.5,
    stochasticDepth = 0,
    zeroInit = false,
  } = options
  const block = oneOf('preResNet: block', givenBlock, blocks)
  const unit = oneOf('preResNet: unit', givenUnit, unitNames)
  const { classes = family === 'cifar' ? 10 : 1000, shortcut = family === 'cifar' && block !== 'bottleneck' ? 'option-a' : 'projection' } = options
  const units = stageUnits(options, family, block)
  refuseUnused(options, block, unit)
  return {
    family,
    block,
    unit,
    units,
    depth: depthOf(units, block),
    widths: stageWidths(options, family, block, units.length),
    classes: integer('preResNet: classes', classes, 1),
    input: inputSize(options.input, family),
    shortcut: oneOf('preResNet: shortcut', shortcut, shortcuts),
    strideOn: oneOf('preResNet: strideOn', strideOn, stridedConvolutions),
    gateBias: number('preResNet: gateBias', gateBias, gateBiasLimits.minimum, gateBiasLimits.maximum),
    factor: number('preResNet: factor', factor, 0),
    dropoutRate: number('preResNet: dropoutRate', dropoutRate, 0, 1),
    stochasticDepth: dropRate('preResNet: stochasticDepth', stochasticDepth),
    zeroInit: zeroInitOf(zeroInit, unit),
  }
}

function defaultBlock({ depth }: PreResNetDescription, family: Family): Block {
  if (family === 'cifar') return 'basic'
  return depth !== undefined && depth in imagenetDepths ? imagenetDepths[depth as keyof typeof imagenetDepths].block : 'bottleneck'
}

function stageUnits({ depth, units }: PreResNetDescription, family: Family, block: Block): readonly number[] {
  if ((depth === undefined) === (units === undefined)) {
    throw new PreresnetError('ERR_OPTION', `preResNet: expected depth or units, got ${depth === undefined ? 'neither' : 'both'}`)
  }
  if (depth !== undefined) return unitsOfDepth(depth, family, block)
  return list('units', units).map((count) => integer('preResNet: units', count, 1, 10_000))
}

function stageWidths({ widths }: PreResNetDescription, family: Family, block: Block, stages: number): readonly number[] {
  const expansion = block === 'bottleneck' ? 4 : 1
  const given = widths === undefined ? defaultWidths[family].map((width) => width * expansion) : list('widths', widths)
  if (given.length !== stages) throw invalid('preResNet: widths', `${stages} numbers, one a stage`, given)
  return given.map((width) => {
    integer('preResNet: widths', width, 1, 1_000_000)
    if (width % expansion !== 0) throw invalid('preResNet: widths', 'multiples of 4 for bottlenecks', width)
    return width
  })
}

function list(key: string, value: unknown): readonly number[] {
  if (Array.isArray(value) && value.length > 0) return value as readonly number[]
  throw invalid(`preResNet: ${key}`, 'an array of integers, one a stage', value)
}

function inputSize(input: PreResNetOptions['input'] = {}, family: Family): NetworkOptions['input'] {
  knownKeys('preResNet: input', input, ['height', 'width', 'channels'])
  const side = family === 'cifar' ? 32 : 224
  const { height = side, width = side, channels = 3 } = input
  return { height, width, channels }
}

/** An option that would change nothing is a mistake. */
function refuseUnused(options: PreResNetDescription, block: Block, unit: UnitName): void {
  const uses: readonly (readonly [key: keyof PreResNetDescription, used: boolean, what: string])[] = [
    ['strideOn', block === 'bottleneck', 'bottlenecks'],
    ['gateBias', unit.endsWith('-gating'), 'units exclusive-gating and shortcut-only-gating'],
    ['factor', unit.startsWith('constant-'), 'units constant-scaling and constant-shortcut'],
    ['dropoutRate', unit === 'dropout-shortcut', 'unit dropout-shortcut'],
  ]
  for (const [key, used, what] of uses) {
    if (options[key] !== undefined && !used) throw new PreresnetError('ERR_OPTION', `preResNet: ${key} is for ${what}, got unit ${unit} with block ${block}`)
  }
}

/** Where a ReLU stands behind what gives 0, no gradient ever comes back to it. */
function zeroInitOf(value: boolean, unit: UnitName): boolean {
  if (boolean('preResNet: zeroInit', value) && unit === 'relu-before-addition')
    throw invalid('preResNet: zeroInit', 'false with unit relu-before-addition, whose branches end in a ReLU and would never learn', value)
  return value
}
