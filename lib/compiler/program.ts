/** What the compiler hands to the native side: plain data, as JSON. native/program reads, verifies and runs it. */
import type { Attributes, OperationName, Operands } from '../contracts.js'

export type DType = 'f64' | 'f32' | 'bf16' | 'f16' | 'i32' | 'u8'
/** As native/core/tensor.h has them. */
export type Layout = 'plain' | 'nchw16c' | 'nhwc8' | 'krsc8'
export type DeviceName = 'reference' | 'cpu' | 'cuda'
/**
 * Type in memory and type of arithmetic. On the CPU `bf16` keeps feature maps and their gradients in bf16 and computes in fp32, `bf16-native` multiplies
 * bf16 as well, where convolutions are direct. `tf32`: fp32 in memory, tensor cores that round factors to 10 bits. Parameters, statistics and sums
 * never have fewer bits than fp32.
 */
export type Precision = 'fp64' | 'fp32' | 'tf32' | 'bf16' | 'bf16-native' | 'fp16'

export function isBf16(precision: Precision): precision is 'bf16' | 'bf16-native' {
  return precision === 'bf16' || precision === 'bf16-native'
}

/**
 * Persistent arenas keep their contents between runs; in the transient one (`activations`) tensors share memory by lifetimes, where `gradientsAt` says
 * so with those of `gradients`.
 * On CUDA `weightGradients` holds gradients of convolution weights in the storage type (`gradients` the others'), `compute` the weights themselves in it.
 */
export type ArenaName = 'parameters' | 'compute' | 'velocity' | 'gradients' | 'weightGradients' | 'buffers' | 'inputs' | 'outputs' | 'activations'

export interface TensorSpec {
  readonly name: string
  readonly dtype: DType
  readonly layout: Layout
  readonly shape: readonly number[]
  readonly arena: ArenaName
  /** Bytes from the arena's start; a multiple of 64. */
  readonly offset: number
  readonly bytes: number
}

export type Phase = 'forward' | 'loss' | 'backward' | 'update'

/** An operation of native/ops/contracts.json: a union over their names, so that `op` says which operands and attributes there are. */
export type OperationSpec<K extends OperationName = OperationName> = {
  [P in K]: {
    readonly op: P
    /** For people: the layer it belongs to and what was fused into it, `stages.0.blocks.1.conv2`. */
    readonly name: string
    /** Layers fused into this operation, for `preresnet plan`. */
    readonly fused: readonly string[]
    readonly phase: Phase
    /** Indices in ProgramSet.tensors; lists for list operands; optional ones are left out. */
    readonly operands: Readonly<Operands[P]>
    readonly attributes: Readonly<Attributes[P]>
  }
}[K]

export interface Program {
  readonly name: string
  readonly batch: number
  readonly operations: readonly OperationSpec[]
}

export interface ProgramSet {
  readonly format: 1
  readonly contracts: number
  readonly network: string
  readonly device: DeviceName
  readonly precision: Precision
  readonly arenas: Readonly<Record<string, number>>
  /**
   * On a host: where in arena `activations` the arena `gradients` lies, over what is dead when they are written. They can be read until the next run.
   * Absent: it has memory of its own.
   */
  readonly gradientsAt?: number
  readonly tensors: readonly TensorSpec[]
  /**
   * `train` (forward, loss, backward, sgd), `evaluate` (running statistics, loss and predictions), `infer` (running statistics, probabilities).
   * Tensors of `inputs`: `images` (u8 NHWC) or `x` (storage, NCHW), `crops`, `labels`, `targets`; of `outputs`: `metrics`, `logits`,
   * `predictions`, `probabilities`; a unit compiled with an external gradient: `dy` in inputs, `y` and `dx` in outputs.
   */
  readonly programs: Readonly<Record<string, Program>>
}
