/** state.json: what a checkpoint says beside its tensors, and whether a run may go on from it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Choices } from '../compiler/lower/engines.js'
import type { ConvolutionChoice, LossScale } from '../compiler/options.js'
import type { DeviceName, Precision } from '../compiler/program.js'
import type { CompletePreparation } from '../data/prepare/preparation.js'
import { PreresnetError } from '../errors.js'
import { fileError } from '../formats/files.js'

export const stateFormat = 2

export interface CheckpointState {
  readonly format: typeof stateFormat | 1
  /** Version of the package that wrote it. */
  readonly version: string
  /** Steps done. */
  readonly step: number
  /** Consumed by those steps, whatever was decoded ahead. */
  readonly samples: number
  readonly epoch: number
  readonly recipe: Recipe | RecipeOfFormat1
  readonly best: Best | null
  readonly savedAt: string
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>
}

/** Everything that decides the numbers of a run; it has to be equal for a resumed run to give the same bits. */
export interface Recipe {
  readonly seed: number
  readonly batch: number
  readonly device: DeviceName
  readonly precision: Precision
  readonly network: unknown
  readonly data: { readonly name: string; readonly length: number; readonly fingerprint: string }
  readonly prepare: CompletePreparation
  readonly optimizer: unknown
  readonly learningRate: unknown
  readonly labelSmoothing: number
  readonly statisticsGroups: number
  readonly convolution: ConvolutionChoice
  readonly frozen: readonly string[]
  readonly frozenStatistics: readonly string[]
  /** On CUDA. */
  readonly cuda?: { readonly lossScale: LossScale | 'auto'; readonly deterministic: boolean; readonly choices?: Choices }
}

/** See format_1.ts. */
export type RecipeOfFormat1 = Omit<Recipe, 'prepare'> & { readonly augment: { readonly pad: number; readonly flip: boolean } }

export interface Best {
  readonly step: number
  readonly top1Error: number
}

export async function readState(directory: string): Promise<CheckpointState> {
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
  if (format !== 1 && format !== stateFormat)
    throw new PreresnetError(
      'ERR_CHECKPOINT',
      `${path}: expected format 1 or ${stateFormat}, got ${JSON.stringify(format)}; was it written by another version?`,
    )
  if (!Number.isSafeInteger(step) || !isObject(recipe) || !isObject(recipe['data']) || !isObject(files)) {
    throw new PreresnetError('ERR_CHECKPOINT', `${path}: step, recipe or files are missing; the checkpoint is damaged`)
  }
  return state as CheckpointState
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** Lines that say in what a run's recipe differs from a checkpoint's; none if it may go on. */
export function differences(saved: Recipe, wanted: Recipe): string[] {
  const lines: string[] = []
  for (const key of Object.keys(wanted) as (keyof Recipe)[]) {
    const before = canonical(decisive(key, saved))
    const now = canonical(decisive(key, wanted))
    if (before === now) continue
    if (key === 'network') lines.push(`network: ${networkName(saved.network)} before, ${networkName(wanted.network)} now (layers differ)`)
    else if (key === 'data') lines.push(`data: ${dataName(saved.data)} before, ${dataName(wanted.data)} now`)
    else if (key === 'learningRate' && before.replace(milestones, '') === now.replace(milestones, '')) lines.push(otherMilestones(before, now))
    else lines.push(`${key}: ${before} before, ${now} now`)
  }
  return lines
}

/** Data are what they hold: the same folder may be called by another path. */
function decisive(key: keyof Recipe, recipe: Recipe): unknown {
  if (key !== 'data') return recipe[key]
  const { length, fingerprint } = recipe.data
  return { length, fingerprint }
}

const milestones = /"milestones":\[([\d,]*)\]/

/** What a run meets that is made longer with milestones that hang on its length. */
function otherMilestones(before: string, now: string): string {
  const [saved, wanted] = [before, now].map((text) => milestones.exec(text)![1]! || 'none')
  return `learningRate: milestones ${saved!} before, ${wanted!} now; to go on at the rates of before pass the same ones (--milestones ${saved!})`
}

const networkName = (network: unknown): string => JSON.stringify((network as { name?: unknown } | null)?.name ?? null)

const dataName = ({ name, length, fingerprint }: Recipe['data']): string => `${name} (${length} images, fingerprint ${fingerprint.slice(0, 12)})`

/** JSON whose keys are in order, so that equal data give equal text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  )
}
