import test from 'ava'
import { present } from '../support/case.js'
import { bitsDiffer } from '../support/compare.js'
import { convolutionFactors, convolutionShapes, convolve, launchFactors, manyImages, onesIn, stem, transforms, winograd } from '../support/convolution.js'
import { onHost } from '../support/executors.js'
import { flag, given, inner, judge, maybe, number, sumsOfY, type NamedCase } from '../support/judge.js'
import { runOperation, type OperationCase, type Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { at, dim, image, valuesOf } from '../support/values.js'

const factors = {
  ...convolutionFactors,
  normalized: [true, false],
  xRelu: [true, false],
  bias: [false, true],
  outputNormalized: [false, true],
  residual: ['none', 'same', 'optionA', 'subsampled'],
  residualScaled: [true, false],
  residualRelu: [true, false],
  relu: [false, true],
  sums: [true, false],
  tiles: [true, false],
} as const

/** Few images of many filters: each image is shared out among threads. */
const fewImages = [
  { channels: 20, outputs: 128, size: [9, 9], kernel: 1, images: 1, groups: 1, residual: 'same', sums: false },
  { channels: 33, outputs: 92, size: [7, 7], kernel: 3, images: 1, groups: 1, residual: 'optionA' },
  { channels: 16, outputs: 64, size: [5, 7], kernel: 3, images: 3, groups: 1, residual: 'none', sums: false },
  { channels: 12, outputs: 70, size: [7, 7], kernel: 3, images: 1, groups: 3, residual: 'subsampled' },
] as const

/** Kernel 1 from raw input to stored output in one pass, where the processor can: whole tiles of 16 pixels, rests, more than 128 pixels. */
const onePass = [
  { channels: 33, outputs: 70, size: [9, 15], images: 4, groups: 2, residual: 'same', sums: true, normalized: true, xRelu: true, residualScaled: true },
  { channels: 64, outputs: 16, size: [8, 8], images: 5, groups: 1, residual: 'none', sums: true, normalized: true, xRelu: true },
  { channels: 16, outputs: 64, size: [7, 7], images: 4, groups: 1, residual: 'same', sums: false, relu: true, outputNormalized: false },
  { channels: 17, outputs: 12, size: [1, 1], images: 4, groups: 4, residual: 'none', sums: true, xRelu: false },
] as const

/** As inference has them: in parts of images. Even and odd sizes, strides, few channels, filters that are shared out, several tiles. */
const perImage = [
  { channels: 3, outputs: 20, size: [17, 12], kernel: 7, stride: 2, pad: 'same', images: 2, tiles: false },
  { channels: 40, outputs: 70, size: [9, 15], kernel: 1, stride: 1, pad: 'same', images: 3, tiles: false },
  { channels: 33, outputs: 40, size: [9, 9], kernel: 3, stride: 2, pad: 'same', images: 1, tiles: false },
  { channels: 64, outputs: 92, size: [9, 7], kernel: 3, stride: 1, pad: 'same', images: 3, tiles: true },
  { channels: 12, outputs: 16, size: [16, 16], kernel: 3, stride: 1, pad: 'same', images: 5, tiles: true },
  { channels: 4, outputs: 16, size: [8, 8], kernel: 3, stride: 1, pad: 'none', images: 1, tiles: false },
  { channels: 130, outputs: 128, size: [7, 7], kernel: 3, stride: 1, pad: 'same', images: 2, tiles: true },
  { channels: 256, outputs: 256, size: [2, 3], kernel: 1, stride: 2, pad: 'same', images: 1, tiles: false },
] as const

const combinations = pairwise(factors)
const special = [
  ...[...manyImages, ...fewImages].map((choice, index) => ({ ...combinations[index]!, stride: 1, pad: 'same', ...choice }) as const),
  ...onePass.map((choice, index) => ({ ...combinations[index]!, kernel: 1, stride: 1, pad: 'same', tiles: false, ...choice }) as const),
]
const inParts = perImage.map((choice, index) => ({ ...combinations[index]!, ...choice, groups: 1, sums: false, perImage: true }) as const)
const cases: NamedCase[] = [...special, ...combinations, ...inParts].map((choice, index) => {
  const random = new Random(1000 + index)
  const shapes = convolutionShapes(choice)
  const { x, w, y, groups, stride, padding, text } = shapes
  const [N, K, P, Q] = y
  const residualSubsample = choice.residual === 'optionA' || choice.residual === 'subsampled' ? 2 : 1
  const L = choice.residual === 'optionA' ? Math.ceil(K / 2) : K
  // Both sizes that subsample to P: odd and even.
  const size = (length: number): number => (residualSubsample === 1 ? length : 2 * length - (index % 2))
  const residual = choice.residual !== 'none'
  return {
    name: `${text}, ${onesIn(choice)}, residual ${choice.residual}`,
    inputs: present({
      x: random.activations(x),
      xScale: choice.normalized && random.scales([groups, x[1]]),
      xBias: choice.normalized && random.normals([groups, x[1]], 0.5),
      w: random.normals(w, 1 / Math.sqrt(w[1] * w[2] * w[3])),
      bias: choice.bias && random.normals([K]),
      yScale: choice.outputNormalized && random.scales([groups, K]),
      yBias: choice.outputNormalized && random.normals([groups, K], 0.5),
      residual: residual && random.normals([N, L, size(P), size(Q)]),
      residualScale: residual && choice.residualScaled && random.scales([groups, L]),
      residualBias: residual && choice.residualScaled && random.normals([groups, L], 0.5),
    }),
    outputs: present({ y, sums: choice.sums && [groups, 2, K] }),
    attributes: {
      stride,
      padding,
      xRelu: choice.xRelu,
      relu: choice.relu,
      ...winograd(shapes, choice.tiles),
      ...('perImage' in choice && { perImage: true }),
      ...(residual && { residualRelu: choice.residualRelu, residualSubsample }),
    },
  }
})

const fusions = pairwise({ ...launchFactors, transform: transforms, residual: [false, true], sums: [true, false] })
const launches: NamedCase[] = [...fusions, { ...fusions[0]!, ...stem }, { ...fusions[1]!, ...stem, transform: 'none' as const }].map((choice, index) => {
  const random = new Random(1500 + index)
  const { x, w, y, groups, stride, padding, text } = convolutionShapes(choice)
  const whole = choice.transform !== 'none'
  return {
    name: `${text}, transform ${choice.transform}, ${onesIn(choice)}`,
    inputs: present({
      x: random.activations(x),
      xScale: whole && random.scales([groups, x[1]]),
      xBias: whole && random.normals([groups, x[1]], 0.5, choice.transform === 'whole' ? 0 : 5),
      w: random.normals(w, 1 / Math.sqrt(w[1] * w[2] * w[3])),
      residual: choice.residual && random.normals(y),
    }),
    outputs: present({ y, sums: choice.sums && [groups, 2, w[0]] }),
    attributes: { stride, padding, xRelu: whole },
  }
})

function statement(operation: OperationCase): Results {
  const w = given(operation, 'w')
  const raw = inner(operation, 'x', 'xScale', 'xBias')
  const x = image(given(operation, 'x').shape, (...position) => (flag(operation, 'xRelu') ? Math.max(raw(...position), 0) : raw(...position)))
  const convolved = convolve(x, w, { stride: number(operation, 'stride', 1), padding: number(operation, 'padding', 0) })
  const bias = maybe(operation, 'bias')
  const normalized = image(convolved.shape, (n, k, p, q) => at(convolved, n, k, p, q) + (bias?.data[k] ?? 0))
  const norm = inner({ ...operation, inputs: { ...operation.inputs, normalized } }, 'normalized', 'yScale', 'yBias')
  const residual = maybe(operation, 'residual')
  const subsample = number(operation, 'residualSubsample', 1)
  const y = image(convolved.shape, (n, k, p, q) => {
    let value = norm(n, k, p, q)
    if (residual !== undefined && k < dim(residual, 1)) {
      const skip = inner(operation, 'residual', 'residualScale', 'residualBias')(n, k, p * subsample, q * subsample)
      value += flag(operation, 'residualRelu') ? Math.max(skip, 0) : skip
    }
    return flag(operation, 'relu') ? Math.max(value, 0) : value
  })
  return present({ y, sums: sumsOfY(operation, { y })['sums'] })
}

judge('conv', { cases: [...cases, ...launches], statement, derived: sumsOfY })

// Their transforms may lie in fp16, whose numbers have neither room for the large ones nor digits for the small.
for (const executor of onHost) {
  test(`${executor.name}: filters of very different size have the same digits in their results`, async (t) => {
    const random = new Random(1900)
    const [images, channels, filters] = [2, 20, 24]
    const x = random.activations([images, channels, 9, 8])
    const w = random.normals([filters, channels, 3, 3], 0.1)
    const sizeOf = (filter: number): number => 2 ** (9 * filter - 100)
    const run = async (weights: typeof w): Promise<Results> =>
      runOperation(executor, 'conv', {
        inputs: { x, w: weights },
        outputs: { y: [images, filters, 9, 8] },
        attributes: { padding: 1, winograd: true, perImage: true },
      })
    const expected = (await run(w))['y']!
    const scaled = await run(valuesOf(w.shape, (index) => w.data[index]! * sizeOf(Math.floor(index / (channels * 9)))))
    const y = valuesOf(expected.shape, (index) => expected.data[index]! * sizeOf(Math.floor(index / 72) % filters))
    t.is(bitsDiffer(scaled, { y }), undefined)
  })
}
