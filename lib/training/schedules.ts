/**
 * Learning rates as functions of the step alone, and plain data: JSON.stringify writes a schedule, `scheduleFrom` reads it. A schedule whose lengths are all in
 * steps is resolved; another one becomes so when the lengths of the run are known.
 */
import { checkOptions, withDefaults } from '../options/check.js'
import type { Table, ValuesOf } from '../options/spec.js'
import { defined, integer, invalid, oneOf } from '../options/values.js'
import { isRelative, stepsOf, type Duration, type RunLength } from './duration.js'
import { openSchedule, resolvedSchedule, type Schedule, type ScheduleKind } from './schedule.js'
import {
  constantOptions,
  cosineOptions,
  linearWarmupOptions,
  multiStepOptions,
  oneCycleOptions,
  polyOptions,
  type ConstantOptions,
  type CosineOptions,
  type LinearWarmupOptions,
  type MultiStepOptions,
  type OneCycleOptions,
  type PolyOptions,
  type Warmup,
} from './schedule_options.js'

const read = <S extends Table>(where: string, table: S, options: unknown): ValuesOf<S> => withDefaults(table, checkOptions(where, table, options))

/**
 * Makes a schedule with the same rate for all steps.
 * @param options - Its `rate` must be given.
 * @returns The schedule is resolved.
 * @throws ERR_OPTION where the rate is no number of at least 0.
 */
export function constant(options: ConstantOptions): Schedule {
  const { rate } = read('constant', constantOptions, options)
  return resolvedSchedule('constant', { rate }, () => rate)
}

/**
 * Makes a schedule in which the base rate is multiplied by a factor (0.1 by default) at each milestone, as by PyTorch's MultiStepLR. The paper's runs on CIFAR
 * (Appendix, "Implementation Details") have `multiStep({ base: 0.1, milestones: [32_000, 48_000], warmup: { steps: 400, rate: 0.01 } })`.
 * @param options - The base rate and milestones must be given.
 * @returns The schedule is resolved where all its lengths are in steps.
 * @throws ERR_OPTION where a value is out of its range, or milestones do not rise.
 */
export function multiStep(options: MultiStepOptions): Schedule {
  const { base, factor, milestones: given, warmup } = read('multiStep', multiStepOptions, options)
  const milestones = given as readonly Duration[]
  return schedule('multiStep', { base, milestones, factor, warmup }, relative({ milestones, warmup }), (run) => {
    const steps = milestoneSteps(milestones, run)
    const warm = warmupOf('multiStep', warmup, run)
    return {
      data: { base, milestones: steps, factor, warmup: warm },
      rate: (step) => warmRate(base, warm, step) ?? base * factor ** steps.filter((milestone) => step >= milestone).length,
    }
  })
}

/**
 * Makes a schedule that falls along half a cosine from the base rate to the final one (0 by default), after a warm-up if there is one, as by PyTorch's
 * CosineAnnealingLR and timm's cosine. Without `steps` it takes the whole run.
 * @param options - The base rate must be given.
 * @returns The schedule is resolved where all its lengths are in steps.
 * @throws ERR_OPTION where a value is out of its range, or the warm-up is not shorter than the schedule.
 */
export function cosine(options: CosineOptions): Schedule {
  const { final, ...given } = read('cosine', cosineOptions, options)
  return declining('cosine', given, { final }, (share) => final + (given.base - final) * halfCosine(share))
}

/**
 * Makes a schedule that is the base rate times a power of the share of steps that are left, after a warm-up if there is one; a power of 1, the default, gives a
 * straight line, as PyTorch's PolynomialLR. Without `steps` it takes the whole run.
 * @param options - The base rate must be given.
 * @returns The schedule is resolved where all its lengths are in steps.
 * @throws ERR_OPTION where a value is out of its range, or the warm-up is not shorter than the schedule.
 */
export function poly(options: PolyOptions): Schedule {
  const { power, final, ...given } = read('poly', polyOptions, options)
  return declining('poly', given, { power, final }, (share) => final + (given.base - final) * Math.max(0, 1 - share) ** power)
}

/**
 * Makes a schedule that climbs linearly from `start` (0 by default) to the rate that another schedule has at the end of the climb, and goes on as that schedule,
 * on the same count of steps.
 * @param options - The length of the climb and the schedule after it must be given.
 * @returns The schedule is resolved where all its lengths, and those of the other, are in steps.
 * @throws ERR_OPTION where a value is out of its range.
 */
export function linearWarmup(options: LinearWarmupOptions): Schedule {
  const { steps: length, start, then: after } = read('linearWarmup', linearWarmupOptions, options)
  const open = { ...relative({ steps: length }), ...(!after.resolved && { then: after }) }
  return schedule('linearWarmup', { steps: length, start, then: after }, open, (run) => {
    const steps = stepsOf('linearWarmup: steps', length, run)
    const then = after.resolve(run)
    const end = then.at(steps)
    return {
      data: { steps, start, then },
      rate: (step) => (step < steps ? start + ((end - start) * step) / steps : then.at(step)),
    }
  })
}

/**
 * Makes a schedule of one climb to the peak and one long descent, both along half a cosine, as PyTorch's OneCycleLR. Without `steps` it takes the whole run.
 * @param options - The largest rate must be given.
 * @returns The schedule is resolved where all its lengths are in steps.
 * @throws ERR_OPTION where a value is out of its range, or the climb is longer than the cycle.
 */
export function oneCycle(options: OneCycleOptions): Schedule {
  const { peak, steps: length, warmup, start = peak / 25, final = start / 1e4 } = read('oneCycle', oneCycleOptions, options)
  const ofRun = isFraction(warmup) ? {} : { warmup }
  return schedule('oneCycle', { peak, steps: length, warmup, start, final }, relative({ steps: length, ...ofRun }), (run) => {
    const steps = integer('oneCycle: steps', stepsOf('oneCycle: steps', length, run), 2)
    const climb = isFraction(warmup) ? warmup : integer('oneCycle: warmup', stepsOf('oneCycle: warmup', warmup, run), 0, steps - 1)
    const top = typeof climb === 'number' ? climb : climb.fraction * (steps - 1)
    return {
      data: { peak, steps, warmup: climb, start, final },
      rate(step) {
        if (step < top) return peak + (start - peak) * halfCosine(step / top)
        return final + (peak - final) * halfCosine(top === steps - 1 ? 1 : (step - top) / (steps - 1 - top))
      },
    }
  })
}

const makers = { constant, multiStep, cosine, linearWarmup, oneCycle, poly } as const satisfies Record<ScheduleKind, unknown>

/**
 * Reads what JSON.stringify made of a schedule, resolved or not.
 * @param data - An object is needed that JSON.parse gave.
 * @returns The schedule has the same rates.
 * @throws ERR_OPTION where the data are none of a schedule.
 */
export function scheduleFrom(data: unknown): Schedule {
  if (typeof data !== 'object' || data === null) throw invalid('schedule', 'an object', data)
  const { kind, ...options } = data as { kind?: unknown }
  const known = oneOf('schedule: kind', kind, Object.keys(makers) as ScheduleKind[])
  if (known === 'linearWarmup') return linearWarmup({ ...(options as LinearWarmupOptions), then: scheduleFrom((options as LinearWarmupOptions).then) })
  return makers[known](options as never)
}

/** In steps: what is written of a schedule, and the rates that follow from it. */
interface Settled {
  readonly data: object
  readonly rate: (step: number) => number
}

/** Resolved at once where no length is relative to the run; then what does not fit together is refused where it is said. */
function schedule(kind: ScheduleKind, data: object, open: Readonly<Record<string, unknown>>, settle: (run: RunLength) => Settled): Schedule {
  const resolve = (run: RunLength): Schedule => {
    const { data: settled, rate } = settle(run)
    return resolvedSchedule(kind, defined(settled), rate)
  }
  return Object.keys(open).length === 0 ? resolve({}) : openSchedule(kind, defined(data), open, resolve)
}

/** What cosine and poly share: a warm-up, and a fall over the rest of the steps; `curve` is the rate at a share of it, which may be more than 1. */
function declining(
  kind: ScheduleKind,
  { base, steps: length, warmup }: { readonly base: number; readonly steps: Duration; readonly warmup: Warmup | undefined },
  more: object,
  curve: (share: number) => number,
): Schedule {
  const ofRun = warmup !== undefined && isFraction(warmup) ? {} : { warmup }
  return schedule(kind, { base, steps: length, warmup, ...more }, relative({ steps: length, ...ofRun }), (run) => {
    const steps = stepsOf(`${kind}: steps`, length, run)
    const warm = warmupOf(kind, warmup, { ...run, steps })
    const first = integer(`${kind}: warmup`, lengthOf(warm), 0, steps - 1)
    return {
      data: { base, steps, warmup: warm, ...more },
      rate: (step) => warmRate(base, warm, step) ?? curve((step - first) / (steps - first)),
    }
  })
}

/** Of lengths those that are relative to the run. */
function relative(lengths: Readonly<Record<string, Duration | readonly Duration[] | undefined>>): Readonly<Record<string, unknown>> {
  const open = Object.entries(lengths).filter(([, length]) => length !== undefined && [length].flat().some((part) => isRelative(part)))
  return Object.fromEntries(open)
}

const isFraction = (duration: Duration): duration is { readonly fraction: number } => typeof duration === 'object' && duration.fraction !== undefined

/** Rising, each step once. */
function milestoneSteps(milestones: readonly Duration[], run: RunLength): readonly number[] {
  const steps = milestones.map((milestone) => stepsOf('multiStep: milestones', milestone, run))
  for (const [index, step] of steps.entries()) integer('multiStep: milestones (rising)', step, steps[index - 1] ?? 0)
  return [...new Set(steps)]
}

/** A climb of so many steps, or steps of one rate. */
type WarmupSteps = number | { readonly steps: number; readonly rate: number } | undefined

function warmupOf(kind: ScheduleKind, warmup: Warmup | undefined, run: RunLength): WarmupSteps {
  if (warmup === undefined) return undefined
  const steps = stepsOf(`${kind}: warmup`, warmup, run)
  if (steps === 0) return undefined
  return typeof warmup === 'object' && 'rate' in warmup ? { steps, rate: warmup.rate } : steps
}

const lengthOf = (warmup: WarmupSteps): number => (typeof warmup === 'object' ? warmup.steps : (warmup ?? 0))

/** Undefined after the warm-up. */
function warmRate(base: number, warmup: WarmupSteps, step: number): number | undefined {
  if (step >= lengthOf(warmup)) return undefined
  return typeof warmup === 'object' ? warmup.rate : (base * (step + 1)) / (lengthOf(warmup) + 1)
}

/** From 1 at 0 to 0 at 1 and beyond. */
const halfCosine = (share: number): number => (1 + Math.cos(Math.PI * Math.min(1, share))) / 2
