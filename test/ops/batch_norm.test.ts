/** Batch normalization as a chain of operations, forward and backward: no single operation knows all of it. */
import test from 'ava'
import { checkAdjoint, type Point } from '../support/adjoint.js'
import { reference } from '../support/executors.js'
import { runOperation, type Results } from '../support/operation.js'
import { Code } from '../support/pointwise.js'
import { Random } from '../support/random.js'
import { valuesOf, type Values } from '../support/values.js'

const CHANNELS = 6
const OUTPUTS = 5
const X = [6, CHANNELS, 4, 5]
const Y = [6, OUTPUTS, 4, 5]

interface Norm {
  readonly groups: number
  readonly frozen: boolean
}

/** What bn_finalize makes of x: batch statistics, or the running ones. */
async function finalize({ groups, frozen }: Norm, x: Values, { weight, beta }: Point): Promise<Results> {
  const code = new Code()
  code.tensor(0)
  const { sums } = await runOperation(reference, 'pointwise', {
    inputs: { tensors: [x], vectors: [] },
    outputs: { outputs: [], sums: [groups, 2, CHANNELS] },
    attributes: { code: code.code, sumTerms: [0, -1, 0, 0], domain: X },
  })
  const perGroup = [groups, CHANNELS]
  return runOperation(reference, 'bn_finalize', {
    inputs: {
      ...(!frozen && { sums: sums! }),
      weight: weight!,
      beta: beta!,
      runningMean: valuesOf([CHANNELS], (c) => 0.1 * c),
      runningVar: valuesOf([CHANNELS], (c) => 0.5 + 0.2 * c),
    },
    outputs: { mean: perGroup, invstd: perGroup, scale: perGroup, bias: perGroup },
    attributes: frozen ? {} : { count: count({ groups }) },
  })
}

const count = ({ groups }: { readonly groups: number }): number => (X[0]! / groups) * X[2]! * X[3]!

/** conv(relu(bn(x)), w): how every pre-activation unit reads its input. */
async function forward(norm: Norm, inputs: Point): Promise<readonly Values[]> {
  const { scale, bias } = await finalize(norm, inputs['x']!, inputs)
  const operation = { inputs: { x: inputs['x']!, xScale: scale!, xBias: bias!, w: inputs['w']! }, outputs: { y: Y }, attributes: { padding: 1, xRelu: true } }
  return [(await runOperation(reference, 'conv', operation))['y']!]
}

interface Coefficients {
  readonly d: Values
  readonly dw: Values
  readonly norm: Results
}

async function throughNorm(norm: Norm, inputs: Point, dy: Values): Promise<Coefficients> {
  const { groups, frozen } = norm
  const { mean, invstd, scale, bias } = await finalize(norm, inputs['x']!, inputs)
  const { dx, dw, sums } = await runOperation(reference, 'conv_backward', {
    inputs: { d: dy, x: inputs['x']!, xScale: scale!, xBias: bias!, w: inputs['w']! },
    outputs: { dx: X, dw: [OUTPUTS, CHANNELS, 3, 3], sums: [groups, 2, CHANNELS] },
    attributes: { padding: 1, xRelu: true, mask: true },
  })
  const perGroup = [groups, CHANNELS]
  const coefficients = await runOperation(reference, 'bn_backward', {
    inputs: { sums: sums!, weight: inputs['weight']!, mean: mean!, invstd: invstd! },
    outputs: { dweight: [CHANNELS], dbeta: [CHANNELS], a: perGroup, b: perGroup, c: perGroup },
    attributes: { count: count(norm), frozen },
  })
  return { d: dx!, dw: dw!, norm: coefficients }
}

const norms: Readonly<Record<string, Norm>> = {
  'batch statistics': { groups: 1, frozen: false },
  'statistics of three groups': { groups: 3, frozen: false },
  'frozen statistics': { groups: 1, frozen: true },
}

const start = (random: Random): Point => ({
  x: random.normals(X, 1.5, 0.5),
  weight: random.scales([CHANNELS]),
  beta: random.normals([CHANNELS], 0.5),
  w: random.normals([OUTPUTS, CHANNELS, 3, 3]),
})

for (const [name, norm] of Object.entries(norms)) {
  test(`gradients of conv(relu(bn(x))), with bn_apply_backward: ${name}`, async (t) => {
    const random = new Random(19000)
    await checkAdjoint(t, {
      random,
      point: { ...start(random), skip: random.normals(X) },
      // The skip connection carries x on: its gradient joins in bn_apply_backward.
      forward: async (inputs) => [...(await forward(norm, inputs)), valuesOf(X, (i) => inputs['x']!.data[i]! + inputs['skip']!.data[i]!)],
      backward: async (inputs, [dy, skip]) => {
        const { d, dw, norm: coefficients } = await throughNorm(norm, inputs, dy!)
        const { a, b, c, dweight, dbeta } = coefficients
        const operation = { inputs: { d, x: inputs['x']!, a: a!, b: b!, c: c!, skip: skip! }, outputs: { dx: X }, attributes: {} }
        const { dx } = await runOperation(reference, 'bn_apply_backward', operation)
        return { x: dx!, weight: dweight!, beta: dbeta!, w: dw, skip: skip! }
      },
    })
  })

  test(`gradients of conv(relu(bn(conv(z)))), the norm's gradient fused into conv_backward: ${name}`, async (t) => {
    const random = new Random(19100)
    const { x: _x, ...rest } = start(random)
    const Z = [6, 4, 4, 5]
    const first = async ({ z, v }: Point): Promise<Values> =>
      (await runOperation(reference, 'conv', { inputs: { x: z!, w: v! }, outputs: { y: X }, attributes: {} }))['y']!
    await checkAdjoint(t, {
      random,
      point: { ...rest, z: random.normals(Z), v: random.normals([CHANNELS, 4, 1, 1]) },
      forward: async (inputs) => forward(norm, { ...inputs, x: await first(inputs) }),
      backward: async (inputs, [dy]) => {
        const x = await first(inputs)
        const { d, dw, norm: coefficients } = await throughNorm(norm, { ...inputs, x }, dy!)
        const { a, b, c, dweight, dbeta } = coefficients
        const result = await runOperation(reference, 'conv_backward', {
          inputs: { d, y: x, dA: a!, dB: b!, dC: c!, x: inputs['z']!, w: inputs['v']! },
          outputs: { dx: Z, dw: [CHANNELS, 4, 1, 1] },
          attributes: {},
        })
        return { z: result['dx']!, v: result['dw']!, weight: dweight!, beta: dbeta!, w: dw }
      },
    })
  })
}
