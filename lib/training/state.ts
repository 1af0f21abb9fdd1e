/** state.json: what a checkpoint says beside its tensors. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PreresnetError } from '../errors.js'
import { fileError } from '../formats/files.js'
import { isObject } from '../options/values.js'
import type { Recipe } from './recipe.js'
import { knownFormats } from './recipe_formats.js'

export const stateFormat = 2

export interface CheckpointState {
  readonly format: typeof stateFormat
  /** Version of the package that wrote it. */
  readonly version: string
  /** Steps done. */
  readonly step: number
  /** Consumed by those steps, whatever was decoded ahead. */
  readonly samples: number
  readonly epoch: number
  readonly recipe: Recipe
  readonly best: Best | null
  /** Absent in format 1. */
  readonly window?: WindowSums
  /** Whether the validation that this step has is still to be done. */
  readonly validationDue?: true
  readonly savedAt: string
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>
}

/** As it is read: of any format that is known. */
export interface StoredState extends Omit<CheckpointState, 'format' | 'recipe' | 'best'> {
  readonly format: number
  /** Format 1 has no accuracy. */
  readonly best: Omit<Best, 'top1Accuracy'> | Best | null
  readonly recipe: object
}

/** Sums over the steps since the last line of the log. */
export interface WindowSums {
  readonly loss: number
  readonly samples: number
  readonly hits: number
  readonly seconds: number
  readonly dataSeconds: number
  readonly skippedSteps: number
}

/** The best validation of a run, and when it was. */
export interface Best {
  /** The number of steps done is at least 1. */
  readonly step: number
  /** The share of the samples whose label was not the first guess is from 0 to 1. */
  readonly top1Error: number
  /** The share of the samples whose label was the first guess is from 0 to 1. */
  readonly top1Accuracy: number
}

export function bestOf({ best }: StoredState): Best | undefined {
  return best === null ? undefined : { top1Accuracy: 1 - best.top1Error, ...best }
}

export async function readState(directory: string): Promise<StoredState> {
  const path = join(directory, 'state.json')
  let text
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw fileError('could not read', path, error, 'ERR_CHECKPOINT')
  }
  let state: unknown
  try {
    state = JSON.parse(text)
  } catch (cause) {
    throw new PreresnetError('ERR_CHECKPOINT', `${path}: not JSON; the checkpoint is damaged`, { cause })
  }
  const { format, step, recipe, files } = (state ?? {}) as Readonly<Record<string, unknown>>
  if (!knownFormats.includes(format as number))
    throw new PreresnetError(
      'ERR_CHECKPOINT',
      `${path}: expected format ${knownFormats.join(' or ')}, got ${JSON.stringify(format)}; was it written by another version?`,
    )
  if (!Number.isSafeInteger(step) || !isObject(recipe) || !isObject(files)) {
    throw new PreresnetError('ERR_CHECKPOINT', `${path}: step, recipe or files are missing; the checkpoint is damaged`)
  }
  return state as StoredState
}
