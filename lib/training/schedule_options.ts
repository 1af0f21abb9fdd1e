/** The options of schedules. */
import { fields, integer, invalid, number } from '../options/values.js'
import { numberOption, valueOption, type Given, type Table } from '../options/spec.js'
import { acceptedDuration, readDuration, readDurations, type Duration } from './duration.js'
import { isSchedule, type Schedule } from './schedule.js'

const group = 'Learning rate'

/** Places of a run at which the rate falls, counted from the first step. They rise, and are each in a unit of its own, or all in one. */
export type Milestones =
  | readonly Duration[]
  | {
      /** The numbers of steps [milestones] are integers of at least 0. */
      readonly steps: readonly number[]
    }
  | {
      /** The numbers of passes over the training images (epochs) [milestones] are at least 0. */
      readonly epochs: readonly number[]
    }
  | {
      /** The fractions of the run [milestones] are numbers from 0 to 1. */
      readonly fraction: readonly number[]
    }

/**
 * The first steps, before a schedule is at its base rate. A duration alone is a linear climb: of n steps the first has a rate of base / (n + 1). With a `rate`
 * all of them have that one, as the first 400 steps of the paper (Appendix, "Implementation Details"): `{ steps: 400, rate: 0.01 }`.
 */
export type Warmup =
  | Duration
  | (Exclude<Duration, number> & {
      /** The learning rate of all these steps is a number of at least 0. */
      readonly rate: number
    })

const acceptedMilestones = 'an array of durations, { steps: [n, ...] }, { epochs: [x, ...] } or { fraction: [f, ...] }'
const acceptedWarmup = `${acceptedDuration(0)}, each of which may have a rate`

function readWarmup(where: string, value: unknown): Warmup {
  const duration = readDuration(where, value, 0, acceptedWarmup, ['rate'])
  const given = fields(value)['rate']
  if (given === undefined) return duration
  const rate = number(`${where}.rate`, given, 0)
  return typeof duration === 'number' ? { steps: duration, rate } : { ...duration, rate }
}

/** Of one unit they must rise; those of different units are compared when the run is known. */
function readMilestones(where: string, value: unknown): readonly Duration[] {
  const milestones = readDurations(where, value, acceptedMilestones)
  for (const [index, milestone] of milestones.entries()) {
    const before = milestones[index - 1]
    if (typeof milestone === 'number' && typeof before === 'number') integer(`${where} (rising)`, milestone, before + 1)
    for (const unit of ['epochs', 'fraction'] as const) {
      const [last, next] = [fields(before)[unit], fields(milestone)[unit]]
      if (typeof last === 'number' && typeof next === 'number' && next <= last) throw invalid(`${where} (rising)`, `more than ${last} (${unit})`, next)
    }
  }
  return milestones
}

/** The length of a schedule. */
const lengthOf = (minimum: number, help: string) =>
  valueOption<Duration>()({
    group,
    help,
    accepts: acceptedDuration(minimum),
    fallback: Object.freeze({ fraction: 1 }),
    usual: 'the whole run',
    read: (where, value) => readDuration(where, value, minimum),
  })

export const constantOptions = {
  /** Rate of all steps. Give a number of at least 0 (rate). */
  rate: numberOption({ group, help: 'rate of all steps', unit: 'rate', minimum: 0, required: true }),
} satisfies Table

export const multiStepOptions = {
  /** Base learning rate. Give a number of at least 0 (rate). */
  base: numberOption({ group, help: 'base learning rate', unit: 'rate', minimum: 0, required: true }),
  /**
   * Points of the run, rising; from each on the rate is multiplied by the factor once more; those that fall on the same step of a short run count once. Give an
   * array of durations, { steps: [n, ...] }, { epochs: [x, ...] } or { fraction: [f, ...] }.
   */
  milestones: valueOption<Milestones>()({
    group,
    help: 'points of the run, rising; from each on the rate is multiplied by the factor once more; those that fall on the same step of a short run count once',
    accepts: acceptedMilestones,
    required: true,
    read: readMilestones,
  }),
  /** Factor at milestones. Give a number of at least 0 (factor). @default 0.1 */
  factor: numberOption({ group, help: 'factor at milestones', unit: 'factor', minimum: 0, fallback: 0.1 }),
  /**
   * The first steps, a linear climb to the base rate; with a rate, such as { steps: 400, rate: 0.01 }, that rate for all of them. Give an integer of at least 0
   * (steps), { steps: n }, { epochs: x } or { fraction: f }, each of which may have a rate.
   * @default none
   */
  warmup: valueOption<Warmup>()({
    group,
    help: 'the first steps, a linear climb to the base rate; with a rate, such as { steps: 400, rate: 0.01 }, that rate for all of them',
    accepts: acceptedWarmup,
    usual: 'none',
    read: readWarmup,
  }),
} satisfies Table

export const cosineOptions = {
  /** Base learning rate. Give a number of at least 0 (rate). */
  base: multiStepOptions.base,
  /** When the rate is final; it stays there. Give an integer of at least 1 (steps), { steps: n }, { epochs: x } or { fraction: f }. @default the whole run */
  steps: lengthOf(1, 'when the rate is final; it stays there'),
  /** Last rate. Give a number of at least 0 (rate). @default 0 */
  final: numberOption({ group, help: 'last rate', unit: 'rate', minimum: 0, fallback: 0 }),
  /**
   * The first steps, a linear climb to the base rate; with a rate, such as { steps: 400, rate: 0.01 }, that rate for all of them. Give an integer of at least 0
   * (steps), { steps: n }, { epochs: x } or { fraction: f }, each of which may have a rate.
   * @default none
   */
  warmup: multiStepOptions.warmup,
} satisfies Table

export const linearWarmupOptions = {
  /** Length of a linear climb from start to what then has at its end. Give an integer of at least 1 (steps), { steps: n }, { epochs: x } or { fraction: f }. */
  steps: valueOption<Duration>()({
    group,
    help: 'length of a linear climb from start to what then has at its end',
    accepts: acceptedDuration(1),
    required: true,
    read: (where, value) => readDuration(where, value, 1),
  }),
  /** First rate. Give a number of at least 0 (rate). @default 0 */
  start: numberOption({ group, help: 'first rate', unit: 'rate', minimum: 0, fallback: 0 }),
  /** The schedule after the climb, on the same count of steps. Give a schedule. */
  then: valueOption<Schedule>()({
    group,
    help: 'the schedule after the climb, on the same count of steps',
    accepts: 'a schedule',
    required: true,
    read(where, value) {
      if (isSchedule(value)) return value
      throw invalid(where, 'a schedule', value)
    },
  }),
} satisfies Table

export const oneCycleOptions = {
  /** Largest rate. Give a number of at least 0 (rate). */
  peak: numberOption({ group, help: 'largest rate', unit: 'rate', minimum: 0, required: true }),
  /** Length of climb and descent. Give an integer of at least 2 (steps), { steps: n }, { epochs: x } or { fraction: f }. @default the whole run */
  steps: lengthOf(2, 'length of climb and descent'),
  /**
   * The climb from start to peak; as a fraction it is one of the whole cycle, and the peak may lie between two steps. Give an integer of at least 0 (steps), {
   * steps: n }, { epochs: x } or { fraction: f }.
   * @default { fraction: 0.3 }
   */
  warmup: valueOption<Duration>()({
    group,
    help: 'the climb from start to peak; as a fraction it is one of the whole cycle, and the peak may lie between two steps',
    accepts: acceptedDuration(0),
    fallback: Object.freeze({ fraction: 0.3 }),
    usual: '{ fraction: 0.3 }',
    read: (where, value) => readDuration(where, value, 0),
  }),
  /** First rate. Give a number of at least 0 (rate). @default peak / 25 */
  start: numberOption({ group, help: 'first rate', unit: 'rate', minimum: 0, usual: 'peak / 25' }),
  /** Last rate. Give a number of at least 0 (rate). @default start / 10000 */
  final: numberOption({ group, help: 'last rate', unit: 'rate', minimum: 0, usual: 'start / 10000' }),
} satisfies Table

export const polyOptions = {
  /** Base learning rate. Give a number of at least 0 (rate). */
  base: multiStepOptions.base,
  /** When the rate is final; it stays there. Give an integer of at least 1 (steps), { steps: n }, { epochs: x } or { fraction: f }. @default the whole run */
  steps: cosineOptions.steps,
  /** Exponent of the share of steps that are left. Give a number of at least 0 (exponent). @default 1 */
  power: numberOption({ group, help: 'exponent of the share of steps that are left', unit: 'exponent', minimum: 0, fallback: 1 }),
  /** Last rate. Give a number of at least 0 (rate). @default 0 */
  final: cosineOptions.final,
  /**
   * The first steps, a linear climb to the base rate; with a rate, such as { steps: 400, rate: 0.01 }, that rate for all of them. Give an integer of at least 0
   * (steps), { steps: n }, { epochs: x } or { fraction: f }, each of which may have a rate.
   * @default none
   */
  warmup: multiStepOptions.warmup,
} satisfies Table

/** Options that `constant` takes. */
export type ConstantOptions = Given<typeof constantOptions>
/** Options that `multiStep` takes. */
export type MultiStepOptions = Given<typeof multiStepOptions>
/** Options that `cosine` takes. */
export type CosineOptions = Given<typeof cosineOptions>
/** Options that `linearWarmup` takes. */
export type LinearWarmupOptions = Given<typeof linearWarmupOptions>
/** Options that `oneCycle` takes. */
export type OneCycleOptions = Given<typeof oneCycleOptions>
/** Options that `poly` takes. */
export type PolyOptions = Given<typeof polyOptions>
