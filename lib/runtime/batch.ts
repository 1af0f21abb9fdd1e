/** Batches that users hand over themselves. */
import type { NativeSession } from './binding.js'
import { PreresnetError } from '../errors.js'
import { describe, invalid, knownKeys } from '../options.js'

export interface UserBatch {
  /** Sessions with image data: u8 pixels, NHWC, of the stored size. */
  readonly images?: Uint8Array
  /** Per image: top, left, and 1 to mirror, in the padded image. @default the centre */
  readonly placement?: Int32Array
  /** Sessions without: values, NCHW. */
  readonly x?: Float32Array | Float64Array
  /** Classes; -1 does not count. Where only targets are given, the most probable class. */
  readonly labels?: Int32Array | readonly number[]
  /** Soft labels, N x classes, for sessions with `softTargets`. */
  readonly targets?: Float32Array | Float64Array
}

/** What the program reads. */
export interface BatchFormat {
  readonly batch: number
  readonly classes: number
  /** Values of one sample. */
  readonly sampleValues: number
  readonly images: boolean
  readonly pad: number
  readonly softTargets: boolean
}

export async function writeBatch(native: NativeSession, format: BatchFormat, batch: UserBatch): Promise<void> {
  knownKeys('batch', batch, ['images', 'placement', 'x', 'labels', 'targets'])
  const { batch: count, classes } = format
  const labels = labelsOf(format, batch)
  const placement = format.images ? placementOf(format, batch) : undefined
  await writeSamples(native, format, batch)
  if (placement !== undefined) await native.write('placement', placement)
  await native.write('labels', labels)
  if (format.softTargets) await native.write('targets', floats('batch.targets', batch.targets, count * classes))
  else if (batch.targets !== undefined) throw invalid('batch.targets', 'none: the session was compiled without softTargets', batch.targets)
}

/** What inference reads: images or values. */
export async function writeSamples(native: NativeSession, format: BatchFormat, { images, x }: Pick<UserBatch, 'images' | 'x'>): Promise<void> {
  const length = format.batch * format.sampleValues
  if (format.images) {
    if (x !== undefined) throw invalid('batch.x', 'images: the session takes u8 pixels', x)
    await native.write('images', sized('batch.images', images, Uint8Array, length))
  } else {
    if (images !== undefined) throw invalid('batch.images', 'x: the session was compiled without image data', images)
    await native.write('x', floats('batch.x', x, length))
  }
}

function placementOf({ batch: count, pad }: BatchFormat, { placement: given }: UserBatch): Int32Array {
  const placement = given === undefined ? centre(count, pad) : sized('batch.placement', given, Int32Array, count * 3)
  for (let index = 0; index < placement.length; index++) {
    const largest = index % 3 === 2 ? 1 : 2 * pad
    if (placement[index]! < 0 || placement[index]! > largest) throw invalid(`batch.placement[${index}]`, `0 to ${largest}`, placement[index])
  }
  return placement
}

function labelsOf({ batch: count, classes, softTargets }: BatchFormat, { labels, targets }: UserBatch): Int32Array {
  if (labels === undefined && softTargets && targets !== undefined) {
    return Int32Array.from({ length: count }, (_, sample) => {
      const row = targets.subarray(sample * classes, (sample + 1) * classes)
      return row.indexOf(Math.max(...row))
    })
  }
  const typed = Array.isArray(labels) ? Int32Array.from(labels as readonly number[]) : labels
  const checked = sized('batch.labels', typed, Int32Array, count)
  checked.forEach((label, index) => {
    if (label < -1 || label >= classes)
      throw new PreresnetError('ERR_DATASET', `batch.labels[${index}]: expected a class from 0 to ${classes - 1}, or -1, got ${label}`)
  })
  return checked
}

function centre(count: number, pad: number): Int32Array {
  return Int32Array.from({ length: count * 3 }, (_, index) => (index % 3 === 2 ? 0 : pad))
}

function floats(where: string, value: unknown, length: number): Float32Array | Float64Array {
  return value instanceof Float32Array ? sized(where, value, Float32Array, length) : sized(where, value, Float64Array, length)
}

function sized<T extends { readonly length: number }>(where: string, value: unknown, type: new (...args: never[]) => T, length: number): T {
  if (!(value instanceof type))
    throw new PreresnetError(
      'ERR_OPTION',
      `${where}: expected a ${type.name === 'Float64Array' ? 'Float32Array or Float64Array' : type.name} of ${length}, got ${describe(value)}`,
    )
  if (value.length !== length) throw new PreresnetError('ERR_OPTION', `${where}: expected ${length} values, got ${value.length}`)
  return value
}
