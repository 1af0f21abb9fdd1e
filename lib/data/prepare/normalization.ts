/** Mean and standard deviation of a training set. */
import { PreresnetError } from '../../errors.js'
import { sampleCount, type Dataset, type FileSource, type ImageShape } from '../dataset.js'
import { decodeSample } from '../decode_all.js'
import { inSlices, sliceBytes } from '../slices.js'
import type { Reading } from '../reading.js'
import { rememberedFact } from '../remembered_facts.js'
import type { IndexCache } from '../remembered_index.js'
import type { Normalization } from './preparation.js'
import { sequenceOf } from './sequence.js'
import type { PreparationStep } from './steps.js'

/** Counts up where the same images are measured otherwise than before: what was remembered holds no more. */
const method = 1

/** Images that are measured, evenly spaced, where they are files. */
const sampleSize = 2048

/** Whether it makes a difference to normalization where images are kept. */
export function isSampled({ source }: Dataset): boolean {
  return source.kind !== 'memory' && sampleCount(source) > sampleSize
}

/** Of images prepared by these steps: of all that are in memory, or of 2,048 that are files, as they are remembered. Those that are no images do not count. */
export async function measureNormalization(
  dataset: Dataset,
  steps: readonly PreparationStep[],
  input: ImageShape,
  reading: Reading,
  cache?: IndexCache,
): Promise<Normalization> {
  const { source } = dataset
  if (source.kind === 'memory') return normalizationOf(source.images, source.shape.channels, (source.corrupt?.length ?? 0) * input.height * input.width)
  const { channels } = input
  const isRight = (numbers: Float64Array): boolean => numbers.length === 2 * channels && numbers.every((value) => value >= 0 && value <= 1)
  const measure = async (): Promise<{ numbers: Float64Array; read: number }> => {
    const { mean, std } = await measureFiles(dataset, source, steps, input, reading)
    return { numbers: Float64Array.of(...mean, ...std), read: Math.min(sampleCount(source), sampleSize) }
  }
  const settings = { steps, input, sampleSize, corrupt: reading.corrupt ?? 'error', method }
  const numbers = await rememberedFact(dataset, ['normalization', settings], isRight, measure, cache)
  return { mean: [...numbers.subarray(0, channels)], std: [...numbers.subarray(channels)] }
}

async function measureFiles(
  { name }: Dataset,
  source: FileSource,
  steps: readonly PreparationStep[],
  input: ImageShape,
  reading: Reading,
): Promise<Normalization> {
  const { decode } = sequenceOf('prepare.evaluate', steps, 'evaluate', input)
  const { images, corrupt } = await decodeSample(source, { shape: input, decode, ...reading }, sampleSize)
  const left = corrupt.length * input.height * input.width
  if (left * input.channels === images.length)
    throw new PreresnetError(
      'ERR_DATASET',
      `${name}: expected images to measure the normalization on, got ${corrupt.length} files of which none can be decoded: ${corrupt[0]!.reason}`,
    )
  return normalizationOf(images, input.channels, left)
}

/**
 * Mean and standard deviation of each channel over all pixels, of values in 0..1. Exact but for the last rounding: pixels are counted by value.
 * The deviation of a channel that never changes is given as 1, so that dividing by it is harmless. `left`: pixels of zeros that do not count.
 */
export async function normalizationOf(images: Uint8Array, channels: number, left = 0): Promise<Normalization> {
  const counts = Array.from({ length: channels }, () => new Float64Array(256))
  await inSlices(images.length, Math.ceil(sliceBytes / channels) * channels, (begin, end) => {
    for (let channel = 0; channel < channels; channel++) {
      const count = counts[channel]!
      for (let index = begin + channel; index < end; index += channels) count[images[index]!]!++
    }
  })
  for (const count of counts) count[0]! -= left
  const pixels = images.length / channels - left
  const mean = counts.map((count) => count.reduce((sum, times, value) => sum + times * value, 0) / pixels)
  const deviation = counts.map((count, channel) => Math.sqrt(count.reduce((sum, times, value) => sum + times * (value - mean[channel]!) ** 2, 0) / pixels))
  return { mean: mean.map((value) => value / 255), std: deviation.map((value) => (value === 0 ? 1 : value / 255)) }
}
