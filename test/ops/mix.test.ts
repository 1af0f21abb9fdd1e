import test from 'ava'
import { everyone } from '../support/executors.js'
import { given, judge, number, type NamedCase } from '../support/judge.js'
import { runOperation, type OperationCase, type Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { at, image, matrix, valuesOf, type Values } from '../support/values.js'

const whole = 2 ** 24

const factors = {
  images: [4, 1, 5],
  channels: [3, 1, 17],
  size: [
    [5, 7],
    [8, 8],
    [1, 3],
  ],
  classes: [4, 2, 33],
  box: ['whole', 'within', 'none'],
  share: ['some', 'none', 'all'],
  smoothing: [0, 0.1],
  padding: [false, true],
} as const

const cases: NamedCase[] = pairwise(factors).map(({ images, channels, size, classes, box, share, smoothing, padding }, index) => {
  const random = new Random(61_000 + index)
  const [height, width] = size
  const labels = random.integers([images], classes)
  if (padding) labels.data[images - 1] = -1
  const mixes = valuesOf([images, 6])
  for (let n = 0; n < images; n++) {
    const [top, left] = box === 'whole' ? [0, 0] : [random.integer(height), random.integer(width)]
    const sides = box === 'whole' ? size : box === 'none' ? [0, width - left] : [1 + random.integer(height - top), 1 + random.integer(width - left)]
    const own = share === 'some' ? random.integer(whole) : share === 'none' ? 0 : whole
    mixes.data.set([random.integer(images), own, top, left, ...sides], n * 6)
  }
  return {
    name: `${images} of ${channels} x ${size.join(' x ')}, ${classes} classes, box ${box}, share ${share}, smoothing ${smoothing}, ${padding ? 'with' : 'without'} padding`,
    inputs: { x: random.normals([images, channels, height, width]), labels, mixes },
    outputs: { y: [images, channels, height, width], targets: [images, classes] },
    attributes: smoothing === 0 ? {} : { smoothing },
  }
})

/** Both are sums over all images, each with the weight that it has there. */
function statement(operation: OperationCase): Results {
  const [x, labels, mixes] = [given(operation, 'x'), given(operation, 'labels').data, given(operation, 'mixes')]
  const [N, C, H, W] = x.shape as [number, number, number, number]
  const K = (operation.outputs['targets'] as readonly number[])[1]!
  const rows = Array.from({ length: N }, (_, n) => [...mixes.data.subarray(n * 6, n * 6 + 6)] as [number, number, number, number, number, number])
  const weight = (n: number, m: number, h: number, w: number): number => {
    const [partner, share, top, left, height, width] = rows[n]!
    const inside = h >= top && h - top < height && w >= left && w - left < width
    return (m === partner && inside ? 1 - share / whole : 0) + (m === n ? (inside ? share / whole : 1) : 0)
  }
  const all = Array.from({ length: N }, (_, m) => m)
  const mean = (n: number, m: number): number => {
    let sum = 0
    for (let h = 0; h < H; h++) for (let w = 0; w < W; w++) sum += weight(n, m, h, w)
    return sum / (H * W)
  }
  const smoothing = number(operation, 'smoothing', 0)
  return {
    y: image([N, C, H, W], (n, c, h, w) => all.reduce((sum, m) => sum + weight(n, m, h, w) * at(x, m, c, h, w), 0)),
    targets: matrix(N, K, (n, k) => all.reduce((sum, m) => sum + (labels[m] === k ? (1 - smoothing) * mean(n, m) : 0), smoothing / K)),
  }
}

judge('mix', { cases, statement })

const inputs = (...mixes: readonly number[]): OperationCase['inputs'] => ({
  x: valuesOf([2, 1, 8, 8]),
  labels: valuesOf([2]),
  mixes: { shape: [2, 6], data: Float64Array.of(0, 0, 0, 0, 8, 8, ...mixes) } satisfies Values,
})

for (const executor of everyone) {
  for (const [name, ...mixes] of [
    ['a partner behind the batch', 2, 0, 0, 0, 1, 1],
    ['a partner before it', -1, 0, 0, 0, 1, 1],
    ['a share above 1', 0, whole + 1, 0, 0, 1, 1],
    ['a share below 0', 0, -1, 0, 0, 1, 1],
    ['a box below the image', 0, 0, 3, 0, 6, 1],
    ['a box beyond its right side', 0, 0, 0, 8, 1, 1],
    ['a box above it', 0, 0, -1, 0, 2, 1],
    ['a box of less than nothing', 0, 0, 0, 0, -1, 1],
  ] as const) {
    test(`mix: ${name} is an error, not a read outside: ${executor.name}`, async (t) => {
      const run = runOperation(executor, 'mix', { inputs: inputs(...mixes), outputs: { y: [2, 1, 8, 8], targets: [2, 3] }, attributes: {} })
      await t.throwsAsync(run, { code: 'ERR_DATASET', message: /^mixes of image 1: expected / })
    })
  }
}
