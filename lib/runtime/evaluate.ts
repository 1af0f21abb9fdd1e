/** Exact counts over a whole dataset, with running statistics. */
import { checkClasses } from '../data/check.js'
import type { Dataset } from '../data/dataset.js'
import { checkDatasetOrLoader, loader, type Loader } from '../data/loader.js'
import { PreresnetError } from '../errors.js'
import type { RunOptions } from '../native/types.js'
import { stepsOfSession, usualSteps } from '../data/prepare/complete.js'
import type { Preparation } from '../data/prepare/preparation.js'
import type { ProgramRequest } from '../compiler/options.js'
import { checkOptions, withDefaults } from '../options/check.js'
import { invalid } from '../options/values.js'
import { evaluateOptions, type EvaluateOptions } from './call_options.js'
import { checkClassCount, checkLoader, classesOf, nameData, type Compiled } from './compiled.js'
import type { Inference } from './infer.js'
import { joined, partOf, type EvaluationPart } from './evaluation_parts.js'
import { evaluationOfSums, type Evaluation } from './metrics.js'
import { checkNormalization, type SessionPreparation } from './preparation.js'
import { evaluateTenCrops } from './ten_crops.js'
import type { Turn } from './turn.js'

/** @internal The program that evaluates moving averages. */
export const averagedEvaluation: ProgramRequest = { name: 'evaluate@ema', kind: 'evaluate', weights: 'ema' }

/** @internal */
export async function evaluate(turn: Turn, compiled: Compiled, inference: Inference, data: Dataset | Loader, options: EvaluateOptions): Promise<Evaluation> {
  const { signal, workers, corrupt, crops, prepare: given, weights } = withDefaults(evaluateOptions, checkOptions('evaluate', evaluateOptions, options))
  if (!('evaluate' in compiled.programs.programs)) throw new PreresnetError('ERR_OPTION', 'evaluate: the session was compiled with evaluation: false')
  checkDatasetOrLoader('evaluate', data)
  if (compiled.prepare === undefined)
    throw new PreresnetError('ERR_OPTION', 'evaluate: the session was compiled without `prepare` and takes values; compile() with it takes images')
  const own = compiled.prepare
  const program = weights === 'ema' ? averagedEvaluation.name : 'evaluate'
  if (!(program in compiled.programs.programs)) throw invalid('evaluate: weights', '"trained": the session was compiled without `ema`', weights)
  if (weights === 'ema' && crops === '10') throw invalid('evaluate: crops', '"1" for moving averages', crops)
  if ('native' in data) {
    if (crops === '10') throw invalid('evaluate: crops', '"1" for a loader, whose batches are what they are', crops)
    return evaluateLoader(turn, compiled, data, signal, program)
  }
  const { input } = compiled.network
  const evaluate = stepsGiven(given, own) ?? stepsOfSession(data, own.evaluate) ?? (await usualSteps([data], input, { signal, corrupt }))
  if (crops === '10') return evaluateTenCrops(inference, compiled, data, { input, steps: evaluate, workers, corrupt, signal })
  await using feed = loader(data, {
    batch: compiled.programs.programs[program]!.batch * compiled.ranks.size,
    rank: compiled.ranks.rank,
    ranks: compiled.ranks.size,
    input,
    mode: 'evaluate',
    prepare: { ...own, evaluate },
    workers,
    corrupt,
  })
  return await evaluateLoader(turn, compiled, feed, signal, program)
}

/** The steps of another preparation than the session's. */
function stepsGiven(prepare: Preparation | undefined, own: SessionPreparation): Preparation['evaluate'] {
  if (prepare === undefined) return undefined
  const { evaluate, normalization } = prepare
  checkNormalization('evaluate: prepare.normalization', normalization, own)
  return evaluate
}

/** @internal `program`: which of the set, where there are several. */
export async function evaluateLoader(turn: Turn, compiled: Compiled, feed: Loader, signal: AbortSignal | undefined, program = 'evaluate'): Promise<Evaluation> {
  checkLoader('evaluate', compiled, feed, compiled.programs.programs[program]!.batch)
  const { dataset } = feed
  checkClassCount('evaluate', compiled, dataset)
  checkClasses(dataset.name, dataset.classes, 'the session', compiled.dataset?.classes)
  const { firstBatch } = feed
  const steps = feed.batches - firstBatch
  const run = { steps, seed: compiled.seed, firstStep: 0, learningRates: new Float64Array(0), loader: feed.native, firstBatch, collect: true }
  const { ranks } = compiled
  return turn.take(async () => {
    const own = await evaluatePart(turn, program, signal, run, feed).catch((error: unknown) => {
      ranks.fail(error)
      return nameData(error, compiled, dataset)
    })
    // A loader that is not cut by rank counts for itself.
    const shared = ranks.size > 1 && feed.ranks === ranks.size
    const part = shared ? await joined(ranks, feed, own) : own
    if (part === undefined) throw turn.ended(signal, ranks)
    const images = shared ? dataset.length - firstBatch * feed.batch * ranks.size : feed.samples - firstBatch * feed.batch
    return evaluationFrom(dataset.name, part, images, classesOf(compiled))
  })
}

/** Undefined where the signal or the session's disposal ended it. */
async function evaluatePart(turn: Turn, program: string, signal: AbortSignal | undefined, run: RunOptions, feed: Loader): Promise<EvaluationPart | undefined> {
  if (turn.ending(signal)) return undefined
  const result = await turn.run(program, signal, run)
  return result.canceled && result.completed < run.steps ? undefined : partOf(result, feed)
}

function evaluationFrom(name: string, { sums, labels, predictions, corrupt }: EvaluationPart, images: number, classes: number): Evaluation {
  if (sums.samples !== images && corrupt === 0) throw new PreresnetError('ERR_INTERNAL', `evaluate: ${sums.samples} of ${images} samples were counted`)
  // Batches are filled from the front, so that what stands behind the last sample is padding.
  return evaluationOfSums(name, images, sums, labels, predictions, classes)
}
