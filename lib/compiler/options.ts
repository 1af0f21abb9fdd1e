import type { Given, ValueOf } from '../options/spec.js'
import { cudaOptions, programOptions } from '../options/table.js'
import type { Choices, Tier } from './lower/engines.js'
import type { DeviceName, Precision } from './program.js'

const gpuOptions = { deterministic: cudaOptions.deterministic, lossScale: cudaOptions.lossScale }
type GpuOptions = Pick<Given<typeof cudaOptions>, keyof typeof gpuOptions>

/** What the compiler takes of the options of sessions: their checks. */
export const compilerTable: typeof programOptions & typeof gpuOptions = { ...programOptions, ...gpuOptions }

/** Everything that decides what programs a graph becomes. Plain data, saved with a checkpoint. */
export interface ProgramOptions extends Given<typeof programOptions>, GpuOptions {
  readonly device: DeviceName
  /** fp64 for the reference; fp32, bf16 or bf16-native for the CPU; fp32, tf32, bf16 or fp16 on CUDA. */
  readonly precision: Precision
  readonly batch: number
  /** Each by its kind, or under a name of its own for another batch or images of another size, over the same weights. */
  readonly programs: readonly (ProgramKind | ProgramRequest)[]
  readonly input: InputOptions
  readonly loss: LossOptions
  /** Needed by `train`, unless the loss is an external gradient. A parameter without settings is frozen. */
  readonly update?: UpdateOptions
  /** Norms (by layer name) that use and keep their running statistics while training. */
  readonly frozenStatistics?: readonly string[]
  /** Also compute the gradient at the network's input. @default false */
  readonly inputGradient?: boolean
  /** On CUDA: compute capability, 90 for an H100. Decides which convolutions are fused. @default 90 */
  readonly arch?: number
  /** On CUDA: what the tuner chose, layer by layer. @default none: the rules of lower/engines.ts */
  readonly choices?: Choices
  /** @internal Lowers for a GPU's precision although the device is none, so that any executor can judge the launches; one tier, where its pattern exists. */
  readonly lowering?: { readonly precision: Precision; readonly tier?: Tier }
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
  frozenStatistics: true,
  inputGradient: true,
  arch: true,
  choices: true,
  lowering: true,
}
export const compilerKeys: readonly string[] = [...Object.keys(ownKeys), ...Object.keys(compilerTable)]

export type ProgramKind = 'train' | 'evaluate' | 'infer'
export const programKinds = ['train', 'evaluate', 'infer'] as const satisfies readonly ProgramKind[]
/**
 * Its inputs and outputs are called as in a program of its kind where their shapes are the same (`images`), else by its own name before that
 * (`infer@8/images`); `boundaryOf` tells.
 */
export interface ProgramRequest {
  /** Letters, digits, `_`, `@`, `.` and `-`. */
  readonly name: string
  /** One program alone trains, under that name. */
  readonly kind: Exclude<ProgramKind, 'train'>
  /** @default the options' */
  readonly batch?: number
  /** Of the network's input, and of the images given to it. @default the network's */
  readonly input?: { readonly height: number; readonly width: number }
}
/** 'dynamic': from 65,536, halved on overflow, doubled after 2,000 good steps. */
export type LossScale = ValueOf<typeof cudaOptions.lossScale>
/** 'auto': the algorithm that is fastest on the device. */
export type ConvolutionChoice = ValueOf<typeof programOptions.convolution>
export type InputOptions =
  /** u8 NHWC images of any stored size: normalized, padded, cropped to the network's input, mirrored (operation `input`). */
  | {
      readonly kind: 'images'
      readonly height: number
      readonly width: number
      readonly pad: number
      readonly mean: readonly number[]
      readonly std: readonly number[]
    }
  /** Values written directly to tensor `x`. */
  | { readonly kind: 'tensor' }
export type LossOptions =
  | { readonly kind: 'crossEntropy'; readonly smoothing: number; readonly softTargets: boolean }
  /** For tests of units: the gradient at the output is the input tensor `dy`; no loss, no update. */
  | { readonly kind: 'externalGradient' }
export interface UpdateOptions {
  readonly momentum: number
  readonly nesterov: boolean
  /** 0: none. */
  readonly clipNorm: number
  /** By parameter name. */
  readonly settings: Readonly<Record<string, { readonly decay: number; readonly rate: number }>>
}
