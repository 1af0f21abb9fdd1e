/** Files into memory, on the threads of a loader. */
import { unlessAborted } from '../abort.js'
import { PreresnetError } from '../errors.js'
import { loadBinding } from '../native/load.js'
import type { DecodeSettings } from '../native/types.js'
import { corruptImages } from './corrupt.js'
import { sampleCount, samplesOf, type CorruptImage, type FileSource, type ImageShape } from './dataset.js'
import { nativeSource } from './native_source.js'
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

export async function decodeAll(source: FileSource, { shape, decode, workers, signal, corrupt = 'error' }: Decoding): Promise<Decoded> {
  const count = sampleCount(source)
  const imageBytes = shape.height * shape.width * shape.channels
  const images = new Uint8Array(count * imageBytes)
  const batch = Math.max(1, Math.min(count, Math.ceil(batchBytes / imageBytes)))
  const loader = loadBinding().createLoader({
    source: nativeSource(source, new Int32Array(count)),
    decode,
    ...shape,
    batch,
    mode: 'evaluate',
    seed: 0,
    pad: 0,
    flip: false,
    workers,
    slots: 3,
    skipCorrupt: corrupt === 'skip',
  })
  try {
    for (let index = 0; index * batch < count; index++) {
      const held = await unlessAborted(loader.acquire(index), signal)
      if (held === null) throw new PreresnetError('ERR_INTERNAL', `expected batch ${index} of the images, got the end`)
      const first = index * batch
      images.set(held.images.subarray(0, Math.min(batch, count - first) * imageBytes), first * imageBytes)
      loader.release(held.ticket)
    }
    return { images, corrupt: corruptImages(loader.corrupt()) }
  } finally {
    await loader.close()
  }
}

/** The same for at most `limit` images that are evenly spaced. */
export function decodeSample(source: FileSource, decoding: Decoding, limit: number): Promise<Decoded> {
  const length = sampleCount(source)
  if (length <= limit) return decodeAll(source, decoding)
  const chosen = Int32Array.from({ length: limit }, (_, index) => Math.floor((index * length) / limit))
  return decodeAll(samplesOf(source, chosen), decoding)
}
