/** AbortSignals as errors of ours. */
import { PreresnetError } from './errors.js'
import { invalid } from './options/values.js'

/** ERR_ABORTED, whose cause is the signal's reason. */
export function abortError({ reason }: AbortSignal): PreresnetError {
  return new PreresnetError('ERR_ABORTED', `aborted: ${reason instanceof Error ? reason.message : String(reason)}`, { cause: reason })
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal)
}

/** What `work` gives, or ERR_ABORTED as soon as the signal says so; the work goes on then, and what comes of it is dropped. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  let end: () => void
  const ended = new Promise<never>((_, reject) => {
    end = () => reject(abortError(signal))
    signal.addEventListener('abort', end, { once: true })
  })
  try {
    if (signal.aborted) end!()
    return await Promise.race([work, ended])
  } finally {
    signal.removeEventListener('abort', end!)
  }
}

/** An option `signal`, checked. */
export function abortSignal(where: string, value: unknown): AbortSignal | undefined {
  if (value === undefined || value instanceof AbortSignal) return value
  throw invalid(where, 'an AbortSignal', value)
}
