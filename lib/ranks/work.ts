/** Work of a rank from its beginning to the moment at which all have done theirs. */
import { PreresnetError } from '../errors.js'
import type { Ranks } from './ranks.js'

/** Does the work, and leaves when all have done it. Where it fails, the others are told. */
export async function untilAllLeave<T>(ranks: Ranks, work: (ranks: Ranks) => Promise<T>): Promise<T> {
  try {
    const result = await work(ranks)
    await ranks.leave()
    return result
  } catch (error) {
    ranks.fail(error)
    // Launchers end all processes as soon as one has ended: until the others have heard of the error, so that they can print it, this one stays.
    if (!(error instanceof PreresnetError && error.code === 'ERR_RANK')) await ranks.leave().catch(() => undefined)
    throw error
  }
}
