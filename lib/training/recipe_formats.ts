/** How the recipe of a checkpoint is read: one reader for each format that was ever written. */
import { PreresnetError } from '../errors.js'
import type { FitPlan } from './fit_options.js'
import { readFormat1, type RecipeOfFormat1 } from './format_1.js'
import type { Recipe } from './recipe.js'

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
  return reader.read(recipe, checkpoint, plan, signal)
}
