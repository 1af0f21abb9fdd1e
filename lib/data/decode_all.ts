/** Files into memory. */
import type { DecodeSettings } from '../native/types.js'
import { sampleCount, samplesOf, type CorruptImage, type FileSource, type ImageShape } from './dataset.js'
import { Pass } from './pass.js'
import type { Reading } from './reading.js'

interface Decoding extends Reading {
  readonly shape: ImageShape
  readonly decode: DecodeSettings
}

interface Decoded {
  /** [image][row][column][channel], in the order of the samples. */
  readonly images: Uint8Array
  /** They are zeros; none unless they are skipped. */
  readonly corrupt: readonly CorruptImage[]
}

/** About as many bytes of pixels as cross into JavaScript at a time. */
const batchBytes = 1 << 21

export async function decodeAll(source: FileSource, decoding: Decoding): Promise<Decoded> {
  const { height, width, channels } = decoding.shape
  const count = sampleCount(source)
  const imageBytes = height * width * channels
  const images = new Uint8Array(count * imageBytes)
  const batch = Math.max(1, Math.min(count, Math.ceil(batchBytes / imageBytes)))
  await using pass = new Pass(source, new Int32Array(count), { ...decoding, batch })
  for await (const part of pass.batches()) images.set(part.images.subarray(0, part.count * imageBytes), part.first * imageBytes)
  return { images, corrupt: pass.corrupt }
}

/** The same for at most `limit` images that are evenly spaced. */
export function decodeSample(source: FileSource, decoding: Decoding, limit: number): Promise<Decoded> {
  const length = sampleCount(source)
  if (length <= limit) return decodeAll(source, decoding)
  const chosen = Int32Array.from({ length: limit }, (_, index) => Math.floor((index * length) / limit))
  return decodeAll(samplesOf(source, chosen), decoding)
}
