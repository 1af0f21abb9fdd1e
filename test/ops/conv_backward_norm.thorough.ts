import test from 'ava'
import { present } from '../support/case.js'
import { gradientAtInput, wanted } from '../support/conv_backward.js'
import { convolutionFactors, convolutionShapes, manyImages, onesIn } from '../support/convolution.js'
import { reference } from '../support/executors.js'
import { given, judge, number, perChannel, sumsOf, type NamedCase } from '../support/judge.js'
import { runOperation, type OperationCase, type Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { matrix, valuesOf, type Values } from '../support/values.js'

const factors = { ...convolutionFactors, add: [false, true], dweight: [true, false], dbeta: [true, false] } as const

const combinations = pairwise(factors)
const cases: NamedCase[] = [...manyImages.map((choice, index) => ({ ...combinations[index]!, ...choice })), ...combinations].map((choice, index) => {
  const random = new Random(24000 + index)
  const { x, w, y, groups, stride, padding, text } = convolutionShapes(choice)
  const [N, C, H, W] = x
  const perGroup = [groups, C]
  return {
    name: `${text}, ${onesIn(choice)}`,
    inputs: present({
      dy: random.normals(y),
      w: random.normals(w, 1 / Math.sqrt(w[0] * w[2] * w[3])),
      x: random.activations(x),
      weight: random.scales([C]),
      beta: random.normals([C], 0.5),
      mean: random.normals(perGroup, 0.5),
      invstd: random.positives(perGroup),
      add: choice.add && random.normals(x),
    }),
    outputs: present({ dx: x, dweight: choice.dweight && [C], dbeta: choice.dbeta && [C], a: perGroup, b: perGroup, c: perGroup }),
    attributes: { stride, padding, count: (N / groups) * H * W },
  }
})

/** The transform that the norm is: scale = weight * invstd, bias = beta - mean * scale. */
function transform(operation: OperationCase): { xScale: Values; xBias: Values } {
  const [mean, invstd] = [given(operation, 'mean'), given(operation, 'invstd')]
  const [groups, channels] = mean.shape as [number, number]
  const [weight, beta] = [given(operation, 'weight').data, given(operation, 'beta').data]
  const xScale = matrix(groups, channels, (g, c) => weight[c]! * perChannel(invstd, g, groups, c, NaN))
  const xBias = matrix(groups, channels, (g, c) => beta[c]! - perChannel(mean, g, groups, c, NaN) * xScale.data[g * channels + c]!)
  return { xScale, xBias }
}

function statement(operation: OperationCase): Results {
  const masked = { ...operation, inputs: { ...operation.inputs, ...transform(operation) }, attributes: { ...operation.attributes, mask: true } }
  const dx = gradientAtInput(masked, given(operation, 'dy'), operation.outputs['dx'] as readonly number[])
  return wanted(operation, { dx: () => dx, ...fromSums(operation, dx) })
}

/** With D = sum of dx and E = sum of dx * xhat, xhat = (x - mean) * invstd: dbeta = D, dweight = E, the input's gradient gain * (dx - (D + xhat E) / n). */
function fromSums(operation: OperationCase, dx: Values): Record<string, () => Values> {
  const [groups, channels] = operation.outputs['a'] as [number, number]
  const sums = sumsOf(dx, given(operation, 'x'), groups)
  const [weight, mean, invstd] = ['weight', 'mean', 'invstd'].map((operand) => given(operation, operand).data)
  const n = number(operation, 'count', 0)
  const position = (g: number, c: number): number => g * channels + c
  const D = (g: number, c: number): number => sums.data[g * 2 * channels + c]!
  const E = (g: number, c: number): number => (sums.data[(g * 2 + 1) * channels + c]! - mean![position(g, c)]! * D(g, c)) * invstd![position(g, c)]!
  const gain = (g: number, c: number): number => weight![c]! * invstd![position(g, c)]!
  const overGroups = (of: (g: number, c: number) => number) => () =>
    valuesOf([channels], (c) => Array.from({ length: groups }, (_, g) => of(g, c)).reduce((total, value) => total + value, 0))
  return {
    dweight: overGroups(E),
    dbeta: overGroups(D),
    a: () => matrix(groups, channels, gain),
    b: () => matrix(groups, channels, (g, c) => (-gain(g, c) * invstd![position(g, c)]! * E(g, c)) / n),
    c: () => matrix(groups, channels, (g, c) => (-gain(g, c) * (D(g, c) - mean![position(g, c)]! * invstd![position(g, c)]! * E(g, c))) / n),
  }
}

judge('conv_backward_norm', { cases, statement })

test('conv_backward_norm: what conv_backward and bn_backward make of it, bit by bit', async (t) => {
  for (const operation of cases) {
    const { dy, w, x, weight, mean, invstd, add } = operation.inputs
    const { stride, padding, count } = operation.attributes
    const [groups, channels] = operation.outputs['a'] as [number, number]
    const { dx, sums } = await runOperation(reference, 'conv_backward', {
      inputs: present({ d: dy, w, x, ...transform(operation), add }),
      outputs: { dx: operation.outputs['dx']!, sums: [groups, 2, channels] },
      attributes: { stride: stride!, padding: padding!, xRelu: true, mask: true },
    })
    const { dx: _, ...outputs } = operation.outputs
    const inputs = { sums: sums!, weight: weight!, mean: mean!, invstd: invstd! }
    const rest = await runOperation(reference, 'bn_backward', { inputs, outputs, attributes: { count: count! } })
    t.deepEqual(await runOperation(reference, 'conv_backward_norm', operation), { dx: dx!, ...rest }, operation.name)
  }
})
