// The time that a call of the driver may take, so that a machine that is quiet for minutes only can be used several times.
import { Stop } from '../../scripts/support/run.mjs'

/** seconds: of all its work; undefined: as long as it takes. */
export function startClock(seconds = Infinity) {
  const end = performance.now() + 1000 * seconds
  let longest = 0
  return {
    /** Does the work, unless it would end too late if it took as long as the longest before it, which is a Stop. */
    async within(work) {
      const begin = performance.now()
      if (begin + longest > end) throw Object.assign(new Stop('the time is up: --resume goes on from here'), { timeIsUp: true })
      const result = await work()
      longest = Math.max(longest, performance.now() - begin)
      return result
    },
    /** What was the longest of one row's work says nothing of another's. */
    nextRow() {
      longest = 0
    },
  }
}
