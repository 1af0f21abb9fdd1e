import type { Dataset } from './dataset.js'
import { inSlices, sliceBytes } from './slices.js'

/**
 * Mean and standard deviation of each channel over all pixels, of values in 0..1. Exact but for the last rounding: pixels are counted by value.
 * The deviation of a channel that never changes is given as 1, so that dividing by it is harmless.
 */
export async function normalisationOf(images: Uint8Array, channels: number): Promise<Dataset['normalisation']> {
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
  return { mean: mean.map((value) => value / 255), deviation: deviation.map((value) => (value === 0 ? 1 : value / 255)) }
}
