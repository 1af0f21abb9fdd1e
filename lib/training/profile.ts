/** A Chrome trace of a few steps of a run. Perfetto (https://ui.perfetto.dev) and chrome://tracing open it. */
import { replaceFile } from '../formats/files.js'
import type { TraceEvent } from '../native/reports.js'
import type { Session } from '../runtime/session.js'

/** First steps that are not shown: memory is touched and caches are filled. */
const WARMUP = 2
const SHOWN = 3

/** Chooses the steps, collects what they took, and writes the file once. */
export class Profile {
  readonly #from: number
  readonly #to: number
  readonly #steps: ChromeEvent[] = []
  #end = 0

  /** A run of few steps has no warm-up to spare: then its last ones are shown. */
  constructor(
    private readonly path: string,
    first: number,
    end: number,
  ) {
    this.#to = Math.min(first + WARMUP + SHOWN, end)
    this.#from = Math.max(first, this.#to - SHOWN)
  }

  /** How many steps the next call may have, and whether it is traced; undefined where that is over. */
  next(step: number): { readonly steps: number; readonly trace: boolean } | undefined {
    if (step >= this.#to) return undefined
    return step < this.#from ? { steps: this.#from - step, trace: false } : { steps: this.#to - step, trace: true }
  }

  /** After a traced call of `count` steps. ERR_FILE where the file could not be written. */
  async add(session: Session, count: number): Promise<void> {
    const events = session.trace()
    const perStep = events.length / count
    const first = session.stepIndex - count
    events.forEach((event, index) => this.#steps.push(chromeEvent(event, this.#end, first + Math.floor(index / perStep))))
    const last = events.at(-1)
    if (last !== undefined) this.#end += last.start + last.duration
    if (session.stepIndex >= this.#to) await replaceFile(this.path, JSON.stringify(document(session, this.#steps)))
  }
}

/** A complete event of the trace event format; times in microseconds. */
interface ChromeEvent {
  readonly name: string
  readonly cat: string
  readonly ph: 'X'
  readonly ts: number
  readonly dur: number
  readonly pid: 1
  readonly tid: 1 | 2
  readonly args: { readonly layer: string; readonly step: number }
}

function chromeEvent({ name, op, start, duration }: TraceEvent, offset: number, step: number): ChromeEvent {
  const tid = op === 'all_reduce_begin' ? 2 : 1
  return { name: `${op} ${name}`, cat: op, ph: 'X', ts: offset + start, dur: duration, pid: 1, tid, args: { layer: name, step } }
}

function document({ network, device, precision, batch }: Session, events: readonly ChromeEvent[]): object {
  const named = (kind: string, name: string, tid = 1): object => ({ name: kind, ph: 'M', pid: 1, tid, args: { name } })
  const beside = events.some(({ tid }) => tid === 2) ? [named('thread_name', 'reduction', 2)] : []
  return {
    displayTimeUnit: 'ms',
    otherData: { network: network.name, device, precision, batch },
    traceEvents: [named('process_name', `${network.name}, batch ${batch}, ${device} ${precision}`), named('thread_name', 'operations'), ...beside, ...events],
  }
}
