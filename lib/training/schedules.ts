/**
 * Learning rates as functions of the step alone (the first step is 0), and plain data: JSON.stringify writes a schedule,
 * `scheduleFrom` reads it. What has a warm-up runs it first, on the same count of steps.
 */
import { PreresnetError } from '../errors.js'
import { checkInner, checkOptions, withDefaults } from '../options/check.js'
import { integerOption, integersOption, numberOption, objectOption, valueOption, type Given, type Table, type ValuesOf } from '../options/spec.js'
import { integer, invalid, oneOf } from '../options/values.js'

export interface Schedule {
  readonly kind: ScheduleKind
  /** The rate of a step. */
  at(step: number): number
}

const group = 'Learning rate'

export const warmupOptions = {
  /** First steps with a rate of their own. Give an integer of at least 0 (steps). */
  steps: integerOption({ group, help: 'first steps with a rate of their own', unit: 'steps', minimum: 0, required: true }),
  /** The rate during the warm-up, as the paper's 0.01 for 400 steps. Give a number of at least 0 (rate). */
  rate: numberOption({ group, help: "the rate during the warm-up, as the paper's 0.01 for 400 steps", unit: 'rate', minimum: 0, required: true }),
} satisfies Table

export const constantOptions = {
  /** Rate of all steps. Give a number of at least 0 (rate). */
  rate: numberOption({ group, help: 'rate of all steps', unit: 'rate', minimum: 0, required: true }),
} satisfies Table

export const multiStepOptions = {
  /** Base learning rate. Give a number of at least 0 (rate). */
  base: numberOption({ group, help: 'base learning rate', unit: 'rate', minimum: 0, required: true }),
  /** Rising steps, from each of which on the rate is multiplied by the factor once more. Give an array of integers of at least 0 (step). */
  milestones: integersOption({
    group,
    help: 'rising steps, from each of which on the rate is multiplied by the factor once more',
    unit: 'step',
    minimum: 0,
    required: true,
  }),
  /** Factor at milestones. Give a number of at least 0 (factor). @default 0.1 */
  factor: numberOption({ group, help: 'factor at milestones', unit: 'factor', minimum: 0, fallback: 0.1 }),
  /** First steps with a rate of their own. Give an object of options. @default undefined */
  warmup: objectOption({ group, help: 'first steps with a rate of their own' }, warmupOptions, (where, value) => checkInner(where, warmupOptions, value)),
} satisfies Table

export const cosineOptions = {
  /** Base learning rate. Give a number of at least 0 (rate). */
  base: multiStepOptions.base,
  /** Steps until the rate is final; it stays there. Give an integer of at least 1 (steps). */
  steps: integerOption({ group, help: 'steps until the rate is final; it stays there', unit: 'steps', minimum: 1, required: true }),
  /** Last rate. Give a number of at least 0 (rate). @default 0 */
  final: numberOption({ group, help: 'last rate', unit: 'rate', minimum: 0, fallback: 0 }),
  /** A linear climb to base over so many steps, then the cosine over the rest. Give an integer of at least 0 (steps). @default 0 */
  warmupSteps: integerOption({
    group,
    help: 'a linear climb to base over so many steps, then the cosine over the rest',
    unit: 'steps',
    minimum: 0,
    fallback: 0,
  }),
} satisfies Table

export const linearWarmupOptions = {
  /** Steps of a linear climb from start to what then has at that step. Give an integer of at least 1 (steps). */
  steps: integerOption({ group, help: 'steps of a linear climb from start to what then has at that step', unit: 'steps', minimum: 1, required: true }),
  /** First rate. Give a number of at least 0 (rate). @default 0 */
  start: numberOption({ group, help: 'first rate', unit: 'rate', minimum: 0, fallback: 0 }),
  /** The schedule after the climb. Give a schedule. */
  then: valueOption<Schedule>()({
    group,
    help: 'the schedule after the climb',
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
  /** Steps of climb and descent. Give an integer of at least 2 (steps). */
  steps: integerOption({ group, help: 'steps of climb and descent', unit: 'steps', minimum: 2, required: true }),
  /** Share of the steps that the climb takes. Give a number from 0 to 1 (share). @default 0.3 */
  climb: numberOption({ group, help: 'share of the steps that the climb takes', unit: 'share', minimum: 0, maximum: 1, fallback: 0.3 }),
  /** First rate. Give a number of at least 0 (rate). @default peak / 25 */
  start: numberOption({ group, help: 'first rate', unit: 'rate', minimum: 0, usual: 'peak / 25' }),
  /** Last rate. Give a number of at least 0 (rate). @default start / 10000 */
  final: numberOption({ group, help: 'last rate', unit: 'rate', minimum: 0, usual: 'start / 10000' }),
} satisfies Table

export const polyOptions = {
  /** Base learning rate. Give a number of at least 0 (rate). */
  base: multiStepOptions.base,
  /** Steps until the rate is final; it stays there. Give an integer of at least 1 (steps). */
  steps: cosineOptions.steps,
  /** Exponent of the share of steps that are left. Give a number of at least 0 (exponent). @default 1 */
  power: numberOption({ group, help: 'exponent of the share of steps that are left', unit: 'exponent', minimum: 0, fallback: 1 }),
  /** Last rate. Give a number of at least 0 (rate). @default 0 */
  final: cosineOptions.final,
} satisfies Table

export type Warmup = Given<typeof warmupOptions>
export type ConstantOptions = Given<typeof constantOptions>
export type MultiStepOptions = Given<typeof multiStepOptions>
export type CosineOptions = Given<typeof cosineOptions>
export type LinearWarmupOptions = Given<typeof linearWarmupOptions>
export type OneCycleOptions = Given<typeof oneCycleOptions>
export type PolyOptions = Given<typeof polyOptions>

const read = <S extends Table>(where: string, table: S, options: unknown): ValuesOf<S> => withDefaults(table, checkOptions(where, table, options))

export function constant(options: ConstantOptions): Schedule {
  const { rate } = read('constant', constantOptions, options)
  return schedule('constant', { rate }, () => rate)
}

/** The paper's: a base rate, divided at milestones. */
export function multiStep(options: MultiStepOptions): Schedule {
  const { base, factor, milestones, warmup } = read('multiStep', multiStepOptions, options)
  checkRising('multiStep: milestones', milestones)
  return schedule('multiStep', { base, milestones, factor, ...(warmup && { warmup }) }, (step) => {
    if (warmup !== undefined && step < warmup.steps) return warmup.rate
    return base * factor ** milestones.filter((milestone) => step >= milestone).length
  })
}

export function cosine(options: CosineOptions): Schedule {
  const { base, steps, final, warmupSteps } = read('cosine', cosineOptions, options)
  integer('cosine: warmupSteps', warmupSteps, 0, steps - 1)
  return schedule('cosine', { base, steps, final, warmupSteps }, (step) => {
    if (step < warmupSteps) return (base * (step + 1)) / (warmupSteps + 1)
    return final + (base - final) * halfCosine((step - warmupSteps) / (steps - warmupSteps))
  })
}

/** Climbs linearly, then goes on as another schedule. */
export function linearWarmup(options: LinearWarmupOptions): Schedule {
  const { steps, start, then } = read('linearWarmup', linearWarmupOptions, options)
  const end = then.at(steps)
  return schedule('linearWarmup', { steps, start, then }, (step) => (step < steps ? start + ((end - start) * step) / steps : then.at(step)))
}

/** One climb and one long descent, both along half a cosine. */
export function oneCycle(options: OneCycleOptions): Schedule {
  const { peak, steps, climb, start = peak / 25, final = start / 1e4 } = read('oneCycle', oneCycleOptions, options)
  const top = climb * (steps - 1)
  return schedule('oneCycle', { peak, steps, climb, start, final }, (step) => {
    if (step < top) return peak + (start - peak) * halfCosine(step / top)
    return final + (peak - final) * halfCosine(top === steps - 1 ? 1 : (step - top) / (steps - 1 - top))
  })
}

export function poly(options: PolyOptions): Schedule {
  const { base, steps, power, final } = read('poly', polyOptions, options)
  return schedule('poly', { base, steps, power, final }, (step) => final + (base - final) * Math.max(0, 1 - step / steps) ** power)
}

const makers = { constant, multiStep, cosine, linearWarmup, oneCycle, poly } as const
type ScheduleKind = keyof typeof makers

/** Reads what JSON.stringify made of a schedule. */
export function scheduleFrom(data: unknown): Schedule {
  if (typeof data !== 'object' || data === null) throw invalid('schedule', 'an object', data)
  const { kind, ...options } = data as { kind?: unknown }
  const known = oneOf('schedule: kind', kind, Object.keys(makers) as ScheduleKind[])
  if (known === 'linearWarmup') return linearWarmup({ ...(options as LinearWarmupOptions), then: scheduleFrom((options as LinearWarmupOptions).then) })
  return makers[known](options as never)
}

/** Data that the rate is a function of; the function itself is not enumerable, so JSON leaves it out. */
function schedule(kind: ScheduleKind, data: Readonly<Record<string, unknown>>, at: (step: number) => number): Schedule {
  const checked = (step: number): number => {
    if (Number.isSafeInteger(step) && step >= 0) return at(step)
    throw new PreresnetError('ERR_OPTION', `${kind}: expected a step of at least 0, got ${step}`)
  }
  return Object.freeze(Object.defineProperty({ kind, ...data }, 'at', { value: checked, enumerable: false })) as unknown as Schedule
}

export function isSchedule(value: unknown): value is Schedule {
  return typeof value === 'object' && value !== null && typeof (value as Schedule).at === 'function' && (value as Schedule).kind in makers
}

function checkRising(where: string, steps: readonly number[]): void {
  let last = -1
  for (const step of steps) last = integer(`${where} (rising)`, step, last + 1)
}

/** From 1 at 0 to 0 at 1 and beyond. */
const halfCosine = (share: number): number => (1 + Math.cos(Math.PI * Math.min(1, share))) / 2
