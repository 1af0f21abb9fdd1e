/** Checkpoints of format 1: what they leave unsaid is in their model file, and their fingerprint of files has preparation in it. */
import { join } from 'node:path'
import { fingerprintV1 } from '../data/fingerprint_v1.js'
import { keptInMemory } from '../data/prepare/cached.js'
import { flip, randomCrop, type PreparationStep } from '../data/prepare/steps.js'
import { isObject } from '../options/values.js'
import type { FitPlan } from './fit_options.js'
import { describeModel } from '../runtime/model_file.js'
import type { Recipe } from './recipe.js'

/** What format 1 calls otherwise than the recipe of today, or does not hold. */
export interface RecipeOfFormat1 extends Omit<Recipe, 'train' | 'prepare' | 'cuda'> {
  readonly data: Recipe['train']
  readonly augment: { readonly pad: number; readonly flip: boolean }
  readonly cuda?: { readonly lossScale: unknown; readonly deterministic: boolean; readonly choices?: unknown }
}

/** As a run of today would have written it, to be compared with the recipe of `plan`. */
export async function readFormat1(recipe: RecipeOfFormat1, checkpoint: string, plan: FitPlan, signal: AbortSignal): Promise<Recipe> {
  const { augment, data, cuda, learningRate, ...same } = recipe
  const { prepare } = await describeModel(join(checkpoint, 'model.safetensors'))
  const evaluate = prepare?.evaluate ?? []
  const steps: PreparationStep[] = [...evaluate]
  if (augment.pad > 0) steps.push(randomCrop({ pad: augment.pad }))
  if (augment.flip) steps.push(flip())
  const train = (await sameImages(data.fingerprint, evaluate, plan, signal)) ? { ...data, fingerprint: plan.train.fingerprint } : data
  return {
    ...same,
    train,
    learningRate: scheduleOf(learningRate),
    prepare: { train: steps, evaluate, ...(prepare && { normalization: prepare.normalization }) },
    ...(cuda && { cuda: cudaOf(cuda) }),
  } as Recipe
}

/** Warm-ups had other names, and the climb of one cycle was a share of it. */
function scheduleOf(data: Recipe['learningRate']): Recipe['learningRate'] {
  const { warmupSteps, climb, then, ...same } = data as Recipe['learningRate'] & { readonly [K in 'warmupSteps' | 'climb' | 'then']?: unknown }
  return {
    ...same,
    ...(warmupSteps !== undefined && { warmup: warmupSteps }),
    ...(climb !== undefined && { warmup: { fraction: climb } }),
    ...(isObject(then) && { then: scheduleOf(then as Recipe['learningRate']) }),
  }
}

/** 'auto' was the word for an absent loss scale, and what the tuner chose stood beside the option that it is now a value of. */
function cudaOf({ lossScale, choices, ...same }: NonNullable<RecipeOfFormat1['cuda']>): Recipe['cuda'] {
  return { ...same, ...(lossScale !== 'auto' && { lossScale }), ...(choices !== undefined && { tune: choices }) } as Recipe['cuda']
}

/** Whether these images gave that fingerprint, as files or in memory. */
async function sameImages(fingerprint: string, evaluate: readonly PreparationStep[], plan: FitPlan, signal: AbortSignal): Promise<boolean> {
  const { train, network, workers, cache } = plan
  const resize = evaluate.find((step) => step.kind === 'resize')?.size ?? 0
  const fingerprintOf = (inMemory: boolean): Promise<string> => fingerprintV1(train, { shape: network.input, resize, inMemory }, { workers, signal })
  if ((await fingerprintOf(false)) === fingerprint) return true
  return keptInMemory(cache === 'files' ? 'auto' : cache, train, network.input) && (await fingerprintOf(true)) === fingerprint
}
