/** The dot-product test of a gradient: cotangent . (directional derivative) = gradient . direction, for two independent random vectors. */
import type { OperationName } from '../../lib/contracts.js'
import { reference } from './executors.js'
import { runOperation, type OperationCase } from './operation.js'
import { perChannel } from './per_channel.js'
import type { Random } from './random.js'
import { at, dim, dot, image, matrix, plus, type Values } from './values.js'

export type Point = Readonly<Record<string, Values>>

export interface Adjoint {
  readonly random: Random
  /** Where the derivative is taken: every input that has a gradient. */
  readonly point: Point
  readonly forward: (inputs: Point) => Promise<readonly Values[]>
  /** For cotangents at what `forward` returns, the gradient at every input of the point. */
  readonly backward: (inputs: Point, cotangents: readonly Values[]) => Promise<Point>
}

interface Assertions {
  deepEqual(actual: unknown, expected: unknown, message?: string): boolean
  true(actual: unknown, message?: string): boolean
}

/** Central differences in double: the cubic term and the rounding of 1e-16 / STEP are both near 1e-11. */
const STEP = 1e-5
const RELATIVE = 1e-7

/** One input at a time, so that none hides behind another. */
export async function checkAdjoint(t: Assertions, { random, point, forward, backward }: Adjoint): Promise<void> {
  const cotangents = (await forward(point)).map(({ shape }) => random.normals(shape))
  const gradients = await backward(point, cotangents)
  t.deepEqual(Object.keys(gradients).sort(), Object.keys(point).sort())
  for (const [input, value] of Object.entries(point)) {
    const direction = random.normals(value.shape)
    const plusStep = await forward({ ...point, [input]: plus(value, direction, STEP) })
    const minusStep = await forward({ ...point, [input]: plus(value, direction, -STEP) })
    const derivatives = cotangents.map((_, index) => plus(plusStep[index]!, minusStep[index]!, -1))
    const forwards = cotangents.reduce((sum, cotangent, index) => sum + dot(cotangent, derivatives[index]!), 0) / (2 * STEP)
    const backwards = dot(gradients[input]!, direction)
    // What the two sums would be if no terms canceled: the size that the error is measured against.
    const size = Math.sqrt(dot(gradients[input]!, gradients[input]!))
    t.true(size > 1e-3 && Number.isFinite(size), `${input}: expected a gradient, got one of length ${size}`)
    t.true(Math.abs(forwards - backwards) <= RELATIVE * size, `${input}: expected ${forwards}, got ${backwards}, gradient's length ${size}`)
  }
}

interface Pooling {
  readonly forward: OperationName
  readonly backward: OperationName
  readonly y: readonly number[]
  readonly attributes: OperationCase['attributes']
}

/** A pooling of relu(bn(x)), in three groups, and its backward pass, on the reference. */
export async function checkPooling(t: Assertions, random: Random, x: readonly number[], { forward, backward, y, attributes }: Pooling): Promise<void> {
  const [groups, channels] = [3, x[1]!]
  await checkAdjoint(t, {
    random,
    point: { x: random.normals(x), scale: random.scales([groups, channels]), bias: random.normals([groups, channels], 0.5) },
    forward: async (inputs) => [(await runOperation(reference, forward, { inputs, outputs: { y }, attributes }))['y']!],
    backward: async (inputs, [dy]) => {
      const operation = { inputs: { ...inputs, dy: dy! }, outputs: { dx: x, sums: [groups, 2, channels] }, attributes }
      const { dx, sums } = await runOperation(reference, backward, operation)
      return { x: throughScale(dx!, inputs['scale']!), scale: rowOf(sums!, 1), bias: rowOf(sums!, 0) }
    },
  })
}

/** dx (N C H W), the gradient at scale * x + bias, becomes the one at x. */
export function throughScale(dx: Values, scale: Values): Values {
  return image(dx.shape, (n, c, h, w) => perChannel(scale, n, dim(dx, 0), c, 1) * at(dx, n, c, h, w))
}

/** Row 0 (sum of dx: the gradient at a bias) or 1 (sum of dx * x: at a scale) of sums G 2 C, as G C. */
export function rowOf(sums: Values, row: 0 | 1): Values {
  const [groups, , channels] = sums.shape as [number, number, number]
  return matrix(groups, channels, (group, channel) => sums.data[(group * 2 + row) * channels + channel]!)
}
