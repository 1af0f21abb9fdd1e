import type { Given, ValueOf } from '../options/spec.js'
import { cudaOptions, programOptions } from '../options/table.js'
import type { Choices, Tier } from './lower/engines.js'
import type { DeviceName, Precision } from './program.js'

const gpuOptions = { deterministic: cudaOptions.deterministic, lossScale: cudaOptions.lossScale }
type GpuOptions = Pick<Given<typeof cudaOptions>, keyof typeof gpuOptions>

/** What the compiler takes of the options of sessions: their checks. */
export const compilerTable: typeof programOptions & typeof gpuOptions = { ...programOptions, ...gpuOptions }

/** Everything that decides what programs a graph becomes is here. It is plain data, saved with a checkpoint. */
export interface ProgramOptions extends Given<typeof programOptions>, GpuOptions {
  /** The programs are for this device. */
  readonly device: DeviceName
  /** The precision is fp64 for the reference; fp32, bf16 or bf16-native for the CPU; fp32, tf32, bf16 or fp16 on CUDA. */
  readonly precision: Precision
  /** The number of images of a batch is from 1 to 1,048,576. */
  readonly batch: number
  /** Each program is asked for by its kind, or under a name of its own for another batch or images of another size, over the same weights. */
  readonly programs: readonly (ProgramKind | ProgramRequest)[]
  /** The network's input comes in this form. */
  readonly input: InputOptions
  /** The loss is computed in this way. */
  readonly loss: LossOptions
  /**
   * Parameters are updated in this way; a parameter without settings is frozen. `train` needs it, unless the loss is an external gradient.
   * @default undefined
   */
  readonly update?: UpdateOptions
  /** Moving averages of parameters and running statistics follow what is trained in this way. @default undefined */
  readonly ema?: EmaOptions
  /** Whether training mixes images and labels of a batch, as its `mixes` say (operation `mix`). @default false */
  readonly mix?: boolean
  /** The norms with these layer names use and keep their running statistics while training. @default [] */
  readonly frozenStatistics?: readonly string[]
  /** Whether the gradient at the network's input is computed as well. @default false */
  readonly inputGradient?: boolean
  /** @internal Of `train`: the values of these nodes and the gradients at them can be read after a step, by the names of `probedTensors`. @default [] */
  readonly probed?: readonly string[]
  /** The number of processes that share each batch is at least 1; their gradients are added by an operation `all_reduce`. @default 1 */
  readonly ranks?: number
  /** The compute capability of the GPU decides which convolutions are fused; it is at least 80: 90 is an H100. @default 90 */
  readonly arch?: number
  /** These are what the tuner chose for a GPU's convolutions. @default none: the rules of lower/engines.ts */
  readonly choices?: Choices
  /** @internal Lowers for a GPU's precision although the device is none, so that any executor can judge the launches; one tier, where its pattern exists. */
  readonly lowering?: {
    /** The precision is fp64 for the reference; fp32, bf16 or bf16-native for the CPU; fp32, tf32, bf16 or fp16 on CUDA. */
    readonly precision: Precision
    readonly tier?: Tier
  }
}

/** Each is named here, or the type does not hold. */
const ownKeys: Readonly<Record<Exclude<keyof ProgramOptions, keyof typeof compilerTable>, true>> = {
  device: true,
  precision: true,
  batch: true,
  programs: true,
  input: true,
  loss: true,
  update: true,
  ema: true,
  mix: true,
  frozenStatistics: true,
  inputGradient: true,
  probed: true,
  ranks: true,
  arch: true,
  choices: true,
  lowering: true,
}
export const compilerKeys: readonly string[] = [...Object.keys(ownKeys), ...Object.keys(compilerTable)]

/** A program trains, evaluates or infers. */
export type ProgramKind = 'train' | 'evaluate' | 'infer'
export const programKinds = ['train', 'evaluate', 'infer'] as const satisfies readonly ProgramKind[]
/**
 * A program under a name of its own. Its inputs and outputs are called as in a program of its kind where their shapes are the same (`images`), else by its own
 * name before that (`infer@8/images`); `boundaryOf` tells.
 */
export interface ProgramRequest {
  /** The name has letters, digits, `_`, `@`, `.` and `-`. */
  readonly name: string
  /** The program evaluates or infers; one program alone trains, under that name. */
  readonly kind: Exclude<ProgramKind, 'train'>
  /** The number of images of a batch is from 1 to 1,048,576. @default the options' */
  readonly batch?: number
  /** The network's input, and the images given to it, have this size in pixels. @default the network's */
  readonly input?: { readonly height: number; readonly width: number }
  /** The program computes with what is trained, or with its moving averages, which `ema` makes. @default 'trained' */
  readonly weights?: WeightsChoice
}
/** What a program computes with: parameters and running statistics as they are trained, or their moving averages. */
export type WeightsChoice = 'trained' | 'ema'
export const weightsChoices = ['trained', 'ema'] as const satisfies readonly WeightsChoice[]
/** What gradients are multiplied by on their way back; 'dynamic' begins with 65,536, and is halved on overflow and doubled after 2,000 good steps. */
export type LossScale = ValueOf<typeof cudaOptions.lossScale>
/** Convolutions are computed by the algorithm that is fastest on the device for 'auto', and without Winograd for 'direct'. */
export type ConvolutionChoice = ValueOf<typeof programOptions.convolution>
/**
 * The input is images, bytes [batch, height, width, channels] of any stored size that are normalized, padded, cropped to the network's input and mirrored
 * (operation `input`), or values that are written directly to tensor `x`.
 */
export type InputOptions =
  /** u8 NHWC images of any stored size: normalized, padded, cropped to the network's input, mirrored (operation `input`). */
  | {
      readonly kind: 'images'
      /** The number of stored rows is at least 1, in pixels. */
      readonly height: number
      /** The number of stored columns is at least 1, in pixels. */
      readonly width: number
      /** Zeros on each side, within which the crop lies, are at least 0 pixels. */
      readonly pad: number
      /** The mean of each channel [channels] is of pixels from 0 to 1. */
      readonly mean: readonly number[]
      /** The standard deviation of each channel [channels] is above 0. */
      readonly std: readonly number[]
    }
  /** Values written directly to tensor `x`. */
  | { readonly kind: 'tensor' }
/** The moving averages follow with these settings. */
export interface EmaOptions {
  /** The share of the average that a change leaves is from 0 to below 1. */
  readonly decay: number
  /** The number of steps between two changes is at least 1. @default 1 */
  readonly every?: number
  /** Up to the step of this index, at least 0, the averages are copies. @default 0 */
  readonly after?: number
}
/** The loss is the cross-entropy, or, for tests of units, comes from outside as the gradient `dy` at the output, without an update. */
export type LossOptions =
  | {
      readonly kind: 'crossEntropy'
      /** The share of the target that is spread over all classes is from 0 to 1. */
      readonly smoothing: number
      /** Whether batches bring targets, shares of the classes [batch, classes]. */
      readonly softTargets: boolean
      /** The weight of each class [classes] in the loss of training is above 0. @default 1 for each */
      readonly classWeights?: readonly number[]
      /** Training takes every class as a question of its own with 'binary'; evaluation always takes the classes together. @default 'softmax' */
      readonly of?: 'softmax' | 'binary'
      /** Of 'binary': targets above this share, from 0 to below 1, become 1 and the others 0. @default none: targets as they are */
      readonly targetThreshold?: number
    }
  /** For tests of units: the gradient at the output is the input tensor `dy`; no loss, no update. */
  | { readonly kind: 'externalGradient' }
/** What an optimizer keeps of each parameter between steps: `velocity` of SGD and LARS, both moments of AdamW and LAMB. */
export type OptimizerState = 'velocity' | 'firstMoment' | 'secondMoment'

/** The parameters are updated with these settings. */
export type UpdateOptions = SgdUpdate | LarsUpdate | MomentsUpdate

/** The parameters are updated by stochastic gradient descent with these settings. */
export interface SgdUpdate extends CommonUpdate {
  /** The kind says which optimizer it is. @default 'sgd' */
  readonly kind?: 'sgd'
  /** The momentum is a factor from 0 to 1. */
  readonly momentum: number
  /** Whether the momentum is Nesterov's. */
  readonly nesterov: boolean
}

/** The parameters are updated by LARS with these settings. */
export interface LarsUpdate extends CommonUpdate {
  /** The kind says which optimizer it is. */
  readonly kind: 'lars'
  /** The momentum is a factor from 0 to 1. */
  readonly momentum: number
}

/** The parameters are updated by AdamW or LAMB with these settings. */
export interface MomentsUpdate extends CommonUpdate {
  /** The kind says which optimizer it is. */
  readonly kind: 'adamW' | 'lamb'
  /** The factor of the moving average of gradients is from 0 to below 1. */
  readonly beta1: number
  /** The factor of the moving average of their squares is from 0 to below 1. */
  readonly beta2: number
  /** The value added to the root of that average is above 0. */
  readonly epsilon: number
}

/** Every update has these settings. */
interface CommonUpdate {
  /** The largest norm of all gradients together is at least 0; 0 is any. */
  readonly clipNorm: number
  /**
   * Weight decay and the factor on the learning rate, both at least 0, by the parameter's name; of LARS also the share of its own norm by which a parameter
   * moves, 0 or none for what goes by its gradient.
   */
  readonly settings: Readonly<Record<string, { readonly decay: number; readonly rate: number; readonly coefficient?: number }>>
}
