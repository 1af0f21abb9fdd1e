/** Files into memory, on the threads of a loader. */
import { throwIfAborted } from '../abort.js'
import { PreresnetError } from '../errors.js'
import { loadBinding } from '../native/load.js'
import type { DecodeSettings } from '../native/types.js'
import { samplesOf, type ImageShape, type RangeSource } from './dataset.js'

interface Decoding {
  readonly shape: ImageShape
  readonly decode: DecodeSettings
  readonly workers: number
  readonly signal: AbortSignal | undefined
}

/** About as many bytes of pixels as cross into JavaScript at a time. */
const batchBytes = 1 << 21

/** [image][row][column][channel], in the order of the samples. */
export async function decodeAll(source: RangeSource, { shape, decode, workers, signal }: Decoding): Promise<Uint8Array> {
  const count = source.file.length
  const imageBytes = shape.height * shape.width * shape.channels
  const images = new Uint8Array(count * imageBytes)
  const batch = Math.max(1, Math.min(count, Math.ceil(batchBytes / imageBytes)))
  const loader = loadBinding().createLoader({
    source: { ...source, labels: new Int32Array(count) },
    decode,
    ...shape,
    batch,
    mode: 'evaluate',
    seed: 0,
    pad: 0,
    flip: false,
    workers,
    slots: 3,
  })
  try {
    for (let index = 0; index * batch < count; index++) {
      throwIfAborted(signal)
      const decoded = await loader.next(index)
      if (decoded === null) throw new PreresnetError('ERR_INTERNAL', `expected batch ${index} of the images, got the end`)
      images.set(decoded.images.subarray(0, decoded.count * imageBytes), index * batch * imageBytes)
    }
  } finally {
    await loader.close()
  }
  return images
}

/** The same for at most `limit` images that are evenly spaced. */
export function decodeSample(source: RangeSource, decoding: Decoding, limit: number): Promise<Uint8Array> {
  const { length } = source.file
  if (length <= limit) return decodeAll(source, decoding)
  const chosen = Int32Array.from({ length: limit }, (_, index) => Math.floor((index * length) / limit))
  return decodeAll(samplesOf(source, chosen) as RangeSource, decoding)
}
