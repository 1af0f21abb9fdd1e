/** The queue of a session's calls: one after another in the order they were made, ended by signals and by disposal. */
import { abortError } from '../abort.js'
import { PreresnetError } from '../errors.js'
import type { NativeSession, RunOptions, RunResult } from '../native/types.js'
import { alone, type Ranks } from '../ranks/ranks.js'

export class Turn {
  readonly #native: NativeSession
  #queue: Promise<unknown> = Promise.resolve()
  #disposal: Promise<void> | undefined

  constructor(native: NativeSession) {
    this.#native = native
  }

  /** ERR_DISPOSED after dispose(). */
  alive(): NativeSession {
    if (this.#disposal !== undefined) throw new PreresnetError('ERR_DISPOSED', 'the session was disposed of')
    return this.#native
  }

  /** Runs `work` after everything that was asked for before; a failure stops nothing behind it. */
  take<T>(work: (native: NativeSession) => Promise<T>): Promise<T> {
    this.alive()
    const turn = this.#queue.then(() => {
      if (this.#disposal !== undefined) throw this.ended(undefined)
      return work(this.#native)
    })
    this.#queue = turn.catch(() => undefined)
    return turn
  }

  /**
   * As `take`, but what comes after it does not wait for its end: for a single call of the native session, which does what it is asked for in order.
   */
  send<T>(call: (native: NativeSession) => Promise<T>): Promise<T> {
    let sent: Promise<T> | undefined
    const turn = this.take((native) => {
      sent = call(native)
      return Promise.resolve()
    })
    return turn.then(() => sent!)
  }

  /** Whether a run that begins now would end at once. */
  ending(signal: AbortSignal | undefined): boolean {
    return signal?.aborted === true || this.#disposal !== undefined
  }

  /** Runs a program within a turn; the signal ends it between two operations. */
  async run(program: string, signal: AbortSignal | undefined, options: RunOptions): Promise<RunResult> {
    if (this.ending(signal)) throw this.ended(signal)
    const native = this.#native
    const cancel = (): void => native.cancel()
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      return await native.run(program, options)
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }

  /** Why a run ended early: its signal, the disposal, or else those of another rank. */
  ended(signal: AbortSignal | undefined, ranks: Ranks = alone): PreresnetError {
    if (!this.ending(signal) && ranks.size > 1) return new PreresnetError('ERR_ABORTED', 'another rank ended the call')
    if (!signal?.aborted) return new PreresnetError('ERR_ABORTED', 'the session was disposed of during the call')
    return abortError(signal)
  }

  /** Ends a run between two operations, waits for pending calls, which reject, and frees everything native. */
  dispose(): Promise<void> {
    return (this.#disposal ??= (async () => {
      this.#native.cancel()
      await this.#queue
      await this.#native.dispose()
    })())
  }
}
