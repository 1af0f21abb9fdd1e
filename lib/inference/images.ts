/** How a file, encoded bytes or pixels become the network's input. */
import { fileURLToPath } from 'node:url'
import { throwIfAborted } from '../abort.js'
import { PreresnetError } from '../errors.js'
import { limiter } from '../limited.js'
import { loadBinding } from '../native/load.js'
import type { NativeBinding } from '../native/types.js'
import { integer, invalid, knownKeys } from '../options/values.js'
import { readRegularFile } from '../regular_file.js'
import type { ImageInput, ImagePixels } from './image_input.js'
import type { Decoded } from './pipeline.js'

type DecodeOptions = Parameters<NativeBinding['decodeImage']>[1] & { readonly maxPixels: number }

/** Files that all classifiers of this thread of JavaScript have open at a time. */
const reading = limiter(16)

/** ERR_OPTION for what is no image at all. */
export function checkImage(where: string, image: unknown): ImageInput {
  if (typeof image === 'string' || image instanceof URL || image instanceof Uint8Array) return image
  const { pixels } = (image ?? {}) as Partial<ImagePixels>
  if (!(pixels instanceof Uint8Array)) throw invalid(where, 'a path or URL, the bytes of a JPEG, PNG or WebP file, or { pixels, height, width }', image)
  knownKeys(where, image, ['pixels', 'height', 'width'])
  return image as ImagePixels
}

/** ERR_FILE, ERR_IMAGE, ERR_OPTION. `waits` is told what takes the image out of the queue that it waits in. */
export async function decode(image: ImageInput, options: DecodeOptions, waits: (stepOut: () => void) => void): Promise<Decoded> {
  const binding = loadBinding()
  if (image instanceof Uint8Array) return await binding.decodeImage(image, options, waits)
  if (typeof image === 'object' && 'pixels' in image) {
    const { pixels, height, width } = image
    return await binding.decodeImage(pixels, { ...options, stored: sizeOf(image, options.channels, { height, width }) }, waits)
  }
  const left = new AbortController()
  waits(() => left.abort())
  const path = typeof image === 'string' ? image : pathOf(image)
  const bytes = await reading(async () => {
    throwIfAborted(left.signal)
    return readRegularFile(path)
  })
  throwIfAborted(left.signal)
  return await binding.decodeImage(bytes, { ...options, name: path }, waits)
}

function pathOf(url: URL): string {
  try {
    return fileURLToPath(url)
  } catch {
    throw invalid('image', 'the URL of a file', url)
  }
}

function sizeOf({ pixels }: ImagePixels, channels: number, { height, width }: { height: number; width: number }): { height: number; width: number } {
  integer('image.height', height, 1, 65_536)
  integer('image.width', width, 1, 65_536)
  const expected = height * width * channels
  if (pixels.length !== expected)
    throw new PreresnetError('ERR_OPTION', `image.pixels: expected ${height} x ${width} x ${channels} bytes (${expected}), got ${pixels.length}`)
  return { height, width }
}
