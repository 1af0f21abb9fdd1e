/** Which network: a name of the table, or a family said in full. The same options in every command. */
import { PreresnetError } from '../errors.js'
import type { Network } from '../layers/index.js'
import { type ModelName, modelNames, preResNet, type PreResNetDescription } from '../models/index.js'
import { blocks, families, gateBiasLimits, shortcuts, stridedConvolutions } from '../models/choices.js'
import { unitNames } from '../models/units.js'
import { choiceOption, flagOption, integerOption, integersOption, numberOption, type ValuesOf } from '../options/spec.js'
import { defined } from '../options/values.js'

const group = 'Network'

/** How a network differs from what its name or family says. */
export const networkOptions = {
  family: choiceOption({ group, help: 'instead of a name: 3 stages for small images, or 4 stages and a pooling stem', choices: families }),
  depth: integerOption({ group, help: 'layers of a family: 6n+2 (basic), 9n+2 (bottleneck) or 3n+2 (one-layer) for cifar', unit: 'layers', minimum: 1 }),
  block: choiceOption({ group, help: 'convolutions of a unit: 3x3, 3x3; or 1x1, 3x3, 1x1; or one 3x3', choices: blocks }),
  unit: choiceOption({ group, help: "residual unit: the paper's, or a row of its Tables 1 and 2", choices: unitNames }),
  shortcut: choiceOption({ group, help: 'where the shape changes', choices: shortcuts }),
  strideOn: choiceOption({ group, help: 'which convolution of a bottleneck strides', choices: stridedConvolutions }),
  widths: integersOption({ group, help: 'output channels of each stage', unit: 'channels', minimum: 1 }),
  gateBias: numberOption({ group, help: 'start value of the bias of gates', unit: 'value', ...gateBiasLimits }),
  stochasticDepth: numberOption({
    group,
    help: 'probability that an image passes the last unit by its shortcut alone while training; it rises linearly from the first',
    unit: 'probability',
    minimum: 0,
    maximum: 1,
    below: true,
    usual: '0',
  }),
  zeroInit: flagOption({ group, help: 'every unit begins as its shortcut: the last norm or convolution of a branch starts with weights of 0', usual: 'false' }),
}

/** For commands that take classes and image size from no data. */
export const sizeOptions = {
  classes: integerOption({ group, help: 'classes', unit: 'classes', minimum: 1, usual: "the family's" }),
  image: integerOption({ group, help: 'height and width of the images', unit: 'pixels', minimum: 1, usual: "the family's" }),
  channels: integerOption({ group, help: 'channels of the images', unit: 'channels', minimum: 1, usual: '3' }),
}

interface NetworkSize {
  readonly classes?: number | undefined
  readonly height?: number | undefined
  readonly width?: number | undefined
  readonly channels?: number | undefined
}

/** The network that is meant, made for these images. ERR_OPTION if neither a name nor a family says it. */
export function chooseNetwork(name: string | undefined, values: ValuesOf<typeof networkOptions>, { classes, ...size }: NetworkSize): Network {
  const { family, depth, block, unit, shortcut, strideOn, widths, gateBias, stochasticDepth, zeroInit } = values
  const given = defined({
    unit,
    shortcut,
    strideOn,
    widths,
    gateBias,
    stochasticDepth,
    zeroInit,
    classes,
    input: defined({ height: size.height, width: size.width, channels: size.channels }),
  })
  if (name !== undefined) {
    if (family !== undefined || depth !== undefined) throw new PreresnetError('ERR_OPTION', 'expected the name of a network or --family and --depth, got both')
    return preResNet(name as ModelName, { ...given, ...defined({ block }) })
  }
  if (family !== undefined && depth !== undefined) return preResNet({ family, depth, ...given, ...defined({ block }) } as PreResNetDescription)
  throw new PreresnetError('ERR_OPTION', `expected the name of a network (${Object.keys(modelNames).join(', ')}) or --family and --depth`)
}

/** `--image N --channels C --classes K` as a size. */
export function sizeOf({ classes, image, channels }: ValuesOf<typeof sizeOptions>): NetworkSize {
  return { classes, height: image, width: image, channels }
}
