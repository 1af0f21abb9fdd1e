/** The images of a run: how they are prepared, with every default written down, and where they are kept. */
import type { Dataset } from '../data/dataset.js'
import { cachedAs } from '../data/prepare/cached.js'
import { checkStored, completeSteps } from '../data/prepare/complete.js'
import { measureNormalization } from '../data/prepare/normalization.js'
import type { CompletePreparation } from '../data/prepare/preparation.js'
import { sequenceFor } from '../data/prepare/sequence.js'
import { sameSteps } from '../data/prepare/steps.js'
import type { FitPlan } from './fit_options.js'

export interface RunImages {
  /** In memory where `cache` says so, with the fingerprints of the datasets that were given. */
  readonly train: Dataset
  readonly validate: Dataset | undefined
  readonly prepare: CompletePreparation
}

/** Threads that decode before there is anything to train. */
const fewestWorkers = 2

export async function openImages(plan: FitPlan, signal: AbortSignal): Promise<RunImages> {
  const { network, train, validate, prepare, cache } = plan
  const { input } = network
  const reading = { workers: Math.max(plan.workers, fewestWorkers), signal }
  const steps = await completeSteps(prepare, input, validate === undefined ? [train] : [train, validate], signal)
  const opened = async (where: string, dataset: Dataset, mode: 'train' | 'evaluate'): Promise<Dataset> => {
    const sequence = sequenceFor('fit: prepare', steps, mode, input)
    checkStored(where, dataset, sequence.fixed, input)
    return cachedAs(cache, dataset, sequence, input, reading)
  }
  const training = await opened('fit: train', train, 'train')
  const validation = validate && (await opened('fit: validate', validate, 'evaluate'))
  const { source } = training
  // What is in memory is measured as a whole, if it is what evaluation would see.
  const asEvaluated = source.kind === 'memory' && (source.prepared === undefined || sameSteps(source.prepared, steps.evaluate))
  const normalization = prepare.normalization ?? (await measureNormalization(asEvaluated ? training : train, steps.evaluate, input, reading))
  return { train: training, validate: validation, prepare: Object.freeze({ ...steps, normalization }) }
}
