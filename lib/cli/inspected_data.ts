/** What commands that look at a data set share: which images, and how they are prepared. */
import { stepsText } from '../data/prepare/steps.js'
import type { Dataset, ImageShape } from '../data/dataset.js'
import type { Preparation } from '../data/index.js'
import { choiceOption, variant, type ValuesOf } from '../options/spec.js'
import { runOptions, trainingOptions } from '../options/table.js'
import { dataOptions, inputFor, openData, preparationFor, validationOf } from './data_options.js'
import { randomStepOptions } from './random_steps.js'

export const inspectedOptions = {
  ...dataOptions,
  ...randomStepOptions,
  split: choiceOption({ group: 'Data', help: 'which images', choices: ['train', 'validation', 'test'], fallback: 'train' }),
  batch: variant(runOptions.batch, { help: 'images a batch' }),
  seed: variant(trainingOptions.seed, { help: 'seed of order and of random steps of preparation' }),
}

export interface Inspected {
  readonly dataset: Dataset
  readonly input: ImageShape
  readonly prepare: Preparation
}

export async function openInspected(values: ValuesOf<typeof inspectedOptions>): Promise<Inspected> {
  const splits = await openData(values)
  const input = await inputFor(values, splits)
  const prepare = await preparationFor({ ...values, corrupt: 'skip' }, splits, input)
  return { dataset: values.split === 'validation' ? validationOf(splits) : splits[values.split], input, prepare }
}

/** Both lists of steps, in words. */
export function preparationTexts({ train = [], evaluate = [] }: Preparation): { readonly training: string; readonly evaluation: string } {
  return { training: stepsText(train) || 'none', evaluation: stepsText(evaluate) || 'none' }
}
