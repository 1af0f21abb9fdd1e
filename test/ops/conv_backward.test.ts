import test from 'ava'
import { present } from '../support/case.js'
import { checkAdjoint, rowOf, throughScale } from '../support/adjoint.js'
import { convolutionFactors, convolutionShapes, manyImages, onesIn, winograd } from '../support/convolution.js'
import { channelSums, gradientAtInput, gradientAtOutput, gradientAtWeights, sumsOfDx, wanted } from '../support/conv_backward.js'
import { reference } from '../support/executors.js'
import { given, judge, type NamedCase } from '../support/judge.js'
import { runOperation, type OperationCase, type Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'

const factors = {
  ...convolutionFactors,
  normalized: [true, false],
  activation: ['masked', 'relu', 'none'],
  coefficients: ['dA dB dC', 'none', 'dA', 'dC', 'dB'],
  skip: [false, true],
  add: [false, true],
  dy: [false, true],
  dw: [true, false],
  dbias: [true, false],
  dx: ['with sums', 'alone', 'none'],
  tiles: [true, false],
} as const

const combinations = pairwise(factors)
/** So many filters that their gradient is made in another way. */
const manyFilters = { channels: 122, outputs: 128, size: [5, 7], kernel: 3, stride: 1, pad: 'same', images: 3, groups: 1, tiles: true, dw: true } as const
/** Kernel 1 from the stored gradients at the output to that at the input in one pass, where the processor can. */
const onePass = [
  { channels: 70, outputs: 33, size: [9, 15], images: 3, groups: 3, coefficients: 'dA dB dC', skip: true, dy: true, add: false, dx: 'with sums' },
  { channels: 64, outputs: 16, size: [8, 8], images: 35, groups: 1, coefficients: 'dA dB dC', skip: false, dy: false, add: true, dx: 'with sums' },
  { channels: 64, outputs: 16, size: [14, 14], images: 18, groups: 2, coefficients: 'none', skip: false, dy: false, add: false, dx: 'alone' },
  { channels: 17, outputs: 12, size: [1, 1], images: 4, groups: 4, coefficients: 'dC', skip: true, dy: false, add: true, dx: 'alone' },
] as const
const plain = { kernel: 1, stride: 1, pad: 'same', tiles: false, dw: true, dbias: false, normalized: true, activation: 'masked' } as const
const chosen = [
  ...onePass.map((choice, index) => ({ ...combinations[index]!, ...plain, ...choice })),
  ...manyImages.map((choice, index) => ({ ...combinations[index]!, ...choice })),
  { ...combinations[2]!, ...manyFilters },
]
const cases: NamedCase[] = [...chosen, ...combinations].map((choice, index) => {
  const random = new Random(2000 + index)
  const shapes = convolutionShapes(choice)
  const { x, w, y, groups, stride, padding, text } = shapes
  const [, K, P, Q] = y
  const { coefficients } = choice
  const has = (name: string): boolean => coefficients.split(' ').includes(name)
  const dx = choice.dx !== 'none'
  return {
    name: `${text}, ${onesIn(choice)}, activation ${choice.activation}, coefficients ${coefficients}, dx ${choice.dx}`,
    inputs: present({
      d: random.normals(y),
      y: has('dB') && random.normals(y),
      dA: has('dA') && random.scales([groups, K]),
      dB: has('dB') && random.normals([groups, K], 0.3),
      dC: has('dC') && random.normals([groups, K], 0.3),
      skip: choice.skip && random.normals(y),
      x: random.activations(x),
      xScale: choice.normalized && random.scales([groups, x[1]]),
      xBias: choice.normalized && random.normals([groups, x[1]], 0.5),
      w: random.normals(w, 1 / Math.sqrt((K * w[2] * w[3]) / stride ** 2)),
      add: dx && choice.add && random.normals(x),
    }),
    outputs: present({
      dy: choice.dy && [y[0], K, P, Q],
      // Something must be computed.
      dw: (choice.dw || !dx) && w,
      dbias: choice.dbias && [K],
      dx: dx && x,
      sums: choice.dx === 'with sums' && [groups, 2, x[1]],
    }),
    attributes: { stride, padding, xRelu: choice.activation !== 'none', mask: dx && choice.activation === 'masked', ...winograd(shapes, choice.tiles) },
  }
})

function statement(operation: OperationCase): Results {
  const dy = gradientAtOutput(operation)
  const dx = gradientAtInput(operation, dy, given(operation, 'x').shape)
  return wanted(operation, {
    dy: () => dy,
    dw: () => gradientAtWeights(operation, dy, given(operation, 'w').shape),
    dbias: () => channelSums(dy),
    dx: () => dx,
    sums: () => sumsOfDx(operation, { dx })['sums']!,
  })
}

/** What comes after a written dy takes its rounded values: the reference is asked to begin there. */
function fromWrittenDy(operation: OperationCase, { dy }: Results): OperationCase {
  if (dy === undefined) return operation
  const { y: _y, dA: _a, dB: _b, dC: _c, skip: _skip, ...inputs } = operation.inputs
  return { ...operation, inputs: { ...inputs, d: dy } }
}

judge('conv_backward', { cases, statement, derived: sumsOfDx, asked: fromWrittenDy })

for (const [name, groups, stride] of [
  ['one group, stride 1', 1, 1],
  ['three groups, stride 2', 3, 2],
] as const) {
  test(`conv_backward is the adjoint of conv: ${name}`, async (t) => {
    const random = new Random(2900 + groups)
    const { x, w, y, padding } = convolutionShapes({ channels: 12, outputs: 17, size: [5, 7], kernel: 3, stride, pad: 'same', images: 2, groups })
    const attributes = { stride, padding, xRelu: true }
    await checkAdjoint(t, {
      random,
      point: {
        x: random.normals(x),
        xScale: random.scales([groups, x[1]]),
        xBias: random.normals([groups, x[1]]),
        w: random.normals(w),
        bias: random.normals([y[1]]),
        residual: random.normals(y),
      },
      forward: async (inputs) => [(await runOperation(reference, 'conv', { inputs, outputs: { y }, attributes }))['y']!],
      backward: async ({ x: raw, xScale, xBias, w: weights }, [d]) => {
        const result = await runOperation(reference, 'conv_backward', {
          inputs: { d: d!, x: raw!, xScale: xScale!, xBias: xBias!, w: weights! },
          outputs: { dw: w, dbias: [y[1]], dx: x, sums: [groups, 2, x[1]] },
          attributes: { ...attributes, mask: true },
        })
        const { dx, dw, dbias, sums } = result
        return { x: throughScale(dx!, xScale!), xScale: rowOf(sums!, 1), xBias: rowOf(sums!, 0), w: dw!, bias: dbias!, residual: d! }
      },
    })
  })
}
