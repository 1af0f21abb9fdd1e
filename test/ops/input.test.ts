import test from 'ava'
import { present } from '../support/case.js'
import { everyone } from '../support/executors.js'
import { given, judge, maybe, number, type NamedCase } from '../support/judge.js'
import { runOperation, type OperationCase, type Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { image, valuesOf, type Values } from '../support/values.js'

const factors = {
  images: [3, 1, 11],
  channels: [3, 1, 17],
  stored: [
    [5, 7],
    [8, 8],
    [9, 6],
  ],
  pad: [2, 0, 4],
  /** How much smaller than the padded image the crop is. */
  crop: ['as stored', 'smaller', 'all'],
  cropped: [true, false],
} as const

const cases: NamedCase[] = pairwise(factors).map(({ images, channels, stored, pad, crop, cropped }, index) => {
  const random = new Random(16000 + index)
  const [height, width] = stored.map((size) => (crop === 'as stored' ? size : crop === 'all' ? size + 2 * pad : size - 3)) as [number, number]
  const crops = valuesOf([images, 3], (i) => {
    if (i % 3 === 2) return Math.floor(i / 3) % 2
    return random.integer(stored[i % 3]! + 2 * pad - [height, width][i % 3]! + 1)
  })
  return {
    name: `${images} of ${channels} x ${stored.join(' x ')}, pad ${pad}, crop ${height} x ${width}${cropped ? ', cropped at random' : ''}`,
    inputs: present({ images: random.integers([images, ...stored, channels], 256), crops: cropped && crops }),
    outputs: { x: [images, channels, height, width] },
    attributes: {
      mean: [...random.positives([channels], 0.3, 0.6).data],
      std: [...random.positives([channels], 0.1, 0.4).data],
      ...(pad > 0 && { pad }),
    },
  }
})

/** Step by step, as an augmentation pipeline would: normalize, pad, crop, mirror. */
function statement(operation: OperationCase): Results {
  const pixels = given(operation, 'images')
  const [N, Y, X, C] = pixels.shape as [number, number, number, number]
  const [, , H, W] = operation.outputs['x'] as readonly [number, number, number, number]
  const crops = maybe(operation, 'crops')
  const [mean, std] = [operation.attributes['mean'], operation.attributes['std']] as [number[], number[]]
  const pad = number(operation, 'pad', 0)
  const normalized = image([N, C, Y, X], (n, c, y, x) => (pixels.data[((n * Y + y) * X + x) * C + c]! / 255 - mean[c]!) / std[c]!)
  const padded = image([N, C, Y + 2 * pad, X + 2 * pad], (n, c, y, x) => pixelOrZero(normalized, n, c, y - pad, x - pad))
  const cropped = image([N, C, H, W], (n, c, h, w) => {
    const [top, left] = crops === undefined ? [(Y + 2 * pad - H) >> 1, (X + 2 * pad - W) >> 1] : [crops.data[n * 3]!, crops.data[n * 3 + 1]!]
    return pixelOrZero(padded, n, c, h + top, w + left)
  })
  return { x: image([N, C, H, W], (n, c, h, w) => pixelOrZero(cropped, n, c, h, crops?.data[n * 3 + 2] === 1 ? W - 1 - w : w)) }
}

function pixelOrZero({ shape, data }: Values, n: number, c: number, h: number, w: number): number {
  const [, C, H, W] = shape as [number, number, number, number]
  return h < 0 || w < 0 || h >= H || w >= W ? 0 : data[((n * C + c) * H + h) * W + w]!
}

judge('input', { cases, statement })

for (const executor of everyone) {
  for (const [name, top, left] of [
    ['above', -1, 0],
    ['below', 5, 0],
    ['left', 0, -1],
    ['right', 0, 5],
  ] as const) {
    test(`input: a crop outside the padded image is an error, not a read outside: ${name}: ${executor.name}`, async (t) => {
      const run = runOperation(executor, 'input', {
        inputs: { images: valuesOf([1, 8, 8, 1], () => 9), crops: { shape: [1, 3], data: Float64Array.of(top, left, 0) } },
        outputs: { x: [1, 1, 8, 8] },
        attributes: { mean: [0], std: [1], pad: 2 },
      })
      await t.throwsAsync(run, { code: 'ERR_DATASET' })
    })
  }
}
