/** Decodes on the threads of libuv, which files and names of hosts need too: so that neither they nor small images wait for large ones. */
import { type NativeBinding, loadBinding } from '../runtime/binding.js'

/** Pixels of a file that takes some ten milliseconds. */
const small = 1 << 21
/** Of libuv's own environment variable; 4 where it is not set. */
const threads = Math.max(2, Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) || 4)

/** Does so many things at a time, in the order they came. */
export class Gate {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(most: number) {
    this.#free = most
  }

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }
}

/** Of the whole process, as the threads are. Of large images one at a time: each may take as much memory as `maxPixels` allows. */
const gates = { small: new Gate(threads - 1), large: new Gate(1) } as const

type Options = Parameters<NativeBinding['decodeImage']>[1]

/** Pixels of an image file, which may be changed afterwards. ERR_IMAGE at once for a file without a header, or with too many pixels. */
export async function decode(file: Uint8Array, options: Options & { readonly maxPixels: number }): Promise<Uint8Array> {
  const binding = loadBinding()
  const { height, width } = binding.imageSize(file, { maxPixels: options.maxPixels })
  const gate = height * width <= small ? gates.small : gates.large
  const own = new Uint8Array(file)
  return (await gate.pass(() => binding.decodeImage(own, options))).pixels
}
