import { setImmediate } from 'node:timers/promises'

/** Bytes that are worked on before the event loop gets its turn: a millisecond or two. */
export const sliceBytes = 1 << 20

/** Calls `work(begin, end)` over 0 ... length in slices, and lets the event loop run between them. */
export async function inSlices(length: number, slice: number, work: (begin: number, end: number) => void): Promise<void> {
  for (let begin = 0; begin < length; begin += slice) {
    const end = Math.min(length, begin + slice)
    work(begin, end)
    if (end < length) await setImmediate()
  }
}
