/**
 * Which fused convolutions a GPU has, as data: what cuDNN 9.19 and 9.24 answered when they were asked, so that programs can be made where there is no
 * cuDNN. Plain convolutions are everywhere. Channels are padded to a multiple of 8 by the layout, which is all that the engines ask of them.
 */
import type { Precision } from '../program.js'

/** A convolution is a plain kernel (0), a precompiled fusion of cuDNN (1) or one that it compiles at run time (2). */
export type Tier = 0 | 1 | 2
export const PLAIN = 0
export const PRECOMPILED = 1
export const RUNTIME_COMPILED = 2

/** What the tuner takes for one convolution. */
export interface Choice {
  /** The kernel is of this tier. */
  readonly tier: Tier
  /** The index in the list of engines that cuDNN proposes is at least 0; -1 is the first. */
  readonly engine: number
}

/**
 * What the tuner chose is kept by site: pass, images of a group, channels x height x width before and after, kernel, stride, padding, and what it could take
 * in, as `forward 128 64x56x56 256x56x56 kernel 1 stride 1 padding 0 transform`.
 */
export type Choices = Readonly<Record<string, Choice>>

/** A site is one of the three convolutions of a layer, and what stands around it that a fusion could take in. */
export interface Site {
  /** The convolution gives the output, the gradient of the data or that of the weights. */
  readonly pass: 'forward' | 'data' | 'weights'
  /** The number of images of one group is at least 1. */
  readonly images: number
  /** The number of channels of the input is at least 1. */
  readonly channels: number
  /** The number of rows of the input is at least 1, in pixels. */
  readonly height: number
  /** The number of columns of the input is at least 1, in pixels. */
  readonly width: number
  /** The number of channels of the output is at least 1. */
  readonly outputs: number
  /** The number of rows of the output is at least 1, in pixels. */
  readonly outputHeight: number
  /** The number of columns of the output is at least 1, in pixels. */
  readonly outputWidth: number
  /** Rows and columns of the kernel are as many, at least 1, in pixels. */
  readonly kernel: number
  /** Rows and columns of the output are so many pixels apart in the input, at least 1. */
  readonly stride: number
  /** Zeros are put on every side, at least 0 pixels. */
  readonly padding: number
  /** A fusion could take in all of these. */
  readonly wants: readonly Want[]
}

/**
 * A forward convolution can take in `transform` (the operand is read through norm and ReLU), `residual` (an addition of equal shape, with no transform of its
 * own) and `sums`; one for weights `transform`; one for data `add`, `mask` (by norm and ReLU), `sums` and `norm` (the sums are for that very norm's backward
 * pass).
 */
export type Want = 'transform' | 'residual' | 'sums' | 'add' | 'mask' | 'norm'

/**
 * cuDNN's precompiled fusions: fp16 on compute capability 8.0, 8.6 and 9.0. 8.9 is outside of what NVIDIA documents. `dataAdd`: a gradient is added
 * before a norm's backward pass, where the stride is 1.
 */
const PRECOMPILED_ON: Readonly<Record<number, { readonly dataAdd: boolean }>> = {
  80: { dataAdd: false },
  86: { dataAdd: false },
  90: { dataAdd: true },
}

/** Whether cuDNN has a precompiled kernel that takes in all that the tier fuses at such a site. */
export function hasPrecompiled(arch: number, precision: Precision, { pass, kernel, stride, wants }: Site): boolean {
  const on = PRECOMPILED_ON[arch]
  // Kernels of up to 3 x 3: a 7 x 7 stem was refused, others were not asked for.
  if (on === undefined || precision !== 'fp16' || kernel > 3) return false
  switch (pass) {
    case 'forward':
      // Sums of a plain convolution too.
      return wants.includes('transform') || wants.includes('sums')
    case 'weights':
      return wants.includes('transform')
    case 'data':
      return wants.includes('norm') && (!wants.includes('add') || (on.dataAdd && stride === 1))
  }
}

/** Whether the patterns of runtime-compiled fusions take in what stands around such a site. */
export function hasRuntimeCompiled(precision: Precision, { pass, stride, wants }: Site): boolean {
  if (precision !== 'fp16' && precision !== 'bf16') return false
  switch (pass) {
    case 'forward':
      return wants.length > 0
    case 'weights':
      return false
    case 'data':
      // Those of strided convolutions were refused when they were built.
      return wants.includes('mask') && wants.includes('sums') && !wants.includes('add') && stride === 1
  }
}

/** Runtime-compiled engines that were seen to compute the right numbers on a GPU; nothing is taken by itself that is not here. None so far. */
const VERIFIED_RUNTIME: ReadonlySet<string> = new Set<string>()

/** The tiers between which the tuner may choose. Sums of runtime-compiled kernels are added in whatever order threads come. */
export function tiersFor(arch: number, precision: Precision, site: Site, deterministic: boolean): Tier[] {
  const tiers: Tier[] = [PLAIN]
  if (hasPrecompiled(arch, precision, site)) tiers.push(PRECOMPILED)
  if (VERIFIED_RUNTIME.has(`${arch} ${precision}`) && !deterministic && hasRuntimeCompiled(precision, site)) tiers.push(RUNTIME_COMPILED)
  return tiers
}

export function preferredTier(arch: number, precision: Precision): Tier {
  if (precision === 'fp16' && arch in PRECOMPILED_ON) return PRECOMPILED
  return VERIFIED_RUNTIME.has(`${arch} ${precision}`) ? RUNTIME_COMPILED : PLAIN
}
