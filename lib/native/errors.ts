/** How errors of the addon become errors of ours. */
import { type ErrorCode, PreresnetError } from '../errors.js'

/** A native error as PreresnetError, with the stack of the JavaScript that made the call: the native side has none. */
function fromNative(error: unknown, caller: { stack?: string }): unknown {
  const code = (error as { code?: unknown } | null)?.code
  if (!(error instanceof Error) || typeof code !== 'string' || !code.startsWith('ERR_')) return error
  const wrapped = new PreresnetError(code as ErrorCode, error.message)
  // The first two lines are a heading and the method of calls.ts that made the call.
  const frames = caller.stack?.split('\n').slice(2).join('\n') ?? ''
  wrapped.stack = `${wrapped.name} [${code}]: ${error.message}\n${frames}`
  return wrapped
}

/** Makes a call that answers at once. */
export function direct<T>(call: () => T): T {
  const caller: { stack?: string } = {}
  Error.captureStackTrace(caller, direct)
  try {
    return call()
  } catch (error) {
    throw fromNative(error, caller)
  }
}

/** Makes a call that answers by a promise. */
export async function later<T>(call: () => Promise<T>): Promise<T> {
  const caller: { stack?: string } = {}
  Error.captureStackTrace(caller, later)
  try {
    return await call()
  } catch (error) {
    throw fromNative(error, caller)
  }
}
