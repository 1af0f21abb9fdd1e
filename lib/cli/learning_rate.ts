/** The learning rate on the command line; without flags the paper's schedule, on a run of any length. */
import { PreresnetError } from '../errors.js'
import { choiceOption, integerOption, integersOption, numberOption, numbersOption, type Table, type ValuesOf, variant } from '../options/spec.js'
import { describe } from '../options/values.js'
import type { Duration } from '../training/duration.js'
import type { Schedule } from '../training/schedule.js'
import { cosineOptions, multiStepOptions, polyOptions, type Warmup } from '../training/schedule_options.js'
import { constant, cosine, multiStep, oneCycle, poly } from '../training/schedules.js'
import { optionName } from './config.js'

const group = 'Learning rate'

export const learningRateOptions = {
  schedule: choiceOption({
    group,
    help: 'how the rate goes over the run',
    choices: ['constant', 'multi-step', 'cosine', 'one-cycle', 'poly'],
    fallback: 'multi-step',
  }),
  learningRate: variant(multiStepOptions.base, { help: 'base learning rate; of one-cycle the largest', fallback: 0.1, required: false }),
  finalRate: variant(cosineOptions.final, {
    help: 'last rate of cosine, one-cycle and poly',
    fallback: undefined,
    usual: '0, or what one-cycle makes of the largest',
  }),
  scheduleSteps: integerOption({
    group,
    help: 'steps until cosine, one-cycle or poly is at its end; this or --schedule-epochs',
    unit: 'steps',
    minimum: 1,
    usual: 'those of the run',
  }),
  scheduleEpochs: numberOption({ group, help: 'the same in epochs', unit: 'epochs', minimum: 0, above: true }),
  milestones: integersOption({
    group,
    help: 'steps of multi-step, rising; from each on the rate is multiplied by the factor once more; or none',
    unit: 'step',
    minimum: 0,
    usual: 'after a half and three quarters of the run',
  }),
  milestoneEpochs: numbersOption({ group, help: 'the same in epochs', unit: 'epoch', minimum: 0 }),
  milestoneFactor: variant(multiStepOptions.factor, { fallback: undefined, usual: '0.1' }),
  warmupSteps: integerOption({ group, help: 'first steps, with a rate of their own; this or --warmup-epochs', unit: 'steps', minimum: 0, usual: '0' }),
  warmupEpochs: numberOption({ group, help: 'the same in epochs', unit: 'epochs', minimum: 0 }),
  warmupRate: numberOption({
    group,
    help: "the rate of all of those steps, as the paper's 0.01 for 400",
    unit: 'rate',
    minimum: 0,
    usual: '0.01 of multi-step, else a linear climb',
  }),
  power: variant(polyOptions.power, { help: 'exponent of poly; 1 is a straight line', fallback: undefined, usual: '1' }),
} satisfies Table

type Values = ValuesOf<typeof learningRateOptions>
type Flag = keyof Values

const length: readonly Flag[] = ['scheduleSteps', 'scheduleEpochs', 'finalRate']
const warmup: readonly Flag[] = ['warmupSteps', 'warmupEpochs']

/** Flags of some schedules only. */
const flagsOf: Readonly<Record<Values['schedule'], readonly Flag[]>> = {
  constant: [],
  'multi-step': ['milestones', 'milestoneEpochs', 'milestoneFactor', ...warmup, 'warmupRate'],
  cosine: [...length, ...warmup, 'warmupRate'],
  'one-cycle': [...length, ...warmup],
  poly: [...length, ...warmup, 'warmupRate', 'power'],
}

export function scheduleOf(values: Values): Schedule {
  const { schedule, learningRate: base, finalRate: final, milestoneFactor: factor, power } = values
  refuseOthers(values)
  const steps = durationOf(values, 'scheduleSteps', 'scheduleEpochs')
  const falling = { base, ...(steps !== undefined && { steps }), ...(final !== undefined && { final }) }
  switch (schedule) {
    case 'constant':
      return constant({ rate: base })
    case 'multi-step':
      return multiStep({ base, milestones: milestonesOf(values), ...(factor !== undefined && { factor }), ...warmupOf(values, 0.01) })
    case 'cosine':
      return cosine({ ...falling, ...warmupOf(values) })
    case 'one-cycle': {
      const { base: peak, ...more } = falling
      const climb = durationOf(values, 'warmupSteps', 'warmupEpochs')
      return oneCycle({ peak, ...more, ...(climb !== undefined && { warmup: climb }) })
    }
    case 'poly':
      return poly({ ...falling, ...(power !== undefined && { power }), ...warmupOf(values) })
  }
}

export type ScheduleName = Values['schedule']

export function flagsOfOtherSchedules(schedule: ScheduleName): readonly Flag[] {
  return [...new Set(Object.values(flagsOf).flat())].filter((key) => !flagsOf[schedule].includes(key))
}

function refuseOthers(values: Values): void {
  const { schedule } = values
  for (const key of flagsOfOtherSchedules(schedule)) {
    if (values[key] === undefined) continue
    throw new PreresnetError('ERR_OPTION', `--${optionName(key)}: expected none with --schedule ${schedule}, got ${describe(values[key])}`)
  }
}

type StepsFlag = 'scheduleSteps' | 'warmupSteps' | 'milestones'
type EpochsFlag = 'scheduleEpochs' | 'warmupEpochs' | 'milestoneEpochs'

function refuseBoth(values: Values, steps: StepsFlag, epochs: EpochsFlag): void {
  if (values[steps] !== undefined && values[epochs] !== undefined)
    throw new PreresnetError('ERR_OPTION', `expected either --${optionName(steps)} or --${optionName(epochs)}, got both`)
}

function durationOf(values: Values, steps: Exclude<StepsFlag, 'milestones'>, epochs: Exclude<EpochsFlag, 'milestoneEpochs'>): Duration | undefined {
  refuseBoth(values, steps, epochs)
  const given = values[epochs]
  return given === undefined ? values[steps] : { epochs: given }
}

function milestonesOf(values: Values): Parameters<typeof multiStep>[0]['milestones'] {
  refuseBoth(values, 'milestones', 'milestoneEpochs')
  const { milestones, milestoneEpochs } = values
  return milestones ?? (milestoneEpochs === undefined ? { fraction: [0.5, 0.75] } : { epochs: milestoneEpochs })
}

/** `usual`: the rate where none is given; without one a climb. */
function warmupOf(values: Values, usual?: number): { readonly warmup?: Warmup } {
  const duration = durationOf(values, 'warmupSteps', 'warmupEpochs')
  const rate = values.warmupRate ?? usual
  if (duration === undefined && values.warmupRate !== undefined)
    throw new PreresnetError('ERR_OPTION', `--warmup-rate: expected --warmup-steps or --warmup-epochs beside it, got neither`)
  if (duration === undefined) return {}
  if (rate === undefined) return { warmup: duration }
  return { warmup: typeof duration === 'number' ? { steps: duration, rate } : { ...duration, rate } }
}
