/** One training of a row: which images, how long, by what steps. `--smoke` and `--scale` shorten it, and say so. */
import type { Dataset, DataSplit, ImageShape } from '../../data/dataset.js'
import { centerCrop, flip, lighting, randomCrop, randomResize, randomResizedCrop, resize, subset, type Preparation } from '../../data/index.js'
import { usualSteps } from '../../data/prepare/complete.js'
import { PreresnetError } from '../../errors.js'
import type { Network } from '../../layers/index.js'
import { preResNet } from '../../models/index.js'
import type { FitOptions } from '../../training/fit_options.js'
import { multiStep } from '../../training/schedules.js'
import { sgd } from '../../training/sgd.js'
import { validationOf } from '../data_options.js'
import type { Recipe } from './recipes.js'
import type { Row } from './rows.js'

/** How much of the paper's training is done. */
export interface Extent {
  readonly smoke: boolean
  /** Of the length, from above 0 to 1. */
  readonly scale: number
}

/** A training whose network all rows of it share. */
export interface Training {
  readonly network: Network
  readonly row: Row
  /** All but images, seed and where it goes. */
  readonly settings: Pick<FitOptions, 'batch' | 'statisticsGroups' | 'optimizer' | 'learningRate' | 'prepare'>
  readonly length: { readonly steps: number } | { readonly epochs: number }
  readonly data: { readonly train: Dataset; readonly validate: Dataset }
  /** What differs from the paper's, in words; on every output. */
  readonly remarks: readonly string[]
}

/** Steps and images of a smoke test. */
function smokeOf({ network, recipe }: Row): { readonly steps: number; readonly batch: number } {
  if (recipe.data === 'imagenet') return { steps: 3, batch: 4 }
  return network!.depth === 1001 ? { steps: 8, batch: 8 } : { steps: 30, batch: 32 }
}

const smokeImages = 64

export async function trainingFor(row: Row, split: DataSplit, extent: Extent): Promise<Training> {
  const { recipe } = row
  const network = preResNet(row.network!)
  const smoke = extent.smoke ? smokeOf(row) : undefined
  const batch = smoke?.batch ?? recipe.batch
  const groups = Math.min(recipe.statisticsGroups, batch / 2)
  const { data, remark } = imagesFor(row, split, extent.smoke)
  const length = smoke === undefined ? lengthOf(recipe, extent.scale) : { steps: smoke.steps }
  return {
    network,
    row,
    settings: {
      batch,
      statisticsGroups: groups,
      optimizer: sgd({ momentum: recipe.momentum, weightDecay: recipe.weightDecay }),
      learningRate: scheduleOf(recipe, smoke === undefined ? extent.scale : undefined),
      prepare: await preparationOf(recipe, data, network.input, row.testCrop),
    },
    length,
    data,
    remarks: [
      ...(smoke === undefined ? [] : [`smoke test: ${smoke.steps} steps of ${batch} images in ${groups} groups, validated on ${data.validate.length} images`]),
      ...(smoke === undefined && extent.scale !== 1 ? [`the same schedule, shortened to ${extent.scale} of its length`] : []),
      ...remark,
      ...recipe.missing.map((missing) => `without ${missing}`),
    ],
  }
}

function lengthOf({ schedule: { unit, length } }: Recipe, scale: number): Training['length'] {
  return unit === 'steps' ? { steps: Math.max(1, Math.round(length * scale)) } : { epochs: length * scale }
}

/** The shape of the schedule is the same at every length; a smoke test has parts of the run instead of steps. */
function scheduleOf({ schedule }: Recipe, scale: number | undefined): FitOptions['learningRate'] {
  const { rate, warmup, unit, length } = schedule
  const part = (at: number): number => (scale === undefined ? at / length : at * scale)
  const relative = schedule.milestones.map(part)
  const climb = warmup && { rate: warmup.rate, ...(scale === undefined ? { fraction: part(warmup.steps) } : { steps: Math.round(part(warmup.steps)) }) }
  return multiStep({
    base: rate,
    milestones: scale === undefined ? { fraction: relative } : unit === 'epochs' ? { epochs: relative } : milestonesOf(schedule.milestones, scale),
    ...(climb && { warmup: climb }),
  })
}

/** ERR_OPTION where the schedule is so short that two changes of the rate fall into one step. */
function milestonesOf(milestones: readonly number[], scale: number): readonly number[] {
  const steps = milestones.map((step) => Math.round(step * scale))
  if (new Set(steps).size === steps.length) return steps
  const least = Math.min(...milestones.slice(1).map((step, index) => step - milestones[index]!))
  throw new PreresnetError('ERR_OPTION', `--scale: expected a part with a step between two changes of the learning rate, as ${1 / least}, got ${scale}`)
}

/** In a smoke test other images do as well: classes that they lack are added, and never seen. */
function imagesFor({ network, recipe }: Row, split: DataSplit, smoke: boolean): { data: Training['data']; remark: readonly string[] } {
  const { train } = split
  const validate = validationOf(split)
  const outputs = network!.classes!
  if (train.classes.length !== outputs && !smoke)
    throw new PreresnetError('ERR_DATASET', `reproduce: expected images of ${outputs} classes (${recipe.data}), got ${train.name} with ${train.classes.length}`)
  if (train.classes.length > outputs)
    throw new PreresnetError('ERR_DATASET', `reproduce: expected images of at most ${outputs} classes, got ${train.name} with ${train.classes.length}`)
  if (!smoke) return { data: { train, validate }, remark: [] }
  const classes = [...train.classes, ...Array.from({ length: outputs - train.classes.length }, (_, index) => `(no images) ${train.classes.length + index}`)]
  const count = Math.min(smokeImages, validate.length)
  const some = subset(
    validate,
    Array.from({ length: count }, (_, index) => Math.floor((index * validate.length) / count)),
  )
  return {
    data: { train: { ...train, classes }, validate: { ...some, classes } },
    remark:
      train.classes.length === outputs ? [] : [`${outputs} outputs on images of ${train.classes.length} classes (${train.name}) instead of ${recipe.data}`],
  }
}

async function preparationOf({ augmentation, data }: Recipe, { train, validate }: Training['data'], input: ImageShape, testCrop: number): Promise<Preparation> {
  if (data !== 'imagenet') {
    const evaluate = await usualSteps([train, validate], input)
    return { train: [...evaluate, randomCrop({ pad: 4 }), flip()], evaluate }
  }
  const drawn = augmentation.startsWith('random area') ? [randomResizedCrop()] : [randomResize({ from: 256, to: 480 }), randomCrop()]
  return { train: [...drawn, lighting(), flip()], evaluate: centerOf(testCrop) }
}

/** Of ImageNet: the center of an image whose shorter side is the paper's 256, or that of the crop. */
export function centerOf(testCrop: number): NonNullable<Preparation['evaluate']> {
  return [resize(Math.max(256, testCrop)), centerCrop()]
}
