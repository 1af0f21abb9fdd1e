/** Mean and standard deviation of a training set. */
import type { Dataset, ImageShape } from '../dataset.js'
import { decodeSample } from '../decode_all.js'
import { inSlices, sliceBytes } from '../slices.js'
import type { Normalization } from './preparation.js'
import { sequenceOf } from './sequence.js'
import type { PreparationStep } from './steps.js'

/** Images that are measured, evenly spaced, where they are files. */
const sampleSize = 2048

/** Whether it makes a difference to normalization where images are kept. */
export function isSampled({ source }: Dataset): boolean {
  return source.kind === 'ranges' && source.file.length > sampleSize
}

export interface Reading {
  /** Threads that decode. */
  readonly workers: number
  readonly signal: AbortSignal | undefined
}

/** Of images prepared by these steps: of all that are in memory, or of 2,048 that are files. */
export async function measureNormalization(
  { source }: Dataset,
  steps: readonly PreparationStep[],
  input: ImageShape,
  { workers, signal }: Reading,
): Promise<Normalization> {
  if (source.kind === 'memory') return normalizationOf(source.images, source.shape.channels)
  const { decode } = sequenceOf('prepare.evaluate', steps, 'evaluate', input)
  return normalizationOf(await decodeSample(source, { shape: input, decode, workers, signal }, sampleSize), input.channels)
}

/**
 * Mean and standard deviation of each channel over all pixels, of values in 0..1. Exact but for the last rounding: pixels are counted by value.
 * The deviation of a channel that never changes is given as 1, so that dividing by it is harmless.
 */
export async function normalizationOf(images: Uint8Array, channels: number): Promise<Normalization> {
  const counts = Array.from({ length: channels }, () => new Float64Array(256))
  await inSlices(images.length, Math.ceil(sliceBytes / channels) * channels, (begin, end) => {
    for (let channel = 0; channel < channels; channel++) {
      const count = counts[channel]!
      for (let index = begin + channel; index < end; index += channels) count[images[index]!]!++
    }
  })
  const pixels = images.length / channels
  const mean = counts.map((count) => count.reduce((sum, times, value) => sum + times * value, 0) / pixels)
  const deviation = counts.map((count, channel) => Math.sqrt(count.reduce((sum, times, value) => sum + times * (value - mean[channel]!) ** 2, 0) / pixels))
  return { mean: mean.map((value) => value / 255), std: deviation.map((value) => (value === 0 ? 1 : value / 255)) }
}
