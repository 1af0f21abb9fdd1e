/** How many steps go into one native call. */

/** Seconds that a call should last: long enough that its cost does not show, short enough to stop at once. */
const callSeconds = 0.1

/** `secondsPerStep` is 0 before the first call; `due` is the number of steps until something else has to happen. */
export function stepsOfCall(secondsPerStep: number, due: number): number {
  if (secondsPerStep <= 0) return 1
  return Math.max(1, Math.min(due, Math.floor(callSeconds / secondsPerStep)))
}

/** Steps until one of the periods is over, or the run. */
export function stepsUntilDue(step: number, steps: number, periods: readonly number[]): number {
  return Math.min(steps - step, ...periods.map((period) => period - (step % period)))
}
