/** Steps of preparation: frozen values in a list, like layers. They are JSON, and go into manifests, checkpoints and model files. */
import { PreresnetError } from '../../errors.js'
import { boolean, describe, fields, integer, invalid, knownKeys, oneOf } from '../../options/values.js'

/** The shorter side becomes `size`, as by Pillow's antialiased bilinear filter. */
export interface Resize {
  readonly kind: 'resize'
  /** The shorter side has so many pixels afterwards, from 1 to 65,536. @default (the larger side of the network's input) / 0.875, rounded: 256 for 224 */
  readonly size?: number
  /** Whether an image that has the size of the network's input stays as it is. @default false */
  readonly unlessFitting?: boolean
}

/** The middle of the image is cut out, of the size of the network's input. */
export interface CenterCrop {
  readonly kind: 'centerCrop'
}

/** A crop is drawn at random from the normalized image with `pad` zeros on each side, of the size of the network's input. */
export interface RandomCrop {
  readonly kind: 'randomCrop'
  /** Zeros on each side are from 0 to 1024 pixels. */
  readonly pad: number
}

/** Left and right are exchanged in half of the images, drawn at random. */
export interface Flip {
  readonly kind: 'flip'
}

/** One step of a preparation is one of these. */
export type PreparationStep = Resize | CenterCrop | RandomCrop | Flip

/** Of all sizes in pixels. */
const largest = 1 << 16
/** The widest border of `randomCrop`. */
export const largestPad = 1024

/**
 * Resizes the shorter side: `resize(256)`, or `resize({ unlessFitting: true })`.
 * @param size - The shorter side afterwards is from 1 to 65,536 pixels; or options.
 * @throws ERR_OPTION where the size is out of range or missing.
 */
export function resize(size: number | { readonly size?: number; readonly unlessFitting?: boolean }): Resize {
  const options = typeof size === 'number' ? { size } : size
  knownKeys('resize', options, ['size', 'unlessFitting'])
  const { unlessFitting = false } = options
  if (options.size === undefined && !unlessFitting) throw invalid('resize', 'a size, as resize(256), or { unlessFitting: true }', size)
  return Object.freeze({
    kind: 'resize',
    ...(options.size !== undefined && { size: integer('resize: size', options.size, 1, largest) }),
    ...(boolean('resize: unlessFitting', unlessFitting) && { unlessFitting }),
  })
}

/** Cuts out the middle of an image, of the size of the network's input. */
export function centerCrop(): CenterCrop {
  return Object.freeze({ kind: 'centerCrop' })
}

/**
 * Pads with zeros and crops at random, as the paper trains on CIFAR with `pad: 4` (Appendix).
 * @param options - How many pixels of zeros are put on each side, from 0 to 1024.
 * @throws ERR_OPTION where the border is out of range.
 */
export function randomCrop(options: { readonly pad: number }): RandomCrop {
  knownKeys('randomCrop', options, ['pad'])
  return Object.freeze({ kind: 'randomCrop', pad: integer('randomCrop: pad', options.pad, 0, largestPad) })
}

/** Mirrors half of the images, drawn at random, as the paper trains (Appendix). */
export function flip(): Flip {
  return Object.freeze({ kind: 'flip' })
}

const readers: Readonly<Record<PreparationStep['kind'], (data: object) => PreparationStep>> = {
  resize: (data) => resize(data),
  centerCrop: (data) => bare('centerCrop', data, centerCrop()),
  randomCrop: (data) => randomCrop(data as never),
  flip: (data) => bare('flip', data, flip()),
}

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
  const name = oneOf(`${where}: kind`, kind, Object.keys(readers) as PreparationStep['kind'][])
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

function stepText({ kind, ...options }: PreparationStep): string {
  const entries = Object.entries(options)
  if (entries.length === 1 && entries[0]![0] === 'size') return `${kind}(${String(entries[0]![1])})`
  return entries.length === 0 ? `${kind}()` : `${kind}({ ${entries.map(([key, value]) => `${key}: ${String(value)}`).join(', ')} })`
}

export function sameSteps(a: readonly PreparationStep[], b: readonly PreparationStep[]): boolean {
  return stepsText(a) === stepsText(b)
}
