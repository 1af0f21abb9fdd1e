/** Checkpoints of format 1: what they leave unsaid is in their model file, and their fingerprint of files has preparation in it. */
import { join } from 'node:path'
import { fingerprintV1 } from '../data/fingerprint_v1.js'
import { flip, randomCrop, type PreparationStep } from '../data/prepare/steps.js'
import type { FitPlan } from './fit_options.js'
import { describeModel } from './model_file.js'
import type { Recipe, RecipeOfFormat1 } from './state.js'

/** As a run of today would have written it, to be compared with the recipe of `plan`. */
export async function upgraded({ augment, ...recipe }: RecipeOfFormat1, checkpoint: string, plan: FitPlan, signal: AbortSignal): Promise<Recipe> {
  const { prepare } = await describeModel(join(checkpoint, 'model.safetensors'))
  const evaluate = prepare?.evaluate ?? []
  const train: PreparationStep[] = [...evaluate]
  if (augment.pad > 0) train.push(randomCrop({ pad: augment.pad }))
  if (augment.flip) train.push(flip())
  const normalization = prepare?.normalization ?? { mean: [], std: [] }
  const same = await sameImages(recipe.data.fingerprint, evaluate, plan, signal)
  return { ...recipe, data: same ? { ...recipe.data, fingerprint: plan.train.fingerprint } : recipe.data, prepare: { train, evaluate, normalization } }
}

/** Whether these images gave that fingerprint, as files or in memory. */
async function sameImages(
  fingerprint: string,
  evaluate: readonly PreparationStep[],
  { train, network, workers }: FitPlan,
  signal: AbortSignal,
): Promise<boolean> {
  const resize = evaluate.find((step) => step.kind === 'resize')?.size ?? 0
  for (const inMemory of [false, true]) {
    if ((await fingerprintV1(train, { shape: network.input, resize, inMemory }, { workers, signal })) === fingerprint) return true
    if (train.source.kind === 'memory') break
  }
  return false
}
