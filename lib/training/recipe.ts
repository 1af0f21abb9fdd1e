/** What decides the numbers of a run, as plain data, and in what two runs differ. Which options decide, the table of `fit` says. */
import type { CompletePreparation } from '../data/prepare/preparation.js'
import type { DeviceName, Precision } from '../compiler/program.js'
import type { Network } from '../layers/layer.js'
import { isObject } from '../options/values.js'
import { completed, recorded } from '../options/check.js'
import { groupsOf } from '../options/parts.js'
import type { DecidingKeys, Option, Table, ValuesOf } from '../options/spec.js'
import type { Optimizer } from '../runtime/optimizer.js'
import type { Session } from '../runtime/session.js'
import { fitTable, type FitPlan } from './fit_options.js'
import { networkDifference } from './network_difference.js'

type Deciding = Pick<ValuesOf<typeof fitTable>, DecidingKeys<typeof fitTable>>

/** Everything that decides the numbers of a run is here; it has to be equal for a resumed run to give the same bits. What is absent has its default. */
export interface Recipe extends Omit<Deciding, 'train' | 'prepare' | 'learningRate' | 'optimizer' | 'device' | 'precision' | 'ranks'> {
  /** The network is trained. */
  readonly network: Network
  /** The training images are named, counted and hashed. */
  readonly train: { readonly name: string; readonly length: number; readonly fingerprint: string }
  /** Images become the network's input in this way. */
  readonly prepare: CompletePreparation
  /** The optimizer has these settings. */
  readonly optimizer: Optimizer
  /** The schedule is plain data, as `scheduleFrom` reads it. */
  readonly learningRate: { readonly kind: string }
  /** The run is on this device: what 'auto' took. */
  readonly device: DeviceName
  /** The run computes in this precision: what 'auto' took. */
  readonly precision: Precision
  /** The number of processes that share each batch is at least 2; it is absent where there is one. */
  readonly ranks?: number
}

/** What a session took where the options left it open. */
export type Taken = Pick<Session, 'device' | 'precision' | 'choices'>

/** Of a run whose session is there: `auto` is what it took, and kernels are those that were chosen. */
export function recipeOf(plan: FitPlan, { device, precision, choices }: Taken, prepare: CompletePreparation): Recipe {
  const values = { ...plan, prepare, device, precision, cuda: { ...plan.cuda, tune: choices } }
  return { network: plan.network, ...recorded(fitTable, values, true) } as unknown as Recipe
}

/** What a session takes that goes on from `saved`: the same again, where the plan leaves it open. */
export function takenAgain({ device, precision }: FitPlan, saved: Recipe): Taken {
  return {
    device: device === 'auto' ? saved.device : device,
    precision: precision === 'auto' ? saved.precision : precision,
    choices: saved.cuda?.tune as Taken['choices'],
  }
}

/** What else was asked for. It changes no number, but for `cache`: what it makes of normalization is compared as such. */
export function otherOptions(plan: FitPlan): Readonly<Record<string, unknown>> {
  return recorded(fitTable, plan, false)
}

/** What is said behind a value of the one recipe, and behind one of the other. */
type Sides = readonly [string, string]

/** Lines that say in what a run's recipe differs from a checkpoint's; none if it may go on. */
export function differences(saved: Recipe, wanted: Recipe, sides: Sides = ['before', 'now']): string[] {
  const table: Table = fitTable
  const keys = new Set([...Object.keys(wanted), ...Object.keys(saved)])
  return [...keys].flatMap((key) => {
    const part = partKeys.includes(key)
    if (part && groupsIn(saved) === groupsIn(wanted)) return []
    const option = table[key]
    const [before, now] = [saved, wanted].map((recipe) => {
      const value = (recipe as unknown as Readonly<Record<string, unknown>>)[key]
      return option === undefined ? value : completed(option, value)
    })
    return canonical(decisive(key, before)) === canonical(decisive(key, now))
      ? []
      : lines(key, option, [before, now], sides).map((line) => (part ? line + fittingParts(saved, wanted) : line))
  })
}

/** Data are what they hold: the same folder may be called by another path. */
function decisive(key: string, value: unknown): unknown {
  if (key !== 'train' || !isObject(value)) return value
  const { name: _, ...content } = value
  return content
}

function lines(key: string, option: Option | undefined, [before, now]: readonly [unknown, unknown], sides: Sides): string[] {
  const [was, is] = sides
  if (key === 'network') {
    const path = networkDifference(before, now)
    return [`network: ${networkName(before)} ${was}, ${networkName(now)} ${is}${path === undefined ? '' : ` (${path})`}`]
  }
  if (key === 'train') return [`train: ${dataName(before)} ${was}, ${dataName(now)} ${is}`]
  // Each part by itself: normalization is seldom exchanged together with the steps.
  if ((key === 'prepare' || option?.table !== undefined) && isObject(before) && isObject(now)) {
    const parts = new Set([...Object.keys(now), ...Object.keys(before)])
    return [...parts].flatMap((part) =>
      canonical(before[part]) === canonical(now[part])
        ? []
        : [`${key}.${part}: ${shown(before[part], option?.table?.[part])} ${was}, ${shown(now[part], option?.table?.[part])} ${is}`],
    )
  }
  const lengths = key === 'learningRate' ? otherLengths([before, now], sides) : undefined
  if (lengths !== undefined) return [lengths]
  return [`${key}: ${shown(before, option)} ${was}, ${shown(now, option)} ${is}`]
}

/** Groups of statistics, accumulations and ranks may be exchanged for each other: what decides is how many groups a step has. */
const partKeys: readonly string[] = ['statisticsGroups', 'accumulate', 'ranks']

/** Ranks that share their statistics may be any number, unless images are mixed or repeated within each rank's own. */
function groupsIn({ statisticsGroups = 1, accumulate = 1, ranks = 1, ...recipe }: Partial<Recipe>): number {
  const { synchronizedBatchNorm = false, mixup = 0, cutmix = 0, repeatedAugmentation = 1 } = recipe
  const free = synchronizedBatchNorm && mixup === 0 && cutmix === 0 && repeatedAugmentation === 1
  return free ? 1 : groupsOf({ statisticsGroups, accumulate, ranks })
}

/** How many ranks are wanted is seldom free: what fits them comes first, else the numbers of ranks that do. */
function fittingParts(saved: Recipe, { ranks = 1 }: Recipe): string {
  const groups = groupsIn(saved)
  const fitting = factors(groups / ranks).map((factor) => `${groups / ranks / factor} x ${factor}`)
  if (ranks === 1) return `; statisticsGroups x accumulate must stay ${groups}: ${fitting.join(', ')}`
  const rule = `; statisticsGroups x accumulate x ranks must stay ${groups}`
  return groups % ranks === 0 ? `${rule}, with ${ranks} ranks ${fitting.join(', ')}` : `${rule}, with ${factors(groups).join(', ')} ranks`
}

const factors = (of: number): number[] => Array.from({ length: of }, (_, index) => index + 1).filter((factor) => of % factor === 0)

/** Parts of a schedule that may hang on the length of the run, each with its flag of `train` where that takes steps. */
const lengthFlags = { steps: '--schedule-steps', milestones: '--milestones', warmup: undefined } as const

/** What a longer run meets whose schedule hangs on its length; undefined where schedules differ in something else. */
function otherLengths([before, now]: readonly [unknown, unknown], [was, is]: Sides): string | undefined {
  if (!isObject(before) || !isObject(now)) return undefined
  const differing = Object.keys({ ...before, ...now }).filter((key) => canonical(before[key]) !== canonical(now[key]))
  if (!differing.every((key) => key in lengthFlags)) return undefined
  const parts = (differing as (keyof typeof lengthFlags)[]).map((key) => {
    const [saved, wanted] = [before, now].map((schedule) => lengthText(schedule[key]))
    const flag = lengthFlags[key]
    return { text: `${key} ${saved!} ${was}, ${wanted!} ${is}`, same: flag === undefined ? undefined : `${flag} ${saved!}` }
  })
  const flags = parts.flatMap(({ same }) => same ?? [])
  const hint = flags.length === 0 ? '' : ` (${flags.join(' ')})`
  return `learningRate: ${parts.map(({ text }) => text).join(', ')}; to go on at the rates of before pass the same ones${hint}`
}

const lengthText = (value: unknown): string => (Array.isArray(value) ? value.join(',') || 'none' : value === undefined ? 'none' : canonical(value))

const networkName = (network: unknown): string => JSON.stringify((network as { name?: unknown } | null)?.name ?? null)

function dataName(data: unknown): string {
  const { name, length, fingerprint } = (data ?? {}) as Partial<Recipe['train']>
  return `${name} (${length} images, fingerprint ${fingerprint?.slice(0, 12)})`
}

const shown = (value: unknown, option: Option | undefined): string => (value === undefined ? (option?.usual ?? 'none') : canonical(value))

/** JSON whose keys are in order, so that equal data give equal text. */
function canonical(value: unknown): string {
  return (
    (JSON.stringify as (value: unknown, replacer: (key: string, part: unknown) => unknown) => string | undefined)(value, (_, part) =>
      isObject(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
    ) ?? 'none'
  )
}
