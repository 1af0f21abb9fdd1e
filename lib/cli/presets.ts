/** Published recipes as data: what each would say on the command line of `train`, where it was published, and where the command does nearly the same. */
import { PreresnetError } from '../errors.js'
import { isModelName, modelNames } from '../models/index.js'
import type { Family } from '../models/choices.js'
import { flagsOfOtherSchedules, type ScheduleName } from './learning_rate.js'
import { flagsOfOtherOptimizers, type OptimizerName } from './optimizer.js'
import { recipes, type Recipe as PaperRecipe } from './reproduction/recipes.js'

/** Values of flags, by their keys. */
type Flags = Readonly<Record<string, string | number | boolean | readonly number[]>>

interface Recipe {
  readonly flags: Flags
  /** Where it does not do quite the same. */
  readonly differences: readonly string[]
}

export interface Preset {
  readonly what: string
  readonly source: string
  readonly recipes: Readonly<Partial<Record<Family, Recipe>>>
}

const sgd = { optimizer: 'sgd', momentum: 0.9, weightDecay: 1e-4 }
const cifarImages = { batch: 128, pad: 4, flip: true }
const cropped = { image: 224, resize: 256, flip: true }
/** Before normalization, which makes it nearly 0. */
const meanColorOfImageNet = [124, 116, 104]
const steps30And60 = { schedule: 'multi-step', learningRate: 0.1, epochs: 90, milestoneEpochs: [30, 60], ...sgd }
/** Steps of torchvision's first five epochs of ImageNet: its averages begin behind them. */
const warmupStepsOfTorchvision = 5 * Math.floor(1_281_167 / 1024)

/** Batch, optimizer and schedule of the paper's recipe, which `reproduce` trains by. */
function flagsOfPaper({ batch, statisticsGroups, momentum, weightDecay, schedule }: PaperRecipe): Flags {
  const { rate: learningRate, warmup, unit, length, milestones } = schedule
  return {
    ...{ optimizer: 'sgd', momentum, weightDecay, batch, statisticsGroups, schedule: 'multi-step', learningRate },
    ...(unit === 'steps' ? { steps: length, milestones } : { epochs: length, milestoneEpochs: milestones }),
    ...(warmup && { warmupSteps: warmup.steps, warmupRate: warmup.rate }),
  }
}

export const presets = {
  paper: {
    what: 'He et al. 2016, "Identity Mappings in Deep Residual Networks"',
    source: 'arXiv 1603.05027, Sections 3 to 5 and the Appendix',
    recipes: {
      cifar: {
        flags: {
          ...flagsOfPaper(recipes.cifar10),
          ...cifarImages,
        },
        differences: [],
      },
      imagenet: {
        flags: {
          ...flagsOfPaper(recipes.imagenet),
          image: 224,
          randomResize: [256, 480],
          flip: true,
          lighting: 0.1,
          resize: 320,
          evaluationHeight: 320,
          evaluationWidth: 320,
        },
        differences: [],
      },
    },
  },
  facebook: {
    what: 'fb.resnet.torch, which trained the ImageNet networks that are usually quoted',
    source: 'github.com/facebookarchive/fb.resnet.torch: opts.lua, train.lua and datasets/imagenet.lua; batches and devices as in TRAINING.md',
    recipes: {
      cifar: {
        flags: {
          ...sgd,
          ...cifarImages,
          nesterov: true,
          statisticsGroups: 2,
          epochs: 164,
          schedule: 'multi-step',
          learningRate: 0.1,
          // train.lua counts epochs from 1, and the rate falls with epochs 81 and 122.
          milestoneEpochs: [80, 121],
        },
        differences: [],
      },
      imagenet: {
        flags: {
          ...steps30And60,
          ...cropped,
          nesterov: true,
          batch: 256,
          statisticsGroups: 8,
          randomResizedCrop: true,
          colorJitter: [0.4, 0.4, 0.4],
          lighting: 0.1,
        },
        differences: [
          '8 devices of 32 images, as for 101 and 152 layers; up to 50 layers it had 4 of 64',
          'colors are rounded to whole levels from 0 to 255 after each change',
        ],
      },
    },
  },
  'torchvision-v1': {
    what: "torchvision's first recipe (IMAGENET1K_V1)",
    source: 'github.com/pytorch/vision: references/classification/README.md, "ResNet", and train.py; 8 devices of 32 images',
    recipes: {
      imagenet: { flags: { ...steps30And60, ...cropped, batch: 256, statisticsGroups: 8, randomResizedCrop: true }, differences: [] },
    },
  },
  'torchvision-v2': {
    what: "torchvision's second recipe (IMAGENET1K_V2)",
    source:
      'pytorch.org/blog/how-to-train-state-of-the-art-models-using-torchvision-latest-primitives, and references/classification/train.py of ' +
      'github.com/pytorch/vision; 8 devices of 128 images',
    recipes: {
      imagenet: {
        flags: {
          optimizer: 'sgd',
          momentum: 0.9,
          weightDecay: 2e-5,
          excludeFromDecay: 'norm-and-bias',
          batch: 1024,
          statisticsGroups: 8,
          epochs: 600,
          schedule: 'cosine',
          learningRate: 0.5,
          warmupEpochs: 5,
          labelSmoothing: 0.1,
          image: 176,
          randomResizedCrop: true,
          flip: true,
          trivialAugment: true,
          randomErasing: 0.1,
          erasingColor: meanColorOfImageNet,
          mixup: 0.2,
          cutmix: 1,
          repeatedAugmentation: 4,
          resize: 232,
          evaluationHeight: 224,
          evaluationWidth: 224,
          // What its script makes of --model-ema-decay 0.99998 and --model-ema-steps 32: 1 - 2e-5 x 1024 x 32 / 600.
          emaDecay: 1 - (2e-5 * 1024 * 32) / 600,
          emaEvery: 32,
          emaAfter: warmupStepsOfTorchvision,
        },
        differences: [
          'what is erased gets the mean color rounded to whole levels',
          'the rate changes every step, not every epoch',
          'the warm-up begins near 0, not at 0.005',
          'moving averages change every 32 steps of the run, not of each epoch',
          `moving averages begin after ${warmupStepsOfTorchvision} steps, which are 5 epochs of ImageNet in batches of 1024, whatever the images and the batch are`,
          "the last layer's bias does not decay either",
        ],
      },
    },
  },
  'timm-a2': {
    what: 'procedure A2 of Wightman et al. 2021, "ResNet strikes back"',
    source:
      'arXiv 2110.00476, as MMPretrain (configs/resnet/resnet50_8xb256-rsb-a2-300e_in1k.py) and OpenMixup have it; 4 devices, as its A1 had; the target ' +
      "threshold and the first rate of others' command lines of timm",
    recipes: {
      imagenet: {
        flags: {
          optimizer: 'lamb',
          weightDecay: 0.02,
          excludeFromDecay: 'norm-and-bias',
          batch: 2048,
          statisticsGroups: 4,
          epochs: 300,
          schedule: 'cosine',
          learningRate: 5e-3,
          finalRate: 1e-6,
          warmupEpochs: 5,
          loss: 'binary-cross-entropy',
          targetThreshold: 0.2,
          stochasticDepth: 0.05,
          zeroInit: true,
          image: 224,
          randomResizedCrop: true,
          flip: true,
          filter: 'bicubic',
          // 7 of timm's 10 levels.
          randAugment: [2, 21],
          mixup: 0.1,
          cutmix: 1,
          repeatedAugmentation: 3,
          resize: 235,
        },
        differences: [
          'the rate changes every step, not every epoch',
          'the warm-up begins near 0, not at 1e-4',
          "RandAugment is torchvision's, with the magnitude of timm's 7 of 10: each operation is done, where timm leaves out half of them, its magnitude is not spread, and invert and solarize-add are none of them",
        ],
      },
    },
  },
} as const satisfies Readonly<Record<string, Preset>>

type PresetName = keyof typeof presets
export const presetNames = Object.keys(presets) as readonly PresetName[]

/** Flags that exclude each other: where one of a row is given, the preset's of that row do not count. Their own files refuse two that are given. */
const rivals: readonly (readonly string[])[] = [
  ['steps', 'epochs'],
  ['milestones', 'milestoneEpochs'],
  ['warmupSteps', 'warmupEpochs'],
  ['scheduleSteps', 'scheduleEpochs'],
  ['pad', 'randomResizedCrop', 'randomResize'],
  ['trivialAugment', 'randAugment'],
]

/** The recipe of a preset for a network; ERR_OPTION where the preset has none for its family. */
export function recipeOf(preset: PresetName, { model, family }: { readonly model?: unknown; readonly family?: unknown }): Recipe {
  const of = typeof model === 'string' && isModelName(model) ? modelNames[model].family : (family as Family | undefined)
  const { recipes }: Preset = presets[preset]
  const recipe = of === undefined ? undefined : recipes[of]
  if (recipe !== undefined) return recipe
  const known = Object.keys(recipes).join(' or ')
  throw new PreresnetError('ERR_OPTION', `--preset ${preset}: expected a network of family ${known} (--model or --family), got ${of ?? 'none'}`)
}

/** Flags of the preset that go with its own optimizer, schedule or loss alone, where another one was given. */
function strangers({ optimizer, schedule, loss }: Readonly<Record<string, unknown>>): readonly string[] {
  return [
    ...(optimizer === undefined ? [] : flagsOfOtherOptimizers(optimizer as OptimizerName)),
    ...(schedule === undefined ? [] : flagsOfOtherSchedules(schedule as ScheduleName)),
    ...(loss === undefined || loss === 'binary-cross-entropy' ? [] : ['targetThreshold']),
  ]
}

/** The preset's values of flags that were not given, without those that given flags replace or that do not go with them. */
export function flagsOfPreset(given: Readonly<Record<string, unknown>>): Flags {
  const { preset } = given
  if (preset === undefined) return {}
  const { flags } = recipeOf(preset as PresetName, given)
  const replaced = new Set([...rivals.filter((keys) => keys.some((key) => given[key] !== undefined)).flat(), ...strangers(given)])
  return Object.fromEntries(Object.entries(flags).filter(([key]) => !replaced.has(key)))
}
