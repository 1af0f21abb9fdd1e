/** A convolution and its adjoints stated element by element: each result gathers what belongs to it. */
import { at, dim, image, valuesOf, type Values } from './values.js'

export interface Geometry {
  readonly stride: number
  readonly padding: number
}

export function outputSize(size: number, kernel: number, { stride, padding }: Geometry): number {
  return Math.floor((size + 2 * padding - kernel) / stride) + 1
}

/** x N C H W, w K C R S. */
export function convolve(x: Values, w: Values, geometry: Geometry): Values {
  const [N, C, H, W] = x.shape as [number, number, number, number]
  const [K, , R, S] = w.shape as [number, number, number, number]
  const { stride, padding } = geometry
  return image([N, K, outputSize(H, R, geometry), outputSize(W, S, geometry)], (n, k, p, q) => {
    let total = 0
    for (let r = 0; r < R; r++)
      for (let s = 0; s < S; s++) for (let c = 0; c < C; c++) total += at(w, k, c, r, s) * at(x, n, c, p * stride + r - padding, q * stride + s - padding)
    return total
  })
}

/** The gradient at x, of shape `shape`. */
export function convolveTransposed(dy: Values, w: Values, shape: readonly number[], { stride, padding }: Geometry): Values {
  const [K, , R, S] = w.shape as [number, number, number, number]
  return image(shape, (n, c, h, x) => {
    let total = 0
    for (let r = 0; r < R; r++) {
      for (let s = 0; s < S; s++) {
        const p = (h + padding - r) / stride
        const q = (x + padding - s) / stride
        if (!Number.isInteger(p) || !Number.isInteger(q)) continue
        for (let k = 0; k < K; k++) total += at(w, k, c, r, s) * at(dy, n, k, p, q)
      }
    }
    return total
  })
}

/** The gradient at w, of shape `shape`. */
export function correlate(dy: Values, x: Values, shape: readonly number[], { stride, padding }: Geometry): Values {
  const [N, , P, Q] = dy.shape as [number, number, number, number]
  return image(shape, (k, c, r, s) => {
    let total = 0
    for (let n = 0; n < N; n++)
      for (let p = 0; p < P; p++) for (let q = 0; q < Q; q++) total += at(dy, n, k, p, q) * at(x, n, c, p * stride + r - padding, q * stride + s - padding)
    return total
  })
}

/** Per channel the sum over images and positions. */
export function channelSums(dy: Values): Values {
  const sums = valuesOf([dim(dy, 1)])
  const pixels = dim(dy, 2) * dim(dy, 3)
  dy.data.forEach((value, index) => (sums.data[Math.floor(index / pixels) % sums.data.length]! += value))
  return sums
}

/** Combinations for the convolution operations: every pair of options meets in one of them. */
export const convolutionFactors = {
  channels: [1, 3, 12, 16, 17, 20, 40],
  outputs: [16, 1, 17, 40, 3, 12, 20],
  size: [
    [5, 7],
    [1, 1],
    [7, 7],
    [9, 9],
  ],
  kernel: [3, 1, 7],
  stride: [1, 2],
  pad: ['same', 'none'],
  images: [3, 1, 5],
  groups: [1, 3],
} as const

/** More images than there are partial sums of a gradient, in numbers that divide into nothing evenly. */
export const manyImages: readonly ConvolutionChoice[] = [
  { channels: 17, outputs: 20, size: [5, 7], kernel: 3, stride: 1, pad: 'same', images: 37, groups: 1 },
  { channels: 12, outputs: 17, size: [9, 9], kernel: 3, stride: 2, pad: 'same', images: 11, groups: 3 },
]

/** For the launches of a GPU, whose fused parts come together or not at all. */
export const launchFactors = { ...convolutionFactors, images: [2, 5], groups: [1, 3, 2] } as const

/** ImageNet's first convolution, small. */
export const stem: ConvolutionChoice = { channels: 3, outputs: 20, size: [17, 12], kernel: 7, stride: 2, pad: 'same', images: 2, groups: 1 }

/** Scale, bias and ReLU of what a convolution reads; where the bias is large, zeros around the image must not have passed through it. */
export const transforms = ['none', 'whole', 'large bias'] as const

export interface ConvolutionChoice {
  readonly channels: number
  readonly outputs: number
  readonly size: readonly [number, number]
  readonly kernel: number
  readonly stride: number
  readonly pad: 'same' | 'none'
  readonly images: number
  readonly groups: number
}

export interface ConvolutionShapes extends Geometry {
  readonly x: readonly [number, number, number, number]
  readonly w: readonly [number, number, number, number]
  readonly y: readonly [number, number, number, number]
  readonly groups: number
  readonly text: string
}

/** Without padding a kernel larger than the image has no position: then it is padded after all. `images` counts those of one group. */
export function convolutionShapes({ channels, outputs, size, kernel, stride, pad, images, groups }: ConvolutionChoice): ConvolutionShapes {
  const [height, width] = size
  const padding = pad === 'same' || kernel > Math.min(height, width) ? (kernel - 1) / 2 : 0
  const geometry = { stride, padding }
  const batch = groups === 1 ? images : images === 5 ? groups : groups * images
  return {
    ...geometry,
    x: [batch, channels, height, width],
    w: [outputs, channels, kernel, kernel],
    y: [batch, outputs, outputSize(height, kernel, geometry), outputSize(width, kernel, geometry)],
    groups,
    text: `${batch}x${channels}x${height}x${width} to ${outputs}, kernel ${kernel}, stride ${stride}, padding ${padding}, ${groups} groups`,
  }
}

/** Only a kernel of 3 with stride 1 and padding 1 may be asked to use Winograd's tiles. */
export function winograd({ stride, padding, w }: ConvolutionShapes, wanted: boolean): Readonly<Record<string, boolean>> {
  return wanted && stride === 1 && padding === 1 && w[2] === 3 ? { winograd: true } : {}
}

export const onesIn = (choice: object): string =>
  Object.entries(choice)
    .filter(([, value]) => value === true)
    .map(([key]) => key)
    .join(' ')
