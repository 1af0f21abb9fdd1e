/** Options of `fit`, checked and completed before anything starts. */
import type { Dataset } from '../data/dataset.js'
import { checkClasses, checkDataset } from '../data/check.js'
import { cacheChoices, type Preparation } from '../data/prepare/preparation.js'
import { checkPreparation } from '../data/prepare/sequence.js'
import { PreresnetError } from '../errors.js'
import { weightsChoices, type WeightsChoice } from '../compiler/options.js'
import type { Network } from '../layers/layer.js'
import { defined, fields, invalid } from '../options/values.js'
import { checkInner, checkOptions, withDefaults } from '../options/check.js'
import { emaOptions } from '../options/averages.js'
import { checkParts, groupsOf } from '../options/parts.js'
import { limits } from '../layers/value.js'
import { choiceOption, integerOption, objectOption, valueOption, variant, type Given, type Needed, type RunTable, type ValuesOf } from '../options/spec.js'
import {
  checkpointOptions,
  initializeOptions,
  lengthOptions,
  type deviceOptions,
  type programOptions,
  runOptions,
  type trainingOptions,
} from '../options/table.js'
import type { Optimizer } from '../runtime/optimizer.js'
import { type sharedValues, sharedOptions } from '../runtime/session_options.js'
import type { LearningRate } from '../runtime/call_options.js'
import type { RunLength } from './duration.js'
import { isSchedule, type Schedule } from './schedule.js'
import { constant } from './schedules.js'
import { sgd } from './sgd.js'
import { readOptimizer } from './optimizers.js'

const evaluatedSide = { group: 'Data', unit: 'pixels', minimum: 1, maximum: limits.image, required: true, decides: false } as const

/** `evaluationInput` of `fit`. */
export const evaluationInputOptions = {
  /** Height of the images of validation. Give an integer from 1 to 65536 (pixels). */
  height: integerOption({ ...evaluatedSide, help: 'height of the images of validation', flag: 'evaluationHeight' }),
  /** Width of the images of validation. Give an integer from 1 to 65536 (pixels). */
  width: integerOption({ ...evaluatedSide, help: 'width of the images of validation', flag: 'evaluationWidth' }),
} satisfies RunTable

/** `ema` of `fit`. */
export const fitEmaOptions = {
  ...emaOptions,
  /** Which weights are validated and become the model. Give "trained" or "ema". @default ema */
  use: choiceOption({
    group: 'Training',
    help: 'which weights are validated and become the model',
    choices: weightsChoices,
    fallback: 'ema',
    flag: 'emaUse',
    decides: false,
  }),
} satisfies RunTable

/** Those that are values of these rooms. */
export const ownFitOptions = {
  /** Images to train on, with as many classes as the network has outputs. Give a dataset. */
  train: valueOption<Dataset>()({
    group: 'Data',
    help: 'images to train on, with as many classes as the network has outputs',
    accepts: 'a dataset',
    required: true,
    decides: true,
    read: dataset,
    record: ({ name, length, fingerprint }) => ({ name, length, fingerprint }),
  }),
  /** Images on which the network is evaluated every validateEvery steps and at the end, of the same classes. Give a dataset. @default undefined */
  validate: valueOption<Dataset>()({
    group: 'Data',
    help: 'images on which the network is evaluated every validateEvery steps and at the end, of the same classes',
    accepts: 'a dataset',
    decides: false,
    read: dataset,
    record: ({ name }) => name,
  }),
  /**
   * Where images from files are kept, as they are before the first random step; 'auto': in memory, if they take no more than 1 GiB; normalization that is not
   * given is measured over all images in memory, over 2,048 of those that are decoded at every use: with more than that a run resumes with the same value. Give
   * "auto" or "memory" or "files".
   * @default auto
   */
  cache: choiceOption({
    group: 'Data',
    help:
      "where images from files are kept, as they are before the first random step; 'auto': in memory, if they take no more than 1 GiB; normalization that is not " +
      'given is measured over all images in memory, over 2,048 of those that are decoded at every use: with more than that a run resumes with the same value',
    choices: cacheChoices,
    fallback: 'auto',
    decides: false,
  }),
  /**
   * A number for all steps, a schedule, which is told the length of the run, or a function of the step (which no checkpoint can hold). Give a number of at
   * least 0, a schedule or a function of the step.
   */
  learningRate: valueOption<LearningRate>()({
    group: 'Learning rate',
    help: 'a number for all steps, a schedule, which is told the length of the run, or a function of the step (which no checkpoint can hold)',
    accepts: 'a number of at least 0, a schedule or a function of the step',
    required: true,
    decides: true,
    read: (where, value) => schedule(where, value),
  }),
  /**
   * How images become the network's input: steps of training, steps of evaluation, normalization. Give an object of options.
   * @default {}: all that can be found out
   */
  prepare: variant(sharedOptions.prepare, { usual: '{}: all that can be found out' }),
  /** What sgd(), adamW(), lamb() or lars() makes. Give an optimizer, such as sgd(). @default sgd(): momentum 0.9, weight decay 1e-4 */
  optimizer: {
    ...variant(sharedOptions.optimizer, { fallback: sgd(), usual: 'sgd(): momentum 0.9, weight decay 1e-4' }),
    read: readOptimizer,
  },
  /** Moving averages of parameters and running statistics; checkpoints hold both. Give an object of options. @default undefined */
  ema: objectOption(
    { group: 'Training', help: 'moving averages of parameters and running statistics; checkpoints hold both', decides: true },
    fitEmaOptions,
    (where, value) => checkInner(where, fitEmaOptions, value),
  ),
  /**
   * Size of the images that the network is validated on, and gets in the model, where it is another than in training. Give an object of options.
   * @default undefined
   */
  evaluationInput: objectOption(
    { group: 'Data', help: 'size of the images that the network is validated on, and gets in the model, where it is another than in training', decides: false },
    evaluationInputOptions,
    (where, value) => checkInner(where, evaluationInputOptions, value),
  ),
  /** Where checkpoints go, and whether a run goes on from one. Give an object of options. @default undefined */
  checkpoint: objectOption(
    { group: 'Output', help: 'where checkpoints go, and whether a run goes on from one', decides: false },
    checkpointOptions,
    (where, value) => checkInner(where, checkpointOptions, value),
  ),
  /**
   * Start values from a model file; whatever the file says, images are prepared as prepare says, and outputs are the classes of train, in their order. Give an
   * object of options.
   * @default undefined
   */
  initialize: objectOption(
    {
      group: 'Training',
      help: 'start values from a model file; whatever the file says, images are prepared as prepare says, and outputs are the classes of train, in their order',
      decides: false,
    },
    initializeOptions,
    (where, value) => checkInner(where, initializeOptions, value),
  ),
} satisfies RunTable

/** Everything that `fit` takes. */
export const fitTable: Omit<typeof sharedOptions, 'optimizer' | 'prepare' | 'ema'> & typeof lengthOptions & typeof runOptions & typeof ownFitOptions = {
  ...sharedOptions,
  ...lengthOptions,
  ...runOptions,
  ...ownFitOptions,
}

/** The options of `fit` are these. */
export type FitOptions = FitSettings & FitLength

/** A run is as long as `steps` or as `epochs` says; one of both is given. */
export type FitLength =
  (Needed<typeof lengthOptions, 'steps'> & { readonly epochs?: undefined }) | (Needed<typeof lengthOptions, 'epochs'> & { readonly steps?: undefined })

/** The options of `fit` but for its length are these. */
export interface FitSettings
  extends
    Given<typeof programOptions>,
    Given<typeof deviceOptions>,
    Given<typeof trainingOptions>,
    Omit<Given<typeof sharedValues>, 'optimizer' | 'prepare' | 'ema'>,
    Given<typeof runOptions>,
    Given<typeof ownFitOptions> {}

/** The options within `checkpoint` of `fit` are these. */
export type CheckpointOptions = Given<typeof checkpointOptions>

type Derived = 'steps' | 'epochs' | 'prepare' | 'learningRate' | 'validateEvery' | 'checkpoint' | 'initialize' | 'optimizer'

/** Complete and checked. */
export interface FitPlan extends Omit<ValuesOf<typeof fitTable>, Derived> {
  readonly network: Network
  readonly prepare: Preparation
  readonly steps: number
  readonly stepsPerEpoch: number
  readonly optimizer: Optimizer
  readonly learningRate: Rate
  readonly initialize: { readonly from: string; readonly except: readonly string[] } | undefined
  readonly validateEvery: number
  /** Which are validated and become the model. */
  readonly weights: WeightsChoice
  readonly checkpoint: Required<CheckpointOptions> | undefined
}

/** A schedule, or a function of the step that has no other form. */
type Rate = Pick<Schedule, 'at'>

export function planFit(network: Network, options: FitOptions): FitPlan {
  if ((network as Partial<Network> | undefined)?.kind !== 'network') throw invalid('fit', 'a network', network)
  const given = withDefaults(fitTable, checkOptions('fit', fitTable, options))
  const { train, validate, batch, checkpoint, initialize, evaluationInput, ema } = given
  const stepsPerEpoch = Math.floor(train.length / batch)
  if (stepsPerEpoch === 0) throw new PreresnetError('ERR_DATASET', `fit: batch: ${train.name} has ${train.length} images, fewer than one batch of ${batch}`)
  if (validate !== undefined) checkClasses(`fit: validate: ${validate.name}`, validate.classes, 'the training images', train.classes)
  checkParts('fit', batch, { ...given, ranks: given.ranks?.size ?? 1 })
  checkPartners(given)
  const prepare = given.prepare ?? {}
  const { evaluate, ...others } = prepare
  checkPreparation('fit: prepare', evaluationInput === undefined ? prepare : others, network.input)
  if (evaluationInput !== undefined) checkPreparation('fit: prepare', defined({ evaluate }), evaluatedInput({ network, evaluationInput }))
  const steps = totalSteps(options, stepsPerEpoch)
  return {
    ...given,
    network,
    prepare,
    steps,
    stepsPerEpoch,
    optimizer: given.optimizer,
    learningRate: resolved(resumable(given.learningRate as Rate, checkpoint !== undefined), { steps, stepsPerEpoch }),
    initialize: initialize && withDefaults(initializeOptions, initialize),
    validateEvery: given.validateEvery ?? stepsPerEpoch,
    weights: ema === undefined ? 'trained' : (ema.use ?? fitEmaOptions.use.fallback),
    checkpoint: checkpoint && { ...withDefaults(checkpointOptions, checkpoint), every: checkpoint.every ?? stepsPerEpoch },
    output: given.output ?? checkpoint?.directory,
  }
}

/** ERR_OPTION where an image that is mixed has no other in its group. */
function checkPartners({ batch, mixup, cutmix, ...parts }: ValuesOf<typeof fitTable>): void {
  const groups = groupsOf({ ...parts, ranks: parts.ranks?.size ?? 1 })
  if ((mixup > 0 || cutmix > 0) && batch / groups < 2)
    throw invalid(mixup > 0 ? 'fit: mixup' : 'fit: cutmix', `0 with groups of statistics of one image (batch ${batch}, ${groups} groups)`, mixup || cutmix)
}

/** The input that the network is validated on. */
export function evaluatedInput({ network: { input }, evaluationInput }: Pick<FitPlan, 'network' | 'evaluationInput'>): Network['input'] {
  return { ...input, ...evaluationInput }
}

function totalSteps({ steps, epochs }: FitOptions, stepsPerEpoch: number): number {
  if ((steps === undefined) === (epochs === undefined))
    throw new PreresnetError('ERR_OPTION', `fit: expected either steps or epochs, got ${steps === undefined ? 'neither' : 'both'}`)
  return steps ?? Math.max(1, Math.round(epochs * stepsPerEpoch))
}

function schedule(where: string, value: unknown): Rate {
  if (isSchedule(value)) return value
  if (typeof value === 'function') return { at: value as (step: number) => number }
  if (typeof fields(value)['at'] === 'function') return value as Rate
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return constant({ rate: value })
  throw invalid(where, ownFitOptions.learningRate.accepts, value)
}

/** A function says nothing that a checkpoint could hold and a resumed run be compared with. */
function resumable(rate: Rate, checkpoints: boolean): Rate {
  if (checkpoints && !isSchedule(rate))
    throw new PreresnetError(
      'ERR_OPTION',
      'fit: learningRate: expected a number or a schedule where checkpoints are written, which can hold no function; see multiStep, cosine and others',
    )
  return rate
}

/** A schedule learns here how long the run is. */
function resolved(rate: Rate, run: RunLength): Rate {
  if (!isSchedule(rate)) return rate
  try {
    return rate.resolve(run)
  } catch (error) {
    if (!(error instanceof PreresnetError)) throw error
    throw new PreresnetError(error.code, `fit: learningRate: ${error.message}, in a run of ${run.steps} steps, ${run.stepsPerEpoch} an epoch`, { cause: error })
  }
}

function dataset(where: string, value: unknown): Dataset {
  const { name, length } = checkDataset(where, value)
  if (length === 0) throw new PreresnetError('ERR_DATASET', `${where}: ${name} is empty`)
  return value as Dataset
}
