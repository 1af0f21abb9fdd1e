/** Batches that users hand over themselves. */
import type { NativeSession } from '../native/types.js'
import { PreresnetError } from '../errors.js'
import { describe, integer, invalid, knownKeys, largestFloat } from '../options/values.js'

/** Images are bytes for sessions that were compiled with image data. */
export interface PixelSamples {
  /** Pixels are bytes [batch, height, width, channels], of the stored size. */
  readonly images: Uint8Array
  /** Top and left of each image's crop in the padded image, in pixels, and 1 where it is mirrored, are [batch, 3]. @default the center */
  readonly crops?: Int32Array
  readonly x?: undefined
}

/** Values go to sessions that were compiled without image data. */
export interface ValueSamples {
  /** The network's input is [batch, channels, height, width], in row-major order. */
  readonly x: Float32Array | Float64Array
  readonly images?: undefined
  readonly crops?: undefined
}

/** A batch comes with the class of each image. */
export interface ClassLabels {
  /** The class of each image [batch] is from 0 to classes - 1; -1 does not count. */
  readonly labels: Int32Array | readonly number[]
  /** Shares of the classes [batch, classes] stand beside the labels in sessions with `softTargets`. @default undefined */
  readonly targets?: Float32Array | Float64Array
  /** What is mixed into each image [batch, 6], as a loader's batch says it, stands beside the labels in sessions with `mixup` or `cutmix`. @default undefined */
  readonly mixes?: Int32Array | undefined
  /** The number of labels that are not -1, at least 0, which a loader's batch says. @default counted */
  readonly count?: number
}

/** A batch comes with shares of the classes, for sessions with `softTargets`; hits are counted by the most probable class of each sample. */
export interface SoftLabels {
  /** The shares of the classes are [batch, classes], each from 0 to 1. */
  readonly targets: Float32Array | Float64Array
  readonly labels?: undefined
  readonly mixes?: undefined
  readonly count?: undefined
}

/** A batch of the caller's has samples and labels; what a loader gives is one. */
export type UserBatch = (PixelSamples | ValueSamples) & (ClassLabels | SoftLabels)

/** Inference takes samples without labels. */
export type UserSamples = Omit<PixelSamples, 'crops'> | Omit<ValueSamples, 'crops'>

/** @internal What the program reads. */
export interface BatchFormat {
  readonly batch: number
  readonly classes: number
  /** Values of one sample. */
  readonly sampleValues: number
  readonly images: boolean
  /** The tensor that they are written to. */
  readonly samples: string
  readonly pad: number
  readonly softTargets: boolean
  /** Whether it reads what is mixed into each image. */
  readonly mixes: boolean
}

/** @internal ERR_OPTION for what is no batch at all, before anything else is looked at. */
export function checkBatch(where: string, batch: unknown): void {
  if (batch === null || typeof batch !== 'object' || Array.isArray(batch)) throw invalid(where, 'an object of images or x, and labels', batch)
  knownKeys(where, batch, ['images', 'crops', 'x', 'labels', 'targets', 'mixes', 'count'])
}

/** @internal */
export async function writeBatch(native: NativeSession, format: BatchFormat, batch: UserBatch): Promise<void> {
  const targets = targetsOf(format, batch)
  const labels = labelsOf(format, batch, targets)
  checkCount(format, batch, labels)
  const crops = format.images ? cropsOf(format, batch) : undefined
  const mixes = mixesOf(format, batch)
  await writeSamples(native, format, batch)
  if (crops !== undefined) await native.write('crops', crops)
  if (mixes !== undefined) await native.write('mixes', mixes)
  await native.write('labels', labels)
  if (targets !== undefined) await native.write('targets', targets)
}

/** @internal What inference reads: images or values. */
export async function writeSamples(native: NativeSession, format: BatchFormat, { images, x }: UserSamples): Promise<void> {
  const length = format.batch * format.sampleValues
  if (format.images) {
    if (x !== undefined) throw invalid('batch.x', 'images: the session takes u8 pixels', x)
    await native.write(format.samples, sized('batch.images', images, Uint8Array, length))
  } else {
    if (images !== undefined) throw invalid('batch.images', 'x: the session was compiled without `prepare`', images)
    await native.write(format.samples, floats('batch.x', x, length))
  }
}

function cropsOf({ batch: count, pad }: BatchFormat, { crops: given }: UserBatch): Int32Array {
  const crops = given === undefined ? center(count, pad) : sized('batch.crops', given, Int32Array, count * 3)
  for (let index = 0; index < crops.length; index++) {
    const largest = index % 3 === 2 ? 1 : 2 * pad
    if (crops[index]! >= 0 && crops[index]! <= largest) continue
    throw new PreresnetError(
      'ERR_OPTION',
      `batch.crops[${index}]: expected 0 to ${largest}, got ${crops[index]}; the session's images have a border of ${pad}: for the crops of a loader give compile() that loader as \`data\``,
    )
  }
  return crops
}

function mixesOf({ batch: count, mixes: reads }: BatchFormat, { mixes }: UserBatch): Int32Array | undefined {
  if (reads) return sized('batch.mixes', mixes, Int32Array, count * 6)
  if (mixes !== undefined) throw invalid('batch.mixes', 'none: the session was compiled without mixup and cutmix', mixes)
  return undefined
}

function labelsOf({ batch: count, classes }: BatchFormat, { labels }: UserBatch, targets: Targets | undefined): Int32Array {
  if (labels === undefined && targets !== undefined) return mostProbable(targets, count, classes)
  if (!Array.isArray(labels)) sized('batch.labels', labels, Int32Array, count)
  const given = labels as Int32Array | readonly number[]
  if (given.length !== count) throw new PreresnetError('ERR_OPTION', `batch.labels: expected ${count} values, got ${given.length}`)
  // Before they become 32-bit integers, which any value would.
  for (let index = 0; index < count; index++) {
    const label: unknown = given[index]
    if (!(Number.isInteger(label) && (label as number) >= -1 && (label as number) < classes))
      throw new PreresnetError('ERR_DATASET', `batch.labels[${index}]: expected a class from 0 to ${classes - 1}, or -1, got ${describe(label)}`)
  }
  return given instanceof Int32Array ? given : Int32Array.from(given)
}

type Targets = Float32Array | Float64Array

/** Shares of the classes, all of them numbers and none negative. */
function targetsOf({ batch: count, classes, softTargets }: BatchFormat, { targets }: UserBatch): Targets | undefined {
  if (!softTargets) {
    if (targets !== undefined) throw invalid('batch.targets', 'none: the session was compiled without softTargets', targets)
    return undefined
  }
  const values = floats('batch.targets', targets, count * classes)
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!
    if (value >= 0 && value <= largestFloat) continue
    const row = Math.floor(index / classes)
    throw new PreresnetError('ERR_DATASET', `batch.targets: row ${row}, class ${index % classes}: expected a finite number of at least 0, got ${value}`)
  }
  return values
}

function mostProbable(targets: Targets, count: number, classes: number): Int32Array {
  return Int32Array.from({ length: count }, (_, sample) => {
    const row = targets.subarray(sample * classes, (sample + 1) * classes)
    return row.indexOf(Math.max(...row))
  })
}

/** A batch that says how many of its samples count means those that have a label. */
function checkCount({ batch }: BatchFormat, { count }: UserBatch, labels: Int32Array): void {
  if (count === undefined) return
  const labeled = labels.filter((label) => label >= 0).length
  if (integer('batch.count', count, 0, batch) !== labeled) throw invalid('batch.count', `${labeled}, the labels that are not -1`, count)
}

function center(count: number, pad: number): Int32Array {
  return Int32Array.from({ length: count * 3 }, (_, index) => (index % 3 === 2 ? 0 : pad))
}

function floats(where: string, value: unknown, length: number): Float32Array | Float64Array {
  return value instanceof Float32Array ? sized(where, value, Float32Array, length) : sized(where, value, Float64Array, length)
}

const kinds: Readonly<Record<string, string>> = { Float64Array: 'a Float32Array or Float64Array', Int32Array: 'an Int32Array', Uint8Array: 'a Uint8Array' }

function sized<T extends { readonly length: number }>(where: string, value: unknown, type: new (...args: never[]) => T, length: number): T {
  if (!(value instanceof type))
    throw new PreresnetError('ERR_OPTION', `${where}: expected ${kinds[type.name] ?? type.name} of ${length}, got ${describe(value)}`)
  if (value.length !== length) throw new PreresnetError('ERR_OPTION', `${where}: expected ${length} values, got ${value.length}`)
  return value
}
