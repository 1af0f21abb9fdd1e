/** The learning rate on the command line: the paper's schedule. */
import { type ValuesOf, variant } from '../options/spec.js'
import { multiStep, multiStepOptions, type Schedule, warmupOptions } from '../training/schedules.js'

export const learningRateOptions = {
  learningRate: variant(multiStepOptions.base, { fallback: 0.1, required: false }),
  milestones: variant(multiStepOptions.milestones, {
    help: 'rising steps, from each of which on the rate is multiplied by the factor once more, or none',
    usual: 'after a half and three quarters',
    required: false,
  }),
  milestoneFactor: multiStepOptions.factor,
  warmupSteps: variant(warmupOptions.steps, { fallback: 0, required: false }),
  warmupRate: variant(warmupOptions.rate, { help: 'that rate', fallback: 0.01, required: false }),
}

/** `steps`: of the whole run. */
export function scheduleFrom(values: ValuesOf<typeof learningRateOptions>, steps: number): Schedule {
  const { learningRate: base, milestoneFactor: factor, warmupSteps, warmupRate } = values
  const usual = [Math.floor(steps / 2), Math.floor((3 * steps) / 4)].filter((step, index, all) => step > 0 && step !== all[index - 1])
  return multiStep({ base, factor, milestones: values.milestones ?? usual, ...(warmupSteps > 0 && { warmup: { steps: warmupSteps, rate: warmupRate } }) })
}
