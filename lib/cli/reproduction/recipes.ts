/** The recipes of the paper (Section 4, Section 5 and the Appendix) as data. */

export interface Recipe {
  readonly data: 'cifar10' | 'cifar100' | 'imagenet'
  /** Preparation of training images. */
  readonly augmentation:
    'pad 4, random 32x32 crop, flip' | 'shorter side from 256 to 480, random 224x224 crop, flip, color' | 'random area and aspect ratio, 224x224, flip, color'
  /** What the augmentation needs and this package does not have yet. */
  readonly missing: readonly string[]
  readonly batch: number
  /** Groups of images with normalization statistics of their own: the GPUs of the paper. */
  readonly statisticsGroups: number
  readonly momentum: number
  readonly weightDecay: number
  readonly schedule: Schedule
  /** The paper's figure is the median of so many runs, with these seeds here. */
  readonly seeds: readonly number[]
}

/** The rate is divided by 10 at each milestone. */
interface Schedule {
  readonly rate: number
  readonly warmup?: { readonly steps: number; readonly rate: number }
  /** Of the length and the milestones. */
  readonly unit: 'steps' | 'epochs'
  readonly length: number
  readonly milestones: readonly number[]
}

const optimizer = { momentum: 0.9, weightDecay: 1e-4 }

const cifar10: Recipe = {
  data: 'cifar10',
  augmentation: 'pad 4, random 32x32 crop, flip',
  missing: [],
  batch: 128,
  statisticsGroups: 2,
  ...optimizer,
  schedule: { rate: 0.1, warmup: { steps: 400, rate: 0.01 }, unit: 'steps', length: 64_000, milestones: [32_000, 48_000] },
  seeds: [1, 2, 3, 4, 5],
}

const imagenet: Recipe = {
  data: 'imagenet',
  augmentation: 'shorter side from 256 to 480, random 224x224 crop, flip, color',
  missing: [],
  batch: 256,
  statisticsGroups: 8,
  ...optimizer,
  schedule: { rate: 0.1, unit: 'epochs', length: 90, milestones: [30, 60] },
  seeds: [1],
}

export const recipes = {
  cifar10,
  cifar10Batch64: { ...cifar10, batch: 64 },
  cifar100: { ...cifar10, data: 'cifar100' },
  imagenet,
  imagenetAspect: { ...imagenet, augmentation: 'random area and aspect ratio, 224x224, flip, color' },
} as const satisfies Readonly<Record<string, Recipe>>
