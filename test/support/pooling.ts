/** What the tests of poolings and of their backward passes share. */
import { outputSize, onesIn } from './convolution.js'
import { flag, inner, number } from './judge.js'
import type { OperationCase } from './operation.js'
import { pairwise } from './pairwise.js'

export const poolingCases = pairwise({
  images: [2, 1, 11],
  groups: [1, 3],
  channels: [17, 1, 3, 16, 40],
  size: [
    [5, 7],
    [1, 1],
    [9, 9],
    [7, 7],
  ],
  window: [
    [3, 2, 1],
    [2, 2, 0],
    [3, 1, 1],
    [3, 3, 0],
    [1, 2, 0],
  ],
  normalized: [true, false],
  relu: [true, false],
  sums: [true, false],
  /** Many equal values: the first of them gets the gradient. */
  ties: [false, true],
}).map((choice) => {
  const { images, groups, channels, size, window } = choice
  const fits = window[0] <= Math.min(...size)
  const [kernel, stride, padding]: readonly [number, number, number] = fits || window[2] > 0 ? window : [1, 1, 0]
  const x = [images * groups, channels, ...size]
  const y = [images * groups, channels, outputSize(size[0], kernel, { stride, padding }), outputSize(size[1], kernel, { stride, padding })]
  // The stem's window is the table's default.
  const attributes = { relu: choice.relu, ...((kernel !== 3 || stride !== 2 || padding !== 1) && { kernel, stride, padding }) }
  return { ...choice, x, y, attributes, name: `${x.join(' x ')}, kernel ${kernel}, stride ${stride}, padding ${padding}, ${groups} groups, ${onesIn(choice)}` }
})

/** Windows that reach beyond the image at its end: those of a maximum may. */
export const reachingCases: typeof poolingCases = [
  { size: [6, 8], output: [3, 4] },
  { size: [8, 5], output: [4, 2] },
].flatMap(({ size, output }, index) => {
  const like = poolingCases.find(({ groups, normalized }) => groups === 1 + 2 * index && normalized)!
  const [images, channels] = like.x as [number, number]
  const x = [images, channels, ...size]
  return [
    { ...like, x, y: [images, channels, ...output], attributes: { relu: like.relu, kernel: 3, stride: 2, padding: 0 }, name: `${x.join(' x ')}, reaching` },
  ]
})

/** Those of poolingCases, for operations whose window has no default. */
export const averagePoolingCases = poolingCases.map(({ attributes, ...choice }) => ({
  ...choice,
  attributes: { kernel: 3, stride: 2, padding: 1, ...attributes },
}))

/** Whether position (h, w) lies in the window of output (p, q). */
export function covers(operation: OperationCase, p: number, q: number, h: number, w: number): boolean {
  const [kernel, stride, padding] = [number(operation, 'kernel', 0), number(operation, 'stride', 0), number(operation, 'padding', 0)]
  const within = (position: number, output: number): boolean => position >= output * stride - padding && position < output * stride - padding + kernel
  return within(h, p) && within(w, q)
}

/** Value and position (h, w) of the first maximum of each window of t(x). */
export function firstMaximum(operation: OperationCase): (n: number, c: number, p: number, q: number) => { value: number; h: number; w: number } {
  const raw = inner(operation, 'x', 'scale', 'bias')
  const { shape } = operation.inputs['x'] as { shape: readonly number[] }
  const [, , H, W] = shape as [number, number, number, number]
  const [kernel, stride, padding] = [number(operation, 'kernel', 3), number(operation, 'stride', 2), number(operation, 'padding', 1)]
  const relu = flag(operation, 'relu')
  return (n, c, p, q) => {
    let first: { value: number; h: number; w: number } | undefined
    for (let i = 0; i < kernel * kernel; i++) {
      const [h, w] = [p * stride - padding + Math.floor(i / kernel), q * stride - padding + (i % kernel)]
      if (h < 0 || w < 0 || h >= H || w >= W) continue
      const value = relu ? Math.max(raw(n, c, h, w), 0) : raw(n, c, h, w)
      if (first === undefined || value > first.value) first = { value, h, w }
    }
    return first!
  }
}
