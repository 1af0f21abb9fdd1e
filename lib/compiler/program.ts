/** What the compiler hands to the native side: plain data, as JSON. native/program reads, verifies and runs it. */
import type { Attributes, OperationName, Operands } from '../contracts.js'

/** A tensor's values are stored in one of these types. */
export type DType = 'f64' | 'f32' | 'bf16' | 'f16' | 'i32' | 'u8'
/** A tensor lies in memory in one of these orders, which native/core/tensor.h has. */
export type Layout = 'plain' | 'nchw16c' | 'nhwc8' | 'krsc8'
/** A program is run by the reference executor, by the CPU or by a CUDA device. */
export type DeviceName = 'reference' | 'cpu' | 'cuda'
/**
 * The precision is the type in memory and the type of arithmetic. On the CPU `bf16` keeps feature maps and their gradients in bf16 and computes in fp32,
 * `bf16-native` multiplies bf16 as well, where convolutions are direct. `tf32` is fp32 in memory, with tensor cores that round factors to 10 bits. Parameters,
 * statistics and sums never have fewer bits than fp32.
 */
export type Precision = 'fp64' | 'fp32' | 'tf32' | 'bf16' | 'bf16-native' | 'fp16'

export function isBf16(precision: Precision): precision is 'bf16' | 'bf16-native' {
  return precision === 'bf16' || precision === 'bf16-native'
}

/**
 * Persistent arenas keep their contents between runs; in the transient one (`activations`) tensors share memory by lifetimes, where `gradientsAt` says so with
 * those of `gradients`. `averages`, `averagedBuffers` and `averagedCompute` are to moving averages what `parameters`, `buffers` and `compute` are to what is trained. In `accumulation` partial sums wait while a step is done in several parts. On CUDA `weightGradients` holds gradients of convolution weights in the storage type (`gradients` the others'), `compute` the weights
 * themselves in it.
 */
export type ArenaName =
  | 'parameters'
  | 'compute'
  | 'velocity'
  | 'firstMoment'
  | 'secondMoment'
  | 'gradients'
  | 'weightGradients'
  | 'buffers'
  | 'averages'
  | 'averagedBuffers'
  | 'averagedCompute'
  | 'inputs'
  | 'outputs'
  | 'accumulation'
  | 'activations'

/** A tensor of a program set has a type, a shape and an address in an arena. */
export interface TensorSpec {
  /** The tensor has this name in the set. */
  readonly name: string
  /** The values are stored in this type. */
  readonly dtype: DType
  /** The values lie in this order. */
  readonly layout: Layout
  /** The shape [dimensions] has sizes of at least 1, images as N, C, H, W whatever the layout. */
  readonly shape: readonly number[]
  /** The tensor lies in this arena. */
  readonly arena: ArenaName
  /** The number of bytes from the arena's start is at least 0, a multiple of 64. */
  readonly offset: number
  /** The number of bytes, those that the layout pads included, is at least 1. */
  readonly bytes: number
}

/** An operation belongs to one of these parts of a step. */
export type Phase = 'forward' | 'loss' | 'backward' | 'update'

/** An operation of native/ops/contracts.json is one of a union over their names, so that `op` says which operands and attributes there are. */
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

/** A program is a list of operations, run in their order. */
export interface Program {
  /** The program has this name in the set. */
  readonly name: string
  /** The number of images that are computed at a time is at least 1. */
  readonly batch: number
  /**
   * The operations are run in this order. Where one of them is `accumulate`, a step runs those up to it once for each of its accumulations, and then the others; images,
   * crops, labels and targets are those of all accumulations.
   */
  readonly operations: readonly OperationSpec[]
}

/** Programs over the same tensors, which is what a native session is made of. */
export interface ProgramSet {
  readonly format: 1
  /** The version of native/ops/contracts.json is at least 1. */
  readonly contracts: number
  /** The network has this name. */
  readonly network: string
  /** The programs are for this device. */
  readonly device: DeviceName
  /** The programs compute in this precision. */
  readonly precision: Precision
  /** The number of bytes of each arena, by its name, is at least 0. */
  readonly arenas: Readonly<Record<string, number>>
  /**
   * On a host, the first byte in arena `activations` of the arena `gradients`, at least 0: it lies over what is dead when they are written, and they can be
   * read until the next run. It is absent where that arena has memory of its own.
   */
  readonly gradientsAt?: number
  /** Operations name their operands by an index in this list. */
  readonly tensors: readonly TensorSpec[]
  /**
   * There are `train` (forward, loss, backward, optimizer, moving averages), `evaluate` (running statistics, loss and predictions) and `infer` (running statistics, probabilities), as
   * they were asked for. Tensors of `inputs` are `images` (u8 NHWC) or `x` (storage, NCHW), `crops`, `labels`, `targets`; of `outputs` they are `metrics`,
   * `logits`, `predictions`, `probabilities`, `features` (what a linear last layer reads; of `infer`); a unit compiled with an external gradient has `dy` in inputs, `y` and `dx` in outputs.
   */
  readonly programs: Readonly<Record<string, Program>>
}
