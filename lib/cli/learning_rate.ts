/** The learning rate on the command line: the paper's schedule. */
import { integerOption, integersOption, numberOption, type ValuesOf } from '../options/spec.js'
import { multiStep, type Schedule } from '../training/schedules.js'

export const learningRateOptions = {
  learningRate: numberOption({ group: 'Learning rate', help: 'base learning rate', unit: 'rate', minimum: 0, fallback: 0.1 }),
  milestones: integersOption({
    group: 'Learning rate',
    help: 'steps from which the rate is multiplied by the factor once more, or none',
    unit: 'step',
    minimum: 1,
    usual: 'after a half and three quarters',
  }),
  milestoneFactor: numberOption({ group: 'Learning rate', help: 'factor at milestones', unit: 'factor', minimum: 0, fallback: 0.1 }),
  warmupSteps: integerOption({ group: 'Learning rate', help: 'first steps with a rate of their own', unit: 'steps', minimum: 0, fallback: 0 }),
  warmupRate: numberOption({ group: 'Learning rate', help: 'that rate', unit: 'rate', minimum: 0, fallback: 0.01 }),
}

/** `steps`: of the whole run. */
export function scheduleFrom(values: ValuesOf<typeof learningRateOptions>, steps: number): Schedule {
  const { learningRate: base, milestoneFactor: factor, warmupSteps, warmupRate } = values
  const usual = [Math.floor(steps / 2), Math.floor((3 * steps) / 4)].filter((step, index, all) => step > 0 && step !== all[index - 1])
  return multiStep({ base, factor, milestones: values.milestones ?? usual, ...(warmupSteps > 0 && { warmup: { steps: warmupSteps, rate: warmupRate } }) })
}
