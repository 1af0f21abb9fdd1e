/** Steps of preparation: frozen values in a list, like layers. They are JSON, and go into manifests, checkpoints and model files. */
import { PreresnetError } from '../../errors.js'
import { boolean, describe, fields, integer, invalid, knownKeys, oneOf } from '../../options/values.js'
import { augmentationReaders, type Augmentation } from './augmentations.js'
import { range } from './range.js'

/** Both are antialiased, and give the bytes of Pillow's filters of these names. */
export const filters = ['bilinear', 'bicubic'] as const
export type Filter = (typeof filters)[number]

/** Whether a JPEG may be decoded at 1/2, 1/4 or 1/8 where that still is as large as what it is resized to: faster, and no byte is the same. */
export const decodings = ['exact', 'scaled'] as const
type Decoding = (typeof decodings)[number]

/** The shorter side becomes `size`. */
export interface Resize {
  readonly kind: 'resize'
  /** The shorter side has so many pixels afterwards, from 1 to 65,536. @default (the larger side of the network's input) / 0.875, rounded: 256 for 224 */
  readonly size?: number
  /** Whether an image that has the size of the network's input stays as it is. @default false */
  readonly unlessFitting?: boolean
  /** The filter is antialiased, as Pillow's of the same name. @default 'bilinear' */
  readonly filter?: 'bilinear' | 'bicubic'
  /** For 'scaled' a JPEG is decoded at 1/2, 1/4 or 1/8 where that still is as large as what it is resized to. @default 'exact' */
  readonly decode?: 'exact' | 'scaled'
}

/** The shorter side becomes a number of pixels that is drawn for each image, as the paper trains on ImageNet. */
export interface RandomResize {
  readonly kind: 'randomResize'
  /** The shorter side has at least so many pixels afterwards, from 1 to 65,536. */
  readonly from: number
  /** The shorter side has at most so many pixels afterwards, from `from` to 65,536. */
  readonly to: number
  /** The filter is antialiased, as Pillow's of the same name. */
  readonly filter: 'bilinear' | 'bicubic'
  /** For 'scaled' a JPEG is decoded at 1/2, 1/4 or 1/8 where that still is as large as what it is resized to. */
  readonly decode: 'exact' | 'scaled'
}

/** A part of the image, of random area and aspect ratio, is resized to the size of the network's input. */
export interface RandomResizedCrop {
  readonly kind: 'randomResizedCrop'
  /** The least and the largest share of the image's area are above 0, up to 1. */
  readonly area: readonly [number, number]
  /** The least and the largest width / height are above 0. */
  readonly aspect: readonly [number, number]
  /** The filter is antialiased, as Pillow's of the same name. */
  readonly filter: 'bilinear' | 'bicubic'
  /** For 'scaled' a JPEG is decoded at 1/2, 1/4 or 1/8 where that still is as large as what it is resized to. */
  readonly decode: 'exact' | 'scaled'
}

/** The image is turned as the EXIF data of a JPEG or WebP file say; without this step it is taken as it is stored. */
export interface ExifOrientation {
  readonly kind: 'exifOrientation'
}

/** The middle of the image is cut out: of the size of the network's input, or of another one, from which a later step makes the input. */
export interface CenterCrop {
  readonly kind: 'centerCrop'
  /** The number of rows is from 1 to 65,536, in pixels; it is given with `width`. @default that of the network's input */
  readonly height?: number
  /** The number of columns is from 1 to 65,536, in pixels; it is given with `height`. @default that of the network's input */
  readonly width?: number
}

/**
 * A crop of the size of the network's input is drawn at random: after a resize anywhere in the image, else from the normalized image with `pad` zeros on each
 * side.
 */
export interface RandomCrop {
  readonly kind: 'randomCrop'
  /** Zeros on each side are from 0 to 1024 pixels; 0 after a resize. */
  readonly pad: number
}

/** Left and right are exchanged in half of the images, drawn at random. */
export interface Flip {
  readonly kind: 'flip'
}

/** One step of a preparation is one of these. */
export type PreparationStep = ExifOrientation | Resize | RandomResize | RandomResizedCrop | CenterCrop | RandomCrop | Flip | Augmentation

/** Of all sizes in pixels. */
const largest = 1 << 16
/** The widest border of `randomCrop`. */
export const largestPad = 1024

/**
 * Resizes the shorter side: `resize(256)`, or `resize({ unlessFitting: true })`.
 * @param size - The shorter side afterwards is from 1 to 65,536 pixels; or options.
 * @throws ERR_OPTION where the size is out of range or missing.
 */
export function resize(
  size: number | { readonly size?: number; readonly unlessFitting?: boolean; readonly filter?: 'bilinear' | 'bicubic'; readonly decode?: 'exact' | 'scaled' },
): Resize {
  const options = typeof size === 'number' ? { size } : size
  knownKeys('resize', options, ['size', 'unlessFitting', 'filter', 'decode'])
  const { unlessFitting = false } = options
  if (options.size === undefined && !unlessFitting) throw invalid('resize', 'a size, as resize(256), or { unlessFitting: true }', size)
  const { filter, decode } = howResized('resize', options, 'exact')
  return Object.freeze({
    kind: 'resize',
    ...(options.size !== undefined && { size: integer('resize: size', options.size, 1, largest) }),
    ...(boolean('resize: unlessFitting', unlessFitting) && { unlessFitting }),
    // What has its default is left out, as steps of before these options have it.
    ...(filter !== 'bilinear' && { filter }),
    ...(decode !== 'exact' && { decode }),
  })
}

function howResized(
  where: string,
  { filter = 'bilinear', decode }: { readonly filter?: Filter; readonly decode?: Decoding },
  usual: Decoding,
): { readonly filter: Filter; readonly decode: Decoding } {
  return { filter: oneOf(`${where}: filter`, filter, filters), decode: oneOf(`${where}: decode`, decode ?? usual, decodings) }
}

/**
 * Resizes the shorter side to a number of pixels drawn for each image: `randomResize({ from: 256, to: 480 }), randomCrop()` is how the paper trains on ImageNet.
 * @param options - The range of the shorter side, from 1 to 65,536 pixels; the filter ('bilinear'); and whether JPEG may be decoded at a reduced size ('scaled').
 * @throws ERR_OPTION where the range is none.
 */
export function randomResize(options: {
  readonly from: number
  readonly to: number
  readonly filter?: 'bilinear' | 'bicubic'
  readonly decode?: 'exact' | 'scaled'
}): RandomResize {
  knownKeys('randomResize', options, ['from', 'to', 'filter', 'decode'])
  const from = integer('randomResize: from', options.from, 1, largest)
  return Object.freeze({
    kind: 'randomResize',
    from,
    to: integer('randomResize: to', options.to, from, largest),
    ...howResized('randomResize', options, 'scaled'),
  })
}

/**
 * Cuts out a part of random area and aspect ratio and resizes it to the size of the network's input, by the rule of torchvision's RandomResizedCrop.
 * @param options - The range of the area's share ([0.08, 1]), of width / height ([3 / 4, 4 / 3]), the filter ('bilinear'), and whether JPEG may be decoded at a
 * reduced size ('scaled').
 * @throws ERR_OPTION where a range is none.
 */
export function randomResizedCrop(
  options: {
    readonly area?: readonly [number, number]
    readonly aspect?: readonly [number, number]
    readonly filter?: 'bilinear' | 'bicubic'
    readonly decode?: 'exact' | 'scaled'
  } = {},
): RandomResizedCrop {
  knownKeys('randomResizedCrop', options, ['area', 'aspect', 'filter', 'decode'])
  const { area = [0.08, 1], aspect = [3 / 4, 4 / 3] } = options
  return Object.freeze({
    kind: 'randomResizedCrop',
    area: range('randomResizedCrop: area', area, Number.MIN_VALUE, 1),
    aspect: range('randomResizedCrop: aspect', aspect, Number.MIN_VALUE, largest),
    ...howResized('randomResizedCrop', options, 'scaled'),
  })
}

/** Turns an image as the EXIF data of a JPEG or WebP file say. */
export function exifOrientation(): ExifOrientation {
  return Object.freeze({ kind: 'exifOrientation' })
}

/**
 * Cuts out the middle of an image: `centerCrop()` of the size of the network's input, `centerCrop(256)` or `centerCrop({ height, width })` of another one for the
 * steps that follow, as in `resize(256), centerCrop(256), randomCrop()`.
 * @param size - Both sides, or height and width, are from 1 to 65,536 pixels; without them, those of the network's input.
 * @throws ERR_OPTION where a side is out of range, or one of them is missing.
 */
export function centerCrop(size: number | { readonly height?: number; readonly width?: number } = {}): CenterCrop {
  const { height, width } = typeof size === 'number' ? { height: size, width: size } : size
  if (typeof size !== 'number') knownKeys('centerCrop', size, ['height', 'width'])
  if (height === undefined && width === undefined) return Object.freeze({ kind: 'centerCrop' })
  return Object.freeze({
    kind: 'centerCrop',
    height: integer('centerCrop: height', height, 1, largest),
    width: integer('centerCrop: width', width, 1, largest),
  })
}

/**
 * Crops at random: after a resize anywhere in the image, else from the image with a border of zeros, as the paper trains on CIFAR with `pad: 4` (Appendix).
 * @param options - How many pixels of zeros are put on each side, from 0 to 1024; without them 0.
 * @throws ERR_OPTION where the border is out of range.
 */
export function randomCrop(options: { readonly pad?: number } = {}): RandomCrop {
  knownKeys('randomCrop', options, ['pad'])
  return Object.freeze({ kind: 'randomCrop', pad: integer('randomCrop: pad', options.pad ?? 0, 0, largestPad) })
}

/** Mirrors half of the images, drawn at random, as the paper trains (Appendix). */
export function flip(): Flip {
  return Object.freeze({ kind: 'flip' })
}

const readers: Readonly<Record<PreparationStep['kind'], (data: object) => PreparationStep>> = {
  exifOrientation: (data) => bare('exifOrientation', data, exifOrientation()),
  resize: (data) => resize(data),
  randomResize: (data) => randomResize(data as never),
  randomResizedCrop: (data) => randomResizedCrop(data),
  centerCrop: (data) => centerCrop(data),
  randomCrop: (data) => randomCrop(data),
  flip: (data) => bare('flip', data, flip()),
  ...augmentationReaders,
}

export const stepKinds = Object.keys(readers) as readonly PreparationStep['kind'][]

function bare<T>(name: string, data: object, step: T): T {
  knownKeys(name, data, [])
  return step
}

/** Checks what is given as a list of steps, or what JSON made of one. ERR_OPTION names the part that is wrong. */
export function readSteps(where: string, value: unknown): readonly PreparationStep[] {
  if (!Array.isArray(value)) throw invalid(where, 'a list of steps, as [resize(256), centerCrop()]', value)
  return Object.freeze(value.map((step: unknown, index) => readStep(`${where}[${index}]`, step)))
}

function readStep(where: string, value: unknown): PreparationStep {
  if (typeof value === 'function') throw new PreresnetError('ERR_OPTION', `${where}: expected a step, got a function; call it, as centerCrop()`)
  const { kind, ...data } = fields(value)
  if (kind === undefined) throw new PreresnetError('ERR_OPTION', `${where}: expected a step, as centerCrop(), got ${describe(value)}`)
  const name = oneOf(`${where}: kind`, kind, stepKinds)
  try {
    return readers[name](data)
  } catch (error) {
    throw error instanceof PreresnetError ? new PreresnetError(error.code, `${where}: ${error.message}`, { cause: error }) : error
  }
}

/** As it is written in code. */
export function stepsText(steps: readonly PreparationStep[]): string {
  return steps.length === 0 ? 'no steps' : steps.map(stepText).join(', ')
}

function stepText(step: PreparationStep): string {
  if (step.kind === 'centerCrop' && step.height !== undefined && step.height === step.width) return `centerCrop(${step.height})`
  const { kind, ...options } = step
  const entries = Object.entries(options)
  if (entries.length === 1 && entries[0]![0] === 'size') return `${kind}(${String(entries[0]![1])})`
  return entries.length === 0 ? `${kind}()` : `${kind}({ ${entries.map(([key, value]) => `${key}: ${valueText(value)}`).join(', ')} })`
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(', ')}]`
  return typeof value === 'string' ? `'${value}'` : String(value)
}

export function sameSteps(a: readonly PreparationStep[], b: readonly PreparationStep[]): boolean {
  return stepsText(a) === stepsText(b)
}
