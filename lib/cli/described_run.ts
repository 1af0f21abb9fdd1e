/** What a run's manifest says that matters to people, in words. Manifests of earlier versions lack parts of it. */
import type { Recipe } from '../training/recipe.js'
import { fitTable } from '../training/fit_options.js'
import { isObject } from '../options/values.js'
import { count } from './output.js'

export type Words = readonly (readonly [name: string, text: string])[]

interface Stretch {
  readonly options?: Readonly<Record<string, unknown>>
  readonly cpu?: { readonly model?: string }
  readonly lastStep?: number
}

interface SaidManifest {
  readonly recipe?: Partial<Recipe> & Readonly<Record<string, unknown>>
  readonly stretches?: readonly Stretch[]
}

/** What is told in lines of its own, or says nothing to people. */
const told = [
  'network',
  'train',
  'data',
  'augment',
  'batch',
  'statisticsGroups',
  'accumulate',
  'ranks',
  'optimizer',
  'learningRate',
  'prepare',
  'device',
  'precision',
  'seed',
  'cuda',
]

export function describedRun(manifest: unknown): Words {
  const { recipe = {}, stretches = [] } = (isObject(manifest) ? manifest : {}) as SaidManifest
  const { network, prepare, optimizer, learningRate } = recipe
  const train = recipe.train ?? (recipe['data'] as Recipe['train'] | undefined)
  const augment = prepare?.train ?? recipe['augment']
  const stretch = stretches.at(-1)
  const rows: (readonly [string, string | undefined])[] = [
    [
      'network',
      network && `${network.name}, on images of ${network.input.height} x ${network.input.width}, ${network.input.channels === 1 ? 'gray' : 'in color'}`,
    ],
    ['training images', train && `${train.name}, ${count(train.length)} images`],
    ['prepared by', augment === undefined ? undefined : stepsText(augment)],
    ['length', lengthOf(stretch, recipe.batch, train)],
    ['batch', recipe.batch === undefined ? undefined : batchText(recipe)],
    ['optimizer', optimizer && namedText(optimizer)],
    ['learning rate', learningRate && namedText(learningRate)],
    ['computed on', recipe.device && [`${recipe.device} in ${recipe.precision}`, stretch?.cpu?.model].filter(Boolean).join(', ')],
    ['seed', recipe.seed === undefined ? undefined : String(recipe.seed)],
    ...otherWords(recipe),
  ]
  return rows.flatMap(([name, text]) => (text === undefined ? [] : [[name, text] as const]))
}

function lengthOf(stretch: Stretch | undefined, batch: number | undefined, train: Recipe['train'] | undefined): string | undefined {
  const steps = stretch?.options?.['steps'] ?? stretch?.lastStep
  if (typeof steps !== 'number') return undefined
  const epochs = batch === undefined || train === undefined ? undefined : steps / Math.floor(train.length / batch)
  return `${count(steps)} steps${epochs === undefined || !Number.isFinite(epochs) ? '' : `, ${Number(epochs.toPrecision(3))} epochs`}`
}

function batchText({ batch, statisticsGroups = 1, accumulate = 1, ranks = 1 }: Partial<Recipe>): string {
  const parts = [
    ...(statisticsGroups > 1 ? [`in ${statisticsGroups} groups with statistics of their own`] : []),
    ...(accumulate > 1 ? [`in ${accumulate} parts one after another`] : []),
    ...(ranks > 1 ? [`shared by ${ranks} ranks`] : []),
  ]
  return [`${count(batch!)} images`, ...parts].join(', ')
}

/** `randomCrop` with pad 4 as "random crop (pad 4)". */
function stepsText(steps: unknown): string {
  const list = Array.isArray(steps) ? (steps as readonly unknown[]) : [{ kind: 'augmentation', ...(isObject(steps) ? steps : {}) }]
  return list.length === 0 ? 'nothing' : list.map(namedText).join(', ')
}

function namedText(value: unknown): string {
  if (!isObject(value)) return String(value)
  const { kind, ...rest } = value
  const options = Object.entries(rest).filter(([, option]) => isSaid(option))
  const inner = options.map(([name, option]) => `${spaced(name)} ${plain(option)}`).join(', ')
  return `${spaced(String(kind))}${inner === '' ? '' : ` (${inner})`}`
}

/** Off, none and zero are what nobody asks about. */
const isSaid = (option: unknown): boolean =>
  !(option === undefined || option === null || option === false || option === 0 || option === 'none' || (Array.isArray(option) && option.length === 0))

function plain(value: unknown): string {
  if (value === true) return 'on'
  if (Array.isArray(value)) return value.map(plain).join(', ')
  if (isObject(value))
    return 'kind' in value
      ? namedText(value)
      : Object.entries(value)
          .map(([name, inner]) => `${spaced(name)} ${plain(inner)}`)
          .join(', ')
  return String(value)
}

const spaced = (name: string): string =>
  name === name.toUpperCase() ? name : name.replace(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`)

/** Options that are not what they are by default. */
function otherWords(recipe: Partial<Recipe> & Readonly<Record<string, unknown>>): (readonly [string, string])[] {
  const table = fitTable as Readonly<Record<string, { readonly fallback?: unknown }>>
  return Object.entries(recipe).flatMap(([name, value]) => {
    if (told.includes(name) || !isSaid(value) || JSON.stringify(value) === JSON.stringify(table[name]?.fallback)) return []
    return [[spaced(name), plain(value)] as const]
  })
}
