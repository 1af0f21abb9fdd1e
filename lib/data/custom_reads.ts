/** Calls of the function that gives a dataset's samples: so many at once, each for so long. */
import { setImmediate } from 'node:timers/promises'
import { isUint8Array } from 'node:util/types'
import { PreresnetError } from '../errors.js'
import { limiter } from '../limited.js'
import type { AskedSource } from '../native/types.js'
import { describe } from '../options/values.js'
import { sampleName, type CustomSource } from './dataset.js'
import { nativeFiles } from './path_list.js'
import { pnmHeader } from './pnm.js'

/**
 * In milliseconds: a function that gives its bytes at once is called for so long before the event loop gets its turn. What each call has around it (a timer, promises, bytes
 * copied for the workers) is not counted, and may take longer than a short call itself.
 */
const longestTurn = 1

/** The function on behalf of one reader, as a loader's workers are. */
export class CustomReads {
  readonly #turn: ReturnType<typeof limiter>
  readonly #underWay = new Set<AbortController>()
  #ended = false
  /** Milliseconds that the function has taken for itself since the event loop had its turn. */
  #taken = 0
  #loopTurn: Promise<void> | undefined

  constructor(private readonly source: CustomSource) {
    this.#turn = limiter(source.reads)
  }

  /** The bytes of a sample, checked. ERR_DATASET, which names it, for a read that fails, gives too little or takes too long; ERR_ABORTED after `end()`. */
  read(sample: number): Promise<Uint8Array> {
    return this.#turn(async () => {
      while (this.#taken >= longestTurn) await (this.#loopTurn ??= this.#letLoopTurn())
      return this.#checked(sample, await this.#within(sample))
    })
  }

  async #letLoopTurn(): Promise<void> {
    await setImmediate()
    this.#taken = 0
    this.#loopTurn = undefined
  }

  /** Tells all reads that nobody waits for them any more. */
  end(): void {
    this.#ended = true
    for (const controller of this.#underWay) controller.abort(closed())
  }

  async #within(sample: number): Promise<unknown> {
    if (this.#ended) throw closed()
    const { read, index, timeout } = this.source
    const controller = new AbortController()
    const { signal } = controller
    this.#underWay.add(controller)
    const timer = setTimeout(() => controller.abort(this.#error(sample, `read gave nothing within ${timeout} s (timeout)`)), timeout * 1000)
    // Whoever waits for the sample keeps the process alive.
    timer.unref()
    try {
      return await new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
        // Of samples that lie somewhere, the reader has named the place already.
        const isNamed = (error: unknown): error is PreresnetError => this.source.addresses !== undefined && error instanceof PreresnetError
        const fail = (error: unknown): void =>
          reject(isNamed(error) ? error : this.#error(sample, `read failed: ${error instanceof Error ? error.message : String(error)}`, error))
        const began = performance.now()
        try {
          Promise.resolve(read(index[sample]!, signal)).then(resolve, fail)
        } catch (error) {
          fail(error)
        }
        this.#taken += performance.now() - began
      })
    } finally {
      clearTimeout(timer)
      this.#underWay.delete(controller)
    }
  }

  #checked(sample: number, bytes: unknown): Uint8Array {
    const { pixels } = this.source
    if (!isUint8Array(bytes)) throw this.#error(sample, `expected a Uint8Array from read, got ${describe(bytes)}`)
    if (pixels === undefined) {
      if (bytes.length === 0) throw this.#error(sample, 'expected the bytes of an image file from read, got none')
      return bytes
    }
    const { height, width, channels } = pixels
    const expected = height * width * channels
    if (bytes.length === expected) return bytes
    throw this.#error(sample, `expected ${expected} bytes of pixels from read (${height} x ${width} x ${channels}), got ${bytes.length}`)
  }

  #error(sample: number, reason: string, cause?: unknown): PreresnetError {
    return new PreresnetError('ERR_DATASET', `${sampleName(this.source, sample)}: ${reason}`, { cause })
  }
}

function closed(): PreresnetError {
  return new PreresnetError('ERR_ABORTED', 'the loader was closed')
}

/** What native workers ask. */
export function askedSource(source: CustomSource): AskedSource {
  const { name, index, addresses, pixels } = source
  const reads = new CustomReads(source)
  return {
    kind: 'custom',
    name,
    index,
    ...(addresses && { addresses: { ...addresses, files: nativeFiles(addresses.files) } }),
    prefix: pixels === undefined ? '' : pnmHeader(pixels),
    ask: (sample, done) => {
      reads.read(sample).then(done, (error: unknown) => {
        const { code, message } = error as PreresnetError
        done(code, message)
      })
    },
    ended: () => reads.end(),
  }
}
