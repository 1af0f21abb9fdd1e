/** The images of a run: how they are prepared, with every default written down, and where they are kept. */
import type { Dataset, ImageShape } from '../data/dataset.js'
import { loader, type Loader } from '../data/loader.js'
import { cachedAs, checkSingleSize } from '../data/prepare/cached.js'
import { checkNotResized, checkStored, completeSteps } from '../data/prepare/complete.js'
import { isSampled, measureNormalization } from '../data/prepare/normalization.js'
import type { CompletePreparation, Preparation } from '../data/prepare/preparation.js'
import { sequenceFor } from '../data/prepare/sequence.js'
import { sameSteps } from '../data/prepare/steps.js'
import type { HeaderReading } from '../data/reading.js'
import { groupsOf } from '../options/parts.js'
import { defined } from '../options/values.js'
import type { Ranks } from '../ranks/ranks.js'
import { evaluatedInput, type FitPlan } from './fit_options.js'

export interface RunImages {
  /** In memory where `cache` says so, with the fingerprints of the datasets that were given. */
  readonly train: Dataset
  readonly validate: Dataset | undefined
  readonly prepare: CompletePreparation
  /** Of the session that trains: without the steps of evaluation where those make images of another size. */
  readonly ofTraining: Preparation
}

/** What a refusal of another normalization says beside both: why it may have come out otherwise for the same images. */
export function normalizationRemark({ train, prepare }: Pick<FitPlan, 'train' | 'prepare'>): string {
  if (prepare.normalization !== undefined || !isSampled(train)) return ''
  return (
    ' (measured over all images where they were kept in memory as evaluation prepares them, else over 2,048 of them: ' +
    'give the same `cache` as before, --cache, or prepare.normalization)'
  )
}

/** Threads that decode before there is anything to train. */
const fewestWorkers = 2

export async function openImages(plan: FitPlan, signal: AbortSignal): Promise<RunImages> {
  const { network, train, validate, prepare, cache, corrupt } = plan
  const { input } = network
  const evaluated = evaluatedInput(plan)
  const reading = { workers: Math.max(plan.workers, fewestWorkers), signal, corrupt }
  const all = validate === undefined ? [train] : [train, validate]
  const steps = plan.evaluationInput === undefined ? await completeSteps(prepare, input, all, reading) : await stepsOfTwoSizes(plan, evaluated, reading)
  // The defaults come to no steps where every file has the size of the input: no header need be read twice.
  const allFit = prepare.evaluate === undefined && steps.evaluate.length === 0
  const opened = async (where: string, dataset: Dataset, mode: 'train' | 'evaluate'): Promise<Dataset> => {
    const size = mode === 'train' ? input : evaluated
    const sequence = sequenceFor('fit: prepare', steps, mode, size)
    checkStored(where, dataset, sequence, size)
    if (!allFit) await checkSingleSize(cache, dataset, sequence, size, reading)
    return cachedAs(cache, dataset, sequence, size, reading)
  }
  // Evaluation's steps go into the model, and normalization is measured after them.
  if (plan.evaluationInput === undefined) checkNotResized('fit: train', train, steps.evaluate)
  const training = await opened('fit: train', train, 'train')
  const validation = validate && (await opened('fit: validate', validate, 'evaluate'))
  const { source } = training
  // What is in memory is measured as a whole, if it is what evaluation would see.
  const asEvaluated = source.kind === 'memory' && (source.prepared === undefined || sameSteps(source.prepared, steps.evaluate))
  const normalization = prepare.normalization ?? (await measureNormalization(asEvaluated ? training : train, steps.evaluate, evaluated, reading))
  const complete = Object.freeze({ ...steps, normalization })
  const ofTraining = plan.evaluationInput === undefined ? complete : Object.freeze({ train: steps.train, normalization })
  return { train: training, validate: validation, prepare: complete, ofTraining }
}

/** What this rank trains on. */
export function openBatches(plan: FitPlan, { train, ofTraining }: RunImages, { rank, size: ranks }: Ranks): Loader {
  const { network, batch, seed, workers, corrupt, sampling, repeatedAugmentation, mixup, cutmix } = plan
  const groups = groupsOf({ ...plan, ranks })
  const order = { batch, seed, sampling, repeatedAugmentation, mixup, cutmix, groups, rank, ranks }
  return loader(train, { ...order, input: network.input, prepare: ofTraining, workers, corrupt })
}

/** Training images go to the network's own input, whatever evaluation does. */
async function stepsOfTwoSizes(
  { network, train, validate, prepare }: FitPlan,
  evaluated: ImageShape,
  reading: HeaderReading,
): Promise<Pick<CompletePreparation, 'train' | 'evaluate'>> {
  const { evaluate } = await completeSteps(defined({ evaluate: prepare.evaluate }), evaluated, [validate ?? train], reading)
  const { train: training } = await completeSteps(defined({ train: prepare.train }), network.input, [train], reading)
  return { train: training, evaluate }
}
