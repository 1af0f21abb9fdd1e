/** SIGINT and SIGTERM: the first asks for a checkpoint and an orderly end, the second leaves at once. */
import { constants } from 'node:os'
import { note } from './output.js'

type Signal = 'SIGINT' | 'SIGTERM'
const signals: readonly Signal[] = ['SIGINT', 'SIGTERM']

export interface SignalWatch extends Disposable {
  /** What a shell expects of a process that this signal ended: 130 or 143; undefined if none came. */
  readonly status: number | undefined
}

export function watchSignals(onFirst: (signal: Signal) => void): SignalWatch {
  let status: number | undefined
  const handler = (signal: Signal): void => {
    const asked = 128 + constants.signals[signal]
    if (status !== undefined) process.exit(asked)
    status = asked
    note(`${signal}: saving and leaving; once more leaves at once`)
    onFirst(signal)
  }
  for (const signal of signals) process.on(signal, handler)
  return {
    get status() {
      return status
    },
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, handler)
    },
  }
}
