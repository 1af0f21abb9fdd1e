/** Random changes of prepared images, by the rules of torchvision's transforms of these names. */
import { PreresnetError } from '../../errors.js'
import { integer, invalid, knownKeys, number } from '../../options/values.js'
import { range } from './range.js'

/** Brightness, contrast, saturation and hue are changed by factors that are drawn, in an order that is drawn. */
export interface ColorJitter {
  readonly kind: 'colorJitter'
  /** Colors are multiplied by a factor that is drawn from this range; both are at least 0. @default unchanged */
  readonly brightness?: readonly [number, number]
  /** The distance from the image's mean gray is multiplied by a factor that is drawn from this range; both are at least 0. @default unchanged */
  readonly contrast?: readonly [number, number]
  /** The distance of each pixel from its gray is multiplied by a factor that is drawn from this range; both are at least 0. @default unchanged */
  readonly saturation?: readonly [number, number]
  /** Hues are turned by a share of the circle that is drawn from this range, from -0.5 to 0.5. @default unchanged */
  readonly hue?: readonly [number, number]
}

/** The principal components of ImageNet's colors are added, each times a number that is drawn (AlexNet's lighting noise). */
export interface Lighting {
  readonly kind: 'lighting'
  /** The standard deviation of these numbers is above 0. */
  readonly std: number
}

/** A rectangle of random area and aspect ratio is filled with one color. */
export interface RandomErasing {
  readonly kind: 'randomErasing'
  /** The share of images that lose one is from 0 to 1. */
  readonly probability: number
  /** The least and the largest share of the image's area are above 0, up to 1. */
  readonly area: readonly [number, number]
  /** The least and the largest height / width are above 0. */
  readonly aspect: readonly [number, number]
  /** The color [1 or channels] is from 0 to 255 in each channel, before normalization. */
  readonly color: readonly number[]
}

/** One of 14 operations is done, of a magnitude that is drawn (torchvision's `TrivialAugmentWide`). */
export interface TrivialAugment {
  readonly kind: 'trivialAugment'
  /** The number of magnitudes between none and the largest is at least 2. */
  readonly bins: number
}

/** Some of 14 operations are done, drawn one after another, all of one magnitude (torchvision's `RandAugment`). */
export interface RandAugment {
  readonly kind: 'randAugment'
  /** The number of operations is at least 1. */
  readonly operations: number
  /** The number of the magnitude is from 0 to `bins` - 1. */
  readonly magnitude: number
  /** The number of magnitudes between none and the largest is at least 2. */
  readonly bins: number
}

/** One step that changes prepared images at random is one of these. */
export type Augmentation = ColorJitter | Lighting | RandomErasing | TrivialAugment | RandAugment

const mostBins = 1 << 16
const mostOperations = 64

/** A factor's distance from 1 at most, or its range. */
type Factors = number | readonly [number, number]

/**
 * Changes brightness, contrast, saturation and hue, each by a factor that is drawn, as torchvision's ColorJitter: `colorJitter({ brightness: 0.4, hue: 0.1 })`.
 * @param options - How far each factor is from 1 at most (for hue: from 0, up to 0.5 of the circle), or the range that it is drawn from; what is not given stays.
 * @throws ERR_OPTION where nothing is given, or what is given for a factor is no range.
 */
export function colorJitter(options: {
  readonly brightness?: number | readonly [number, number]
  readonly contrast?: number | readonly [number, number]
  readonly saturation?: number | readonly [number, number]
  readonly hue?: number | readonly [number, number]
}): ColorJitter {
  const names = ['brightness', 'contrast', 'saturation', 'hue'] as const
  knownKeys('colorJitter', options, names)
  const given = names.filter((name) => options[name] !== undefined)
  if (given.length === 0) throw invalid('colorJitter', 'something to change, as { brightness: 0.4 }', options)
  return Object.freeze({ kind: 'colorJitter', ...Object.fromEntries(given.map((name) => [name, factors(name, options[name]!)])) })
}

function factors(name: 'brightness' | 'contrast' | 'saturation' | 'hue', value: Factors): readonly [number, number] {
  const where = `colorJitter: ${name}`
  const [least, middle, most] = name === 'hue' ? [-0.5, 0, 0.5] : [0, 1, Infinity]
  if (typeof value !== 'number') return range(where, value, least, most, 'a number, or the least and the largest, as [0.5, 1]')
  const distance = number(where, value, 0, name === 'hue' ? 0.5 : Infinity)
  return Object.freeze([Math.max(least, middle - distance), middle + distance])
}

/**
 * Adds the principal components of ImageNet's colors, each times a normally distributed number, as AlexNet and fb.resnet.torch do.
 * @param options - The standard deviation of these numbers, above 0; without it 0.1.
 * @throws ERR_OPTION where it is out of range.
 */
export function lighting(options: { readonly std?: number } = {}): Lighting {
  knownKeys('lighting', options, ['std'])
  return Object.freeze({ kind: 'lighting', std: number('lighting: std', options.std ?? 0.1, Number.MIN_VALUE) })
}

/**
 * Gives a rectangle of random area and aspect ratio one color, in some of the images, by the rule of torchvision's RandomErasing.
 * @param options - The share of images (0.5), the range of the area's share ([0.02, 0.33]), of height / width ([0.3, 3.3]), and the color, one number or three
 * from 0 to 255 (0): the image is not yet normalized, so the color that becomes 0 is the mean.
 * @throws ERR_OPTION where a number is out of range.
 */
export function randomErasing(
  options: {
    readonly probability?: number
    readonly area?: readonly [number, number]
    readonly aspect?: readonly [number, number]
    readonly color?: number | readonly number[]
  } = {},
): RandomErasing {
  knownKeys('randomErasing', options, ['probability', 'area', 'aspect', 'color'])
  const { probability = 0.5, area = [0.02, 0.33], aspect = [0.3, 3.3], color = 0 } = options
  const colors = typeof color === 'number' ? [color] : color
  if (!Array.isArray(colors) || (colors.length !== 1 && colors.length !== 3)) throw invalid('randomErasing: color', 'one number or three', color)
  return Object.freeze({
    kind: 'randomErasing',
    probability: number('randomErasing: probability', probability, 0, 1),
    area: range('randomErasing: area', area, Number.MIN_VALUE, 1),
    aspect: range('randomErasing: aspect', aspect, Number.MIN_VALUE, 1 << 16),
    color: Object.freeze(colors.map((value: unknown, index) => integer(`randomErasing: color[${index}]`, value, 0, 255))),
  })
}

/**
 * Does one of 14 operations, of a magnitude that is drawn: torchvision's TrivialAugmentWide on tensors, with its defaults.
 * @param options - The number of magnitudes, from 2; without it 31.
 * @throws ERR_OPTION where it is out of range.
 */
export function trivialAugment(options: { readonly bins?: number } = {}): TrivialAugment {
  knownKeys('trivialAugment', options, ['bins'])
  return Object.freeze({ kind: 'trivialAugment', bins: integer('trivialAugment: bins', options.bins ?? 31, 2, mostBins) })
}

/**
 * Does some of 14 operations, drawn one after another, all of one magnitude: torchvision's RandAugment on tensors, with its defaults.
 * @param options - The number of operations (2), the number of the magnitude (9), and how many magnitudes there are (31).
 * @throws ERR_OPTION where a number is out of range.
 */
export function randAugment(options: { readonly operations?: number; readonly magnitude?: number; readonly bins?: number } = {}): RandAugment {
  knownKeys('randAugment', options, ['operations', 'magnitude', 'bins'])
  const bins = integer('randAugment: bins', options.bins ?? 31, 2, mostBins)
  return Object.freeze({
    kind: 'randAugment',
    operations: integer('randAugment: operations', options.operations ?? 2, 1, mostOperations),
    magnitude: integer('randAugment: magnitude', options.magnitude ?? 9, 0, bins - 1),
    bins,
  })
}

/** Augmentations of plain data, as a model file holds them, by their kinds. */
export const augmentationReaders: Readonly<Record<Augmentation['kind'], (data: object) => Augmentation>> = {
  colorJitter: (data) => colorJitter(data),
  lighting: (data) => lighting(data),
  randomErasing: (data) => randomErasing(data),
  trivialAugment: (data) => trivialAugment(data),
  randAugment: (data) => randAugment(data),
}

export function isAugmentation(step: { readonly kind: string }): step is Augmentation {
  return Object.hasOwn(augmentationReaders, step.kind)
}

/** ERR_OPTION where images of so many channels cannot be changed so. */
export function checkChannels(where: string, step: Augmentation, channels: number): void {
  const refuse = (expected: string, got: number): never => {
    throw new PreresnetError('ERR_OPTION', `${where}: expected ${expected}, got ${got}`)
  }
  if (step.kind === 'lighting' && channels !== 3) refuse('images of 3 channels', channels)
  if (channels !== 1 && channels !== 3) refuse('images of 1 or 3 channels', channels)
  if (step.kind === 'randomErasing' && step.color.length > channels) refuse('a color of 1 number, as images have 1 channel', step.color.length)
}
