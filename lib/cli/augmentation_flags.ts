/** Flags of the augmentations of training, and the steps that they mean. What a flag does not say has the default of its step. */
import { colorJitter, lighting, randAugment, randomErasing, trivialAugment } from '../data/index.js'
import type { Augmentation } from '../data/prepare/augmentations.js'
import { PreresnetError } from '../errors.js'
import { flagOption, integersOption, numberOption, numbersOption, type ValuesOf } from '../options/spec.js'
import { defined } from '../options/values.js'
import { optionName } from './config.js'

const factors = ['brightness', 'contrast', 'saturation', 'hue'] as const
const usualErasing = randomErasing()
const usualRandAugment = randAugment()

export const augmentationOptions = {
  colorJitter: numbersOption({
    group: 'Data',
    help: 'how far the factors of brightness, contrast, saturation and hue are from 1 at most (of hue: from 0), in this order; 0, or a number that is left out at the end: unchanged',
    unit: 'factor',
    minimum: 0,
  }),
  lighting: numberOption({
    group: 'Data',
    help: "standard deviation of the shares of ImageNet's principal colors that are added, as in AlexNet",
    unit: 'share',
    minimum: 0,
    above: true,
  }),
  trivialAugment: flagOption({ group: 'Data', help: "one of torchvision's 14 operations, of a magnitude that is drawn (TrivialAugmentWide)", fallback: false }),
  randAugment: integersOption({
    group: 'Data',
    help: `so many of torchvision's 14 operations, one after another, all of this magnitude out of ${usualRandAugment.bins} from 0 (RandAugment); torchvision's defaults are ${usualRandAugment.operations},${usualRandAugment.magnitude}`,
    unit: 'n',
    minimum: 0,
  }),
  randomErasing: numberOption({
    group: 'Data',
    help: 'share of images in which a rectangle gets one color, after all other augmentations',
    unit: 'share',
    minimum: 0,
    above: true,
    maximum: 1,
  }),
  erasingArea: numbersOption({
    group: 'Data',
    help: 'least and largest share of the area that --random-erasing fills',
    unit: 'share',
    minimum: 0,
    above: true,
    maximum: 1,
    usual: usualErasing.area.join(','),
  }),
  erasingAspect: numbersOption({
    group: 'Data',
    help: 'least and largest height / width of what --random-erasing fills',
    unit: 'ratio',
    minimum: 0,
    above: true,
    usual: usualErasing.aspect.join(','),
  }),
  erasingColor: integersOption({
    group: 'Data',
    help: "color that --random-erasing fills with, before normalization, one number or one for each channel; ImageNet's mean is 124,116,104",
    unit: 'level',
    minimum: 0,
    maximum: 255,
    usual: usualErasing.color.join(','),
  }),
}

type AugmentationValues = ValuesOf<typeof augmentationOptions>

/** In the order in which they are done: colors, then the operations that are drawn, then what is erased. */
export function augmentationSteps(values: AugmentationValues): readonly Augmentation[] {
  const { lighting: std, trivialAugment: trivial, randAugment: drawn, colorJitter: distances } = values
  if (trivial && drawn !== undefined) throw refused('rand-augment', 'nothing beside --trivial-augment, got both')
  return [
    ...(distances === undefined ? [] : [jitter(distances)]),
    ...(std === undefined ? [] : [lighting({ std })]),
    ...(trivial ? [trivialAugment()] : []),
    ...(drawn === undefined ? [] : [operations(drawn)]),
    ...erasing(values),
  ]
}

function jitter(distances: readonly number[]): Augmentation {
  if (distances.length === 0 || distances.length > factors.length || distances.every((distance) => distance === 0))
    throw refused('color-jitter', `1 to ${factors.length} numbers, of which one is above 0, got ${distances.join(',') || 'none'}`)
  const given = factors.map((name, index) => [name, distances[index] ?? 0] as const)
  return named('color-jitter', () => colorJitter(Object.fromEntries(given.filter(([, distance]) => distance > 0))))
}

function operations(drawn: readonly number[]): Augmentation {
  const [count, magnitude, ...more] = drawn
  if (count === undefined || magnitude === undefined || more.length > 0)
    throw refused('rand-augment', `the number of operations and their magnitude, got ${drawn.join(',') || 'none'}`)
  return named('rand-augment', () => randAugment({ operations: count, magnitude }))
}

function erasing({ randomErasing: probability, erasingArea: area, erasingAspect: aspect, erasingColor: color }: AugmentationValues): readonly Augmentation[] {
  const how = { erasingArea: area, erasingAspect: aspect, erasingColor: color }
  if (probability === undefined) {
    const alone = Object.keys(defined(how))[0]
    if (alone !== undefined) throw refused(optionName(alone), '--random-erasing with it, got none')
    return []
  }
  const pairs = { area: range('erasing-area', area), aspect: range('erasing-aspect', aspect) }
  return [named('erasing-color', () => randomErasing({ probability, ...defined({ ...pairs, color }) }))]
}

/** Undefined where nobody gave it. */
export function range(flag: string, values: readonly number[] | undefined): readonly [number, number] | undefined {
  if (values === undefined) return undefined
  const [from, to, ...more] = values
  if (from === undefined || to === undefined || more.length > 0 || from > to)
    throw refused(flag, `the least and the largest, got ${values.join(',') || 'none'}`)
  return [from, to]
}

/** A step whose function refuses what a flag says. */
function named(flag: string, make: () => Augmentation): Augmentation {
  try {
    return make()
  } catch (error) {
    throw error instanceof PreresnetError ? new PreresnetError(error.code, `--${flag}: ${error.message}`, { cause: error }) : error
  }
}

function refused(flag: string, expected: string): PreresnetError {
  return new PreresnetError('ERR_OPTION', `--${flag}: expected ${expected}`)
}
