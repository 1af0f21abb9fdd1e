/** SIGINT, SIGTERM, SIGHUP and SIGUSR1: the first asks a training for an orderly end, the second leaves at once. */
import { constants } from 'node:os'
import { PreresnetError } from '../errors.js'
import { note } from './output.js'

type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGUSR1'
/** Batch systems send SIGUSR1, where they are asked to, some time before they end a job. */
const signals: readonly Signal[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1']

export class SignalWatch implements Disposable {
  readonly #leave = new AbortController()
  readonly #says: string
  #status: number | undefined
  #stop: (() => void) | undefined

  /** `says`: what a run that has begun does before it ends, as "saving and leaving". */
  constructor(says: string) {
    this.#says = says
    for (const signal of signals) process.on(signal, this.#handle)
  }

  /** For the run: ends what comes before its first step, where there is nothing to save. */
  get signal(): AbortSignal {
    return this.#leave.signal
  }

  /** What a shell expects of a process that this signal ended: 129, 130, 138 or 143; undefined if none came. */
  get status(): number | undefined {
    return this.#status
  }

  /** From now on `stop` is what a signal does. */
  begun(stop: () => void): void {
    this.#stop = stop
  }

  readonly #handle = (signal: Signal): void => {
    const asked = 128 + constants.signals[signal]
    if (this.#status !== undefined) process.exit(asked)
    this.#status = asked
    note(`${signal}: ${this.#stop === undefined ? 'leaving before the first step' : this.#says}; once more leaves at once`)
    if (this.#stop === undefined) this.#leave.abort(new Error(signal))
    else this.#stop()
  };

  [Symbol.dispose](): void {
    for (const signal of signals) process.off(signal, this.#handle)
  }
}

/** Exit status of a command that a signal ends at any moment, with nothing to save: `work` is given what it is ended by. */
export async function leavingAtSignals(work: (signal: AbortSignal) => Promise<void>): Promise<number> {
  const stop = new AbortController()
  using watch = new SignalWatch('leaving')
  watch.begun(() => stop.abort())
  try {
    await work(stop.signal)
    return 0
  } catch (error) {
    if (watch.status !== undefined && isAborted(error)) return watch.status
    throw error
  }
}

export function isAborted(error: unknown): boolean {
  return error instanceof PreresnetError && error.code === 'ERR_ABORTED'
}
