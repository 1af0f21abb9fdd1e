/**
 * Learning rates as functions of the step alone (the first step is 0), and plain data: JSON.stringify writes a schedule,
 * `scheduleFrom` reads it. What has a warm-up runs it first, on the same count of steps.
 */
import { PreresnetError } from '../errors.js'
import { integer, invalid, knownKeys, number, oneOf } from '../options/values.js'

export interface Schedule {
  readonly kind: ScheduleKind
  /** The rate of a step. */
  at(step: number): number
}

export interface Warmup {
  readonly steps: number
  /** Constant during the warm-up, as the paper's 0.01 for 400 steps. */
  readonly rate: number
}

export interface ConstantOptions {
  readonly rate: number
}
export interface MultiStepOptions {
  readonly base: number
  /** Rising; from each of these steps on the rate is multiplied by `factor` once more. */
  readonly milestones: readonly number[]
  /** @default 0.1 */
  readonly factor?: number
  readonly warmup?: Warmup
}
export interface CosineOptions {
  readonly base: number
  /** Steps until the rate is `final`; it stays there. */
  readonly steps: number
  /** @default 0 */
  readonly final?: number
  /** A linear climb to `base` over so many steps, then the cosine over the rest. @default 0 */
  readonly warmupSteps?: number
}
export interface LinearWarmupOptions {
  /** Steps of a linear climb from `start` to what `then` has at that step. */
  readonly steps: number
  /** @default 0 */
  readonly start?: number
  readonly then: Schedule
}
export interface OneCycleOptions {
  readonly peak: number
  readonly steps: number
  /** Share of the steps that the climb takes. @default 0.3 */
  readonly climb?: number
  /** @default peak / 25 */
  readonly start?: number
  /** @default start / 10000 */
  readonly final?: number
}
export interface PolyOptions {
  readonly base: number
  readonly steps: number
  /** @default 1 */
  readonly power?: number
  /** @default 0 */
  readonly final?: number
}

export function constant(options: ConstantOptions): Schedule {
  knownKeys('constant', options, ['rate'])
  const rate = number('constant: rate', options.rate, 0)
  return schedule('constant', { rate }, () => rate)
}

/** The paper's: a base rate, divided at milestones. */
export function multiStep(options: MultiStepOptions): Schedule {
  knownKeys('multiStep', options, ['base', 'milestones', 'factor', 'warmup'])
  const base = number('multiStep: base', options.base, 0)
  const factor = number('multiStep: factor', options.factor ?? 0.1, 0)
  const milestones = risingSteps('multiStep: milestones', options.milestones)
  const warmup = options.warmup && { ...options.warmup }
  if (warmup !== undefined) {
    knownKeys('multiStep: warmup', warmup, ['steps', 'rate'])
    integer('multiStep: warmup.steps', warmup.steps, 0)
    number('multiStep: warmup.rate', warmup.rate, 0)
  }
  return schedule('multiStep', { base, milestones, factor, ...(warmup && { warmup }) }, (step) => {
    if (warmup !== undefined && step < warmup.steps) return warmup.rate
    return base * factor ** milestones.filter((milestone) => step >= milestone).length
  })
}

export function cosine(options: CosineOptions): Schedule {
  knownKeys('cosine', options, ['base', 'steps', 'final', 'warmupSteps'])
  const base = number('cosine: base', options.base, 0)
  const steps = integer('cosine: steps', options.steps, 1)
  const final = number('cosine: final', options.final ?? 0, 0)
  const warmupSteps = integer('cosine: warmupSteps', options.warmupSteps ?? 0, 0, steps - 1)
  return schedule('cosine', { base, steps, final, warmupSteps }, (step) => {
    if (step < warmupSteps) return (base * (step + 1)) / (warmupSteps + 1)
    return final + (base - final) * halfCosine((step - warmupSteps) / (steps - warmupSteps))
  })
}

/** Climbs linearly, then goes on as another schedule. */
export function linearWarmup(options: LinearWarmupOptions): Schedule {
  knownKeys('linearWarmup', options, ['steps', 'start', 'then'])
  const steps = integer('linearWarmup: steps', options.steps, 1)
  const start = number('linearWarmup: start', options.start ?? 0, 0)
  const { then } = options
  if (!isSchedule(then)) throw invalid('linearWarmup: then', 'a schedule', then)
  const end = then.at(steps)
  return schedule('linearWarmup', { steps, start, then }, (step) => (step < steps ? start + ((end - start) * step) / steps : then.at(step)))
}

/** One climb and one long descent, both along half a cosine. */
export function oneCycle(options: OneCycleOptions): Schedule {
  knownKeys('oneCycle', options, ['peak', 'steps', 'climb', 'start', 'final'])
  const peak = number('oneCycle: peak', options.peak, 0)
  const steps = integer('oneCycle: steps', options.steps, 2)
  const climb = number('oneCycle: climb', options.climb ?? 0.3, 0, 1)
  const start = number('oneCycle: start', options.start ?? peak / 25, 0)
  const final = number('oneCycle: final', options.final ?? start / 1e4, 0)
  const top = climb * (steps - 1)
  return schedule('oneCycle', { peak, steps, climb, start, final }, (step) => {
    if (step < top) return peak + (start - peak) * halfCosine(step / top)
    return final + (peak - final) * halfCosine(top === steps - 1 ? 1 : (step - top) / (steps - 1 - top))
  })
}

export function poly(options: PolyOptions): Schedule {
  knownKeys('poly', options, ['base', 'steps', 'power', 'final'])
  const base = number('poly: base', options.base, 0)
  const steps = integer('poly: steps', options.steps, 1)
  const power = number('poly: power', options.power ?? 1, 0)
  const final = number('poly: final', options.final ?? 0, 0)
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

function risingSteps(where: string, value: unknown): readonly number[] {
  if (!Array.isArray(value)) throw invalid(where, 'a list of steps', value)
  let last = -1
  for (const step of value as unknown[]) last = integer(`${where} (rising)`, step, last + 1)
  return [...(value as number[])]
}

/** From 1 at 0 to 0 at 1 and beyond. */
const halfCosine = (share: number): number => (1 + Math.cos(Math.PI * Math.min(1, share))) / 2
