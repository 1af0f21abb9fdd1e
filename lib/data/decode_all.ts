/** Files into memory, on the threads of a loader. */
import { throwIfAborted } from '../abort.js'
import { PreresnetError } from '../errors.js'
import { loadBinding } from '../native/load.js'
import type { Dataset, FileSource } from './dataset.js'
import { described } from './described.js'

interface DecodeSettings {
  readonly workers: number
  readonly signal: AbortSignal | undefined
}

/** About as many bytes of pixels as cross into JavaScript at a time. */
const batchBytes = 1 << 21

/** [image][row][column][channel], in the order of the paths. */
export async function decodeAll(source: FileSource, shape: Dataset['shape'], { workers, signal }: DecodeSettings): Promise<Uint8Array> {
  const count = source.paths.length
  const imageBytes = shape.height * shape.width * shape.channels
  const images = new Uint8Array(count * imageBytes)
  const batch = Math.max(1, Math.min(count, Math.ceil(batchBytes / imageBytes)))
  const loader = loadBinding().createLoader({
    ...described(source, new Int32Array(count)),
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
export function decodeSample(source: FileSource, shape: Dataset['shape'], settings: DecodeSettings, limit: number): Promise<Uint8Array> {
  const { paths } = source
  if (paths.length <= limit) return decodeAll(source, shape, settings)
  const chosen = Array.from({ length: limit }, (_, index) => paths[Math.floor((index * paths.length) / limit)]!)
  return decodeAll({ ...source, paths: chosen }, shape, settings)
}
