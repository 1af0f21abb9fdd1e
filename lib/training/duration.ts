/** How long a part of a schedule lasts, or when it comes: in steps, or relative to a run whose length is known later. */
import { PreresnetError } from '../errors.js'
import { checkOptions } from '../options/check.js'
import { integerOption, type Given, type Table } from '../options/spec.js'
import { fields, integer, invalid, isObject, knownKeys, number } from '../options/values.js'

const units = ['steps', 'epochs', 'fraction'] as const
type Unit = (typeof units)[number]

/**
 * A length of a schedule, or the place of a milestone counted from the first step. A number counts steps, as `{ steps: n }` does; `{ epochs: x }` counts passes
 * over the training images, and may have a fraction; `{ fraction: f }`, from 0 to 1, is a part of the whole: of the run for a schedule's length and its
 * milestones, of the schedule's length for its warm-up. Epochs are rounded to the nearest step, fractions down to one; what is above 0 is at least one step.
 */
export type Duration =
  | number
  | {
      /** The number of steps is an integer of at least 0, of a whole schedule at least 1. */
      readonly steps: number
      readonly epochs?: undefined
      readonly fraction?: undefined
    }
  | {
      /** The number of passes over the training images (epochs) is at least 0, of a whole schedule above 0. */
      readonly epochs: number
      readonly steps?: undefined
      readonly fraction?: undefined
    }
  | {
      /** The fraction of the whole is a number from 0 to 1, of a whole schedule above 0. */
      readonly fraction: number
      readonly steps?: undefined
      readonly epochs?: undefined
    }

export const runLengthOptions = {
  /** Steps of the whole run, of which fractions are taken. Give an integer of at least 1 (steps). @default undefined */
  steps: integerOption({ group: 'Learning rate', help: 'steps of the whole run, of which fractions are taken', unit: 'steps', minimum: 1 }),
  /** Steps of one pass over the training images, by which epochs are counted. Give an integer of at least 1 (steps). @default undefined */
  stepsPerEpoch: integerOption({
    group: 'Learning rate',
    help: 'steps of one pass over the training images, by which epochs are counted',
    unit: 'steps',
    minimum: 1,
  }),
} satisfies Table

/** Options of a schedule's `resolve`: what it has to know of a run. */
export type RunLength = Given<typeof runLengthOptions>

export const checkRunLength = (where: string, run: unknown): RunLength => checkOptions(where, runLengthOptions, run)

/** As errors say it. */
export const acceptedDuration = (minimum: number): string => `an integer of at least ${minimum} (steps), { steps: n }, { epochs: x } or { fraction: f }`

/** Steps as a number. `minimum` is that of steps; where it is above 0, so are epochs and fractions. `more` are keys that may stand beside the unit. */
export function readDuration(where: string, value: unknown, minimum: number, accepts = acceptedDuration(minimum), more: readonly string[] = []): Duration {
  if (typeof value === 'number') return integer(where, value, minimum)
  if (!isObject(value)) throw invalid(where, accepts, value)
  const unit = unitOf(where, value, more)
  return inUnit(`${where}.${unit}`, unit, value[unit], minimum)
}

/** Either durations of any unit, or numbers of one: `{ epochs: [82, 123] }`. */
export function readDurations(where: string, value: unknown, accepts: string): readonly Duration[] {
  if (Array.isArray(value)) return value.map((item, index) => readDuration(`${where}[${index}]`, item, 0))
  if (!isObject(value)) throw invalid(where, accepts, value)
  const unit = unitOf(where, value)
  const items = value[unit]
  if (!Array.isArray(items)) throw invalid(`${where}.${unit}`, 'an array of numbers', items)
  return items.map((item, index) => inUnit(`${where}.${unit}[${index}]`, unit, item, 0))
}

function unitOf(where: string, value: object, more: readonly string[] = []): Unit {
  knownKeys(where, value, [...units, ...more])
  const [unit, ...others] = units.filter((unit) => fields(value)[unit] !== undefined)
  if (unit === undefined || others.length > 0) throw invalid(where, `one of ${units.join(', ')}`, value)
  return unit
}

function inUnit(where: string, unit: Unit, value: unknown, minimum: number): Duration {
  if (unit === 'steps') return integer(where, value, minimum)
  const amount = number(where, value, 0, unit === 'fraction' ? 1 : Infinity)
  if (minimum > 0 && amount === 0) throw invalid(where, 'a number above 0', value)
  return unit === 'epochs' ? { epochs: amount } : { fraction: amount }
}

/** Whether it is relative to a run. */
export const isRelative = (duration: Duration): boolean => typeof duration === 'object' && duration.steps === undefined

/** Steps of a duration in a run. */
export function stepsOf(where: string, duration: Duration, run: RunLength): number {
  if (typeof duration === 'number') return duration
  if (duration.steps !== undefined) return duration.steps
  if (duration.epochs !== undefined) return atLeastOne(duration.epochs, Math.round(duration.epochs * needed(where, 'stepsPerEpoch', duration, run)))
  const part = duration.fraction * needed(where, 'steps', duration, run)
  const near = Math.round(part)
  // Down, but not because the product is inexact: 0.29 * 100 is less than 29.
  return atLeastOne(duration.fraction, Math.abs(part - near) < 1e-6 ? near : Math.floor(part))
}

const atLeastOne = (amount: number, steps: number): number => (amount > 0 ? Math.max(1, steps) : 0)

function needed(where: string, key: keyof RunLength, duration: Duration, run: RunLength): number {
  const value = run[key]
  if (value !== undefined) return value
  throw new PreresnetError('ERR_OPTION', `${where}: expected ${key} of the run for ${JSON.stringify(duration)}, got ${JSON.stringify(run)}`)
}
