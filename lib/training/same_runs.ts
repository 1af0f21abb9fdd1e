/** Ranks that do different things would wait for each other for ever, or add what does not belong together. */
import type { CompletePreparation } from '../data/prepare/preparation.js'
import { PreresnetError } from '../errors.js'
import { libraryVersion } from '../native/load.js'
import type { Ranks } from '../ranks/ranks.js'
import type { FitPlan } from './fit_options.js'
import { differences, recipeOf, type Recipe } from './recipe.js'

/** What has to be the same on all ranks, as it was asked for. */
interface Asked {
  readonly version: string
  readonly recipe: Recipe
  /** When something happens that all take part in, and on which images. */
  readonly course: Readonly<Record<string, unknown>>
}

/** ERR_RANK, on all ranks, where they were started for different runs. */
export async function checkSameRuns(ranks: Ranks, plan: FitPlan, prepare: CompletePreparation): Promise<void> {
  if (ranks.size === 1) return
  const { steps, logEvery, validateEvery, checkpoint, validate, device, precision } = plan
  const recipe = recipeOf(plan, { device, precision, choices: undefined } as Parameters<typeof recipeOf>[1], prepare)
  const course = {
    steps,
    logEvery,
    validateEvery,
    'checkpoint.every': checkpoint?.every,
    'checkpoint.resume': checkpoint?.resume,
    validate: validate?.fingerprint,
  }
  const all = await ranks.gather<Asked>({ version: libraryVersion(), recipe, course })
  const [first] = all
  all.forEach((asked, rank) => {
    const lines = differing(first!, asked, rank)
    if (lines.length === 0) return
    throw new PreresnetError(
      'ERR_RANK',
      `rank ${rank} was started for another run than rank 0: ${lines.join('; ')}; start all ranks with the same command line`,
    )
  })
}

function differing(first: Asked, other: Asked, rank: number): string[] {
  const sides = ['on rank 0', `on rank ${rank}`] as const
  const plain = [
    ['version', first.version, other.version] as const,
    ...Object.entries(first.course).map(([key, value]) => [key, value, other.course[key]] as const),
  ]
  return [
    ...plain.flatMap(([key, a, b]) => (a === b ? [] : [`${key}: ${shown(a)} ${sides[0]}, ${shown(b)} ${sides[1]}`])),
    ...differences(first.recipe, other.recipe, sides),
  ]
}

const shown = (value: unknown): string => (value === undefined ? 'none' : JSON.stringify(value))
