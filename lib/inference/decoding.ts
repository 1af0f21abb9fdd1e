/** Decodes on the threads of libuv, which files and names of hosts need too: so that neither they nor small images wait for large ones. */
import { loadBinding } from '../native/load.js'
import type { NativeBinding } from '../native/types.js'
import { Gate } from './gate.js'

/** Of libuv's own environment variable; 4 where it is not set. */
const threads = Math.max(2, Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) || 4)

/**
 * Of the whole process, as the threads are. A thread stays free for files, if there are three. With libuv's four threads, large images of 2^25 pixels are decoded at a time (100 MB, or
 * 300 MB of some JPEG files): one of the largest that `maxPixels` lets through by default, or two of 12 megapixels. Small ones take some ten milliseconds.
 */
const gate = new Gate({ most: Math.max(2, threads - 1), small: 2 ** 21, budget: threads * 2 ** 23 })

type Options = Parameters<NativeBinding['decodeImage']>[1]

/** Pixels of an image file, which must not change before they are there. ERR_IMAGE at once for a file without a header, or with too many pixels. */
export async function decode(file: Uint8Array, options: Options & { readonly maxPixels: number }): Promise<Uint8Array> {
  const binding = loadBinding()
  const { height, width } = binding.imageSize(file, { maxPixels: options.maxPixels })
  return (await gate.pass(height * width, () => binding.decodeImage(file, options))).pixels
}
