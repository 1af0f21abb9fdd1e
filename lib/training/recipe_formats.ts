/** How the recipe of a checkpoint is read: one reader for each format that was ever written. */
import { readPreparation } from '../data/prepare/preparation.js'
import { PreresnetError } from '../errors.js'
import { networkFromJson } from '../layers/json.js'
import type { FitPlan } from './fit_options.js'
import { readFormat1, type RecipeOfFormat1 } from './format_1.js'
import type { Recipe } from './recipe.js'
import { scheduleFrom } from './schedules.js'

interface Reader {
  /** The recipe's entry that names the training images: without it a state is damaged. */
  readonly images: string
  read(recipe: object, checkpoint: string, plan: FitPlan, signal: AbortSignal): Promise<Recipe> | Recipe
}

const readers: Readonly<Record<number, Reader>> = {
  1: { images: 'data', read: (recipe, checkpoint, plan, signal) => readFormat1(recipe as RecipeOfFormat1, checkpoint, plan, signal) },
  2: { images: 'train', read: (recipe) => recipe as Recipe },
}

export const knownFormats: readonly number[] = Object.keys(readers).map(Number)

/** As a run of today would have written it, to be compared with the recipe of `plan`. */
export async function readRecipe(
  { format, recipe }: { readonly format: number; readonly recipe: object },
  checkpoint: string,
  plan: FitPlan,
  signal: AbortSignal,
): Promise<Recipe> {
  const reader = readers[format]!
  const data: unknown = (recipe as Readonly<Record<string, unknown>>)[reader.images]
  if (typeof data !== 'object' || data === null)
    throw new PreresnetError('ERR_CHECKPOINT', `${checkpoint}: the recipe says nothing of the training images; the checkpoint is damaged`)
  return whole(checkpoint, await reader.read(recipe, checkpoint, plan, signal))
}

/** Layers, schedules and steps as the functions that make them give them today: with the default of every property that an older version did not write. */
function whole(checkpoint: string, recipe: Recipe): Recipe {
  const { network, learningRate, prepare } = recipe as { readonly [K in keyof Recipe]: unknown }
  try {
    return {
      ...recipe,
      network: networkFromJson(network),
      learningRate: scheduleFrom(learningRate),
      prepare: readPreparation('prepare', prepare) as Recipe['prepare'],
    }
  } catch (error) {
    if (!(error instanceof PreresnetError)) throw error
    const message = `${checkpoint}: the recipe: ${error.message}; the checkpoint is damaged, or another version wrote it`
    throw new PreresnetError('ERR_CHECKPOINT', message, { cause: error })
  }
}
