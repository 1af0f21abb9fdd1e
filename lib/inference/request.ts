/** One image on its way to its answer. It may leave at any time, by its signal or because the classifier is disposed of, and is answered at once then. */
import { abortError } from '../abort.js'

/** How a request ended. */
type Ending = 'answered' | 'failed' | 'aborted'

interface Settle<T> {
  readonly resolve: (answer: T) => void
  readonly reject: (error: unknown) => void
}

export class Request<T> {
  readonly answer: Promise<T>
  /** When it was accepted, in milliseconds. */
  readonly since = performance.now()
  #settle: Settle<T> | undefined
  #stepOut: (() => void) | undefined
  readonly #stopListening: () => void
  readonly #ended: (ending: Ending) => void

  /** The signal has not been aborted yet. `ended` is called once. */
  constructor(signal: AbortSignal | undefined, ended: (ending: Ending) => void) {
    this.answer = new Promise((resolve, reject) => (this.#settle = { resolve, reject }))
    const abort = (): void => this.leave(abortError(signal!))
    signal?.addEventListener('abort', abort, { once: true })
    this.#stopListening = () => signal?.removeEventListener('abort', abort)
    this.#ended = ended
  }

  get hasEnded(): boolean {
    return this.#settle === undefined
  }

  /** `stepOut` takes it out of where it waits from now on. */
  waits(stepOut: () => void): void {
    this.#stepOut = stepOut
  }

  succeed(answer: T): void {
    this.#end('answered')?.resolve(answer)
  }

  fail(error: unknown): void {
    this.#end('failed')?.reject(error)
  }

  leave(error: unknown): void {
    this.#end('aborted')?.reject(error)
  }

  /** Undefined where it has ended before. */
  #end(ending: Ending): Settle<T> | undefined {
    const settle = this.#settle
    if (settle === undefined) return undefined
    this.#settle = undefined
    this.#stopListening()
    this.#stepOut?.()
    this.#ended(ending)
    return settle
  }
}
