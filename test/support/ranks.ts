/** Ranks within this process, which meet in its memory. */
import { loadBinding } from '../../lib/native/load.js'
import type { NativeRanks, RanksDescription } from '../../lib/native/types.js'
import { JoinedRanks } from '../../lib/ranks/joined.js'
import type { Ranks } from '../../lib/ranks/ranks.js'
import { untilAllLeave } from '../../lib/ranks/work.js'

let meetings = 0

/**
 * `seed`: of the moments at which they come to each exchange; 0: at once. Milliseconds of silence. `stops`: which one stands still, after how many exchanges;
 * `cutOff`: which one cannot say any more that it is there.
 */
export interface Emulated {
  readonly seed?: number
  readonly silence?: number
  readonly stops?: { readonly rank: number; readonly after: number }
  readonly cutOff?: { readonly rank: number; readonly after: number }
}

export function nativeRanks(count: number, { seed = 0, silence = 20_000, stops, cutOff }: Emulated = {}): Promise<NativeRanks[]> {
  const meeting = `${process.pid} ${++meetings}`
  return Promise.all(
    Array.from({ length: count }, (_, rank) => {
      const own: RanksDescription = { silence, startTimeout: 60_000, meeting, rank, ranks: count, seed: seed === 0 ? 0 : seed * count + rank }
      const ends = { ...(stops?.rank === rank && { stopsAfter: stops.after }), ...(cutOff?.rank === rank && { cutOffAfter: cutOff.after }) }
      return loadBinding().openRanks({ ...own, ...ends })
    }),
  )
}

/** What each rank's work gives, or the error with which it ended. */
export async function together<T>(count: number, work: (ranks: Ranks) => Promise<T>, how: Emulated = {}): Promise<PromiseSettledResult<T>[]> {
  const all = await nativeRanks(count, how)
  return Promise.allSettled(all.map((native) => untilAllLeave(new JoinedRanks(native), work)))
}

/** Throws the first error. */
export async function allOf<T>(...given: Parameters<typeof together<T>>): Promise<T[]> {
  return (await together(...given)).map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}
