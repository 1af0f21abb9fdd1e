/** Options of `fit`, checked and completed before anything starts. */
import { abortSignal } from '../abort.js'
import { convolutionChoices, type ConvolutionChoice } from '../compiler/options.js'
import type { Dataset } from '../data/dataset.js'
import { PreresnetError } from '../errors.js'
import type { Network } from '../layers/layer.js'
import { boolean, integer, invalid, knownKeys, number, oneOf, string } from '../options.js'
import { checkCudaSettings, type CudaSettings } from '../runtime/cuda.js'
import { deviceChoices, precisionChoices, type DeviceChoice, type PrecisionChoice } from '../runtime/device.js'
import { checkClasses, checkDataset } from '../data/check.js'
import type { SgdOptimizer } from '../runtime/optimizer.js'
import { constant, isSchedule, type Schedule } from './schedules.js'
import { sgd } from './sgd.js'

export type FitOptions = FitSettings & FitLength

/** One of both. */
export type FitLength =
  | { readonly steps: number; readonly epochs?: undefined }
  /** Passes over the training data; may have a fraction. */
  | { readonly epochs: number; readonly steps?: undefined }

export interface FitSettings {
  /** Has as many classes as the network has outputs; sessions take fewer too. */
  readonly train: Dataset
  /** Evaluated every `validateEvery` steps and at the end. */
  readonly validate?: Dataset
  /** Of training images: zeros around the normalised image, a random crop of its first size, mirrored half of the time. */
  readonly augment?: AugmentOptions
  /** Images per step; the last short batch of an epoch is dropped. @default 128 */
  readonly batch?: number
  /** Of start values, order, augmentation and dropout. @default 0 */
  readonly seed?: number
  /** @default 'auto' */
  readonly device?: DeviceChoice
  /** @default 'auto' */
  readonly precision?: PrecisionChoice
  /** 0: what user, cores and cgroup allow. @default 0 */
  readonly threads?: number
  /** For device `cuda`; an error on others. */
  readonly cuda?: CudaSettings
  /** Threads that decode and augment images. @default 1 */
  readonly workers?: number
  /** @default sgd(): momentum 0.9, decay 1e-4 */
  readonly optimizer?: SgdOptimizer
  /** A number for all steps, or a schedule. */
  readonly learningRate: number | Schedule
  /** @default 0 */
  readonly labelSmoothing?: number
  /** Groups of consecutive images of a batch with BN statistics of their own. @default 1 */
  readonly statisticsGroups?: number
  /** 'auto': Winograd where it is faster, in networks of up to 512 convolutions; 'direct': never, for the last digits. @default 'auto' */
  readonly convolution?: ConvolutionChoice
  /**
   * Of each residual stream every n-th sum is kept for the backward pass, the others are computed again: less memory for some more time, the same
   * results. 1: all are kept. @default 1
   */
  readonly recompute?: number
  /** Parameters that are not trained: names, paths above them, patterns with `*`. @default [] */
  readonly frozen?: readonly string[]
  /** Norms that use and keep their running statistics. @default [] */
  readonly frozenStatistics?: readonly string[]
  /**
   * Start values from a model file, except for what matches `except` (a replaced head). Whatever the file says, images are normalised as those of `train`, and
   * outputs are the classes of `train`, in their order.
   */
  readonly initialise?: { readonly from: string; readonly except?: readonly string[] }
  /** Steps between validations. @default one epoch */
  readonly validateEvery?: number
  /** Steps per line of the log. @default 50 */
  readonly logEvery?: number
  readonly checkpoint?: CheckpointOptions
  /** Directory for metrics.jsonl, the event file and manifest.json. @default the checkpoints' directory, or none */
  readonly output?: string
  /** File for a Chrome trace (Perfetto opens it) of three steps after the first two: when each operation ran, and for how long. */
  readonly profile?: string
  /** Ends the run between two operations, or while it is prepared, without saving; `finished` rejects with ERR_ABORTED. For saving first, see `stop()`. */
  readonly signal?: AbortSignal
}

export interface AugmentOptions {
  /** @default 0 */
  readonly pad?: number
  /** Has to be the size of the images. @default that */
  readonly crop?: number
  /** @default false */
  readonly flip?: boolean
}

export interface CheckpointOptions {
  readonly directory: string
  /** Steps between checkpoints; one more is written at the end, and where a validation is the best so far. @default one epoch */
  readonly every?: number
  /** How many of the newest stay; the best stays beside. @default 3 */
  readonly keep?: number
  /** Go on from the newest checkpoint in the directory, if there is one. Without it, a directory with checkpoints is an error. @default false */
  readonly resume?: boolean
}

/** Complete and checked. */
export interface FitPlan {
  readonly network: Network
  readonly train: Dataset
  readonly validate: Dataset | undefined
  readonly augment: { readonly pad: number; readonly flip: boolean }
  readonly batch: number
  readonly steps: number
  readonly stepsPerEpoch: number
  readonly seed: number
  readonly device: DeviceChoice
  readonly precision: PrecisionChoice
  readonly threads: number
  readonly cuda: CudaSettings | undefined
  readonly workers: number
  readonly optimizer: SgdOptimizer
  readonly learningRate: Schedule
  readonly labelSmoothing: number
  readonly statisticsGroups: number
  readonly convolution: ConvolutionChoice
  readonly recompute: number
  readonly frozen: readonly string[]
  readonly frozenStatistics: readonly string[]
  readonly initialise: { readonly from: string; readonly except: readonly string[] } | undefined
  readonly validateEvery: number
  readonly logEvery: number
  readonly checkpoint: Required<CheckpointOptions> | undefined
  readonly output: string | undefined
  readonly profile: string | undefined
  readonly signal: AbortSignal | undefined
}

const names = [
  'train',
  'validate',
  'augment',
  'batch',
  'steps',
  'epochs',
  'seed',
  'device',
  'precision',
  'threads',
  'cuda',
  'workers',
  'optimizer',
  'learningRate',
  'labelSmoothing',
  'statisticsGroups',
  'convolution',
  'recompute',
  'frozen',
  'frozenStatistics',
  'initialise',
  'validateEvery',
  'logEvery',
  'checkpoint',
  'output',
  'profile',
  'signal',
] as const satisfies readonly (keyof FitSettings | keyof FitLength)[]

export function planFit(network: Network, options: FitOptions): FitPlan {
  if ((network as Partial<Network> | undefined)?.kind !== 'network') throw invalid('fit', 'a network', network)
  knownKeys('fit', options, names)
  const train = dataset('fit: train', options.train)
  const batch = integer('fit: batch', options.batch ?? 128, 1, 1 << 20)
  const stepsPerEpoch = Math.floor(train.length / batch)
  if (stepsPerEpoch === 0) throw new PreresnetError('ERR_DATASET', `fit: batch: ${train.name} has ${train.length} images, fewer than one batch of ${batch}`)
  const checkpoint = checkpointOptions(options.checkpoint, stepsPerEpoch)
  const { learningRate, signal, initialise } = options
  if (initialise !== undefined) knownKeys('fit: initialise', initialise, ['from', 'except'])
  return {
    network,
    train,
    validate: validation(options.validate, train),
    augment: augmentOptions(options.augment ?? {}, train),
    batch,
    steps: totalSteps(options, stepsPerEpoch),
    stepsPerEpoch,
    seed: integer('fit: seed', options.seed ?? 0, 0),
    device: oneOf('fit: device', options.device ?? 'auto', deviceChoices),
    precision: oneOf('fit: precision', options.precision ?? 'auto', precisionChoices),
    threads: integer('fit: threads', options.threads ?? 0, 0, 1024),
    cuda: options.cuda && checkCudaSettings('fit', options.cuda),
    workers: integer('fit: workers', options.workers ?? 1, 1, 256),
    optimizer: optimizer(options.optimizer),
    learningRate: isSchedule(learningRate) ? learningRate : constant({ rate: number('fit: learningRate', learningRate, 0) }),
    labelSmoothing: number('fit: labelSmoothing', options.labelSmoothing ?? 0, 0, 1),
    statisticsGroups: statisticsGroups(options.statisticsGroups ?? 1, batch),
    convolution: oneOf('fit: convolution', options.convolution ?? 'auto', convolutionChoices),
    recompute: integer('fit: recompute', options.recompute ?? 1, 1),
    frozen: patterns('fit: frozen', options.frozen ?? []),
    frozenStatistics: patterns('fit: frozenStatistics', options.frozenStatistics ?? []),
    initialise: initialise && { from: string('fit: initialise.from', initialise.from), except: patterns('fit: initialise.except', initialise.except ?? []) },
    validateEvery: integer('fit: validateEvery', options.validateEvery ?? stepsPerEpoch, 1),
    logEvery: integer('fit: logEvery', options.logEvery ?? 50, 1),
    checkpoint,
    output: options.output === undefined ? checkpoint?.directory : string('fit: output', options.output),
    profile: options.profile === undefined ? undefined : string('fit: profile', options.profile),
    signal: abortSignal('fit: signal', signal),
  }
}

function totalSteps({ steps, epochs }: FitOptions, stepsPerEpoch: number): number {
  if ((steps === undefined) === (epochs === undefined))
    throw new PreresnetError('ERR_OPTION', `fit: expected either steps or epochs, got ${steps === undefined ? 'neither' : 'both'}`)
  if (steps !== undefined) return integer('fit: steps', steps, 1)
  return Math.max(1, Math.round(number('fit: epochs', epochs, Number.MIN_VALUE) * stepsPerEpoch))
}

function augmentOptions(augment: AugmentOptions, { shape, name }: Dataset): FitPlan['augment'] {
  knownKeys('fit: augment', augment, ['pad', 'crop', 'flip'])
  if (augment.crop !== undefined && (augment.crop !== shape.height || augment.crop !== shape.width)) {
    throw invalid('fit: augment.crop', `the images' size (${name}: ${shape.height} x ${shape.width})`, augment.crop)
  }
  return { pad: integer('fit: augment.pad', augment.pad ?? 0, 0, 1024), flip: boolean('fit: augment.flip', augment.flip ?? false) }
}

function checkpointOptions(checkpoint: CheckpointOptions | undefined, stepsPerEpoch: number): FitPlan['checkpoint'] {
  if (checkpoint === undefined) return undefined
  knownKeys('fit: checkpoint', checkpoint, ['directory', 'every', 'keep', 'resume'])
  return {
    directory: string('fit: checkpoint.directory', checkpoint.directory),
    every: integer('fit: checkpoint.every', checkpoint.every ?? stepsPerEpoch, 1),
    keep: integer('fit: checkpoint.keep', checkpoint.keep ?? 3, 1),
    resume: boolean('fit: checkpoint.resume', checkpoint.resume ?? false),
  }
}

function optimizer(value: SgdOptimizer | undefined): SgdOptimizer {
  if (value === undefined) return sgd()
  if ((value as Partial<SgdOptimizer> | null)?.kind !== 'sgd') throw invalid('fit: optimizer', 'an optimizer, such as sgd()', value)
  const { momentum, nesterov, weightDecay, excludeFromDecay, groups, clipNorm } = value
  return sgd({ momentum, nesterov, weightDecay, excludeFromDecay, groups, clipNorm })
}

function statisticsGroups(groups: number, batch: number): number {
  integer('fit: statisticsGroups', groups, 1)
  if (batch % groups !== 0) throw invalid('fit: statisticsGroups', `a divisor of the batch (${batch})`, groups)
  return groups
}

function patterns(where: string, value: readonly string[]): readonly string[] {
  if (!Array.isArray(value)) throw invalid(where, 'a list of names or patterns', value)
  return value.map((pattern, index) => string(`${where}[${index}]`, pattern))
}

function dataset(where: string, value: unknown): Dataset {
  const { name, length } = checkDataset(where, value)
  if (length === 0) throw new PreresnetError('ERR_DATASET', `${where}: ${name} is empty`)
  return value as Dataset
}

/** Of the training's classes: else its errors would be counted by other names. */
function validation(value: unknown, train: Dataset): Dataset | undefined {
  if (value === undefined) return undefined
  const set = dataset('fit: validate', value)
  checkClasses(`fit: validate: ${set.name}`, set.classes, 'the training images', train.classes)
  return set
}
