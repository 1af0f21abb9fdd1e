/** What every schedule is: plain data, and rates that follow from the data and the step. */
import { PreresnetError } from '../errors.js'
import { checkRunLength, type RunLength } from './duration.js'

const kinds = ['constant', 'multiStep', 'cosine', 'linearWarmup', 'oneCycle', 'poly'] as const
/** Kind of a schedule, which is the name of the function that makes it. */
export type ScheduleKind = (typeof kinds)[number]

/**
 * The learning rate as a function of the step: `constant`, `multiStep`, `cosine`, `linearWarmup`, `oneCycle` or `poly` makes one. It is plain data, which
 * JSON.stringify writes and `scheduleFrom` reads. `fit` tells a schedule the length of its run; a training loop of one's own calls `resolve` where a length is
 * given in epochs or as a fraction, or is not given.
 */
export interface Schedule {
  /** Name of the function that makes such a schedule. */
  readonly kind: ScheduleKind
  /** Whether all lengths are in steps, so that `at` can tell the rate. */
  readonly resolved: boolean
  /**
   * Tells the rate of a step.
   * @param step - The step's index is an integer of at least 0; the first step is 0.
   * @returns The rate is a number of at least 0.
   * @throws ERR_OPTION for a step that is none, and where the schedule is not resolved.
   */
  at(step: number): number
  /**
   * Makes the same schedule with all lengths in steps; a schedule that is resolved already is returned as it is.
   * @param run - It has `steps` of the whole run, for fractions and lengths that are not given, and `stepsPerEpoch`, for epochs; what no length needs may be left
   * out.
   * @throws ERR_OPTION where a needed one is missing, or the lengths do not fit together, such as a warm-up that is longer than its schedule.
   */
  resolve(run: RunLength): Schedule
}

/** The three functions are not enumerable, so JSON has only the data. */
function withFunctions(data: object, functions: Omit<Schedule, 'kind'>): Schedule {
  const hidden = Object.fromEntries(Object.entries(functions).map(([key, value]) => [key, { value, enumerable: false }]))
  return Object.freeze(Object.defineProperties(data, hidden)) as unknown as Schedule
}

/** Of data in which every length is in steps. */
export function resolvedSchedule(kind: ScheduleKind, data: object, rate: (step: number) => number): Schedule {
  const made: Schedule = withFunctions(
    { kind, ...data },
    {
      resolved: true,
      at(step) {
        if (Number.isSafeInteger(step) && step >= 0) return rate(step)
        throw new PreresnetError('ERR_OPTION', `${kind}: expected a step of at least 0, got ${step}`)
      },
      resolve(run) {
        checkRunLength(`${kind}: resolve`, run)
        return made
      },
    },
  )
  return made
}

/** Of data whose lengths follow from the run; `open` are those, by name. */
export function openSchedule(kind: ScheduleKind, data: object, open: Readonly<Record<string, unknown>>, resolve: (run: RunLength) => Schedule): Schedule {
  return withFunctions(
    { kind, ...data },
    {
      resolved: false,
      at() {
        throw new PreresnetError(
          'ERR_OPTION',
          `${kind}: expected a resolved schedule, got one whose lengths follow from the run (${JSON.stringify(open)}); fit resolves it, and a training loop of ` +
            'your own calls schedule.resolve({ steps, stepsPerEpoch }) before its first step',
        )
      },
      resolve: (run) => resolve(checkRunLength(`${kind}: resolve`, run)),
    },
  )
}

export function isSchedule(value: unknown): value is Schedule {
  if (typeof value !== 'object' || value === null) return false
  const { at, resolve, kind } = value as Partial<Schedule>
  return typeof at === 'function' && typeof resolve === 'function' && kinds.includes(kind!)
}
