/** What the tests of conv_backward and its two halves share. */
import { channelSums, convolveTransposed, correlate, type Geometry } from './convolution.js'
import { flag, given, inner, maybe, number, perChannel, sumsOf } from './judge.js'
import { present } from './case.js'
import type { OperationCase, Results } from './operation.js'
import { at, dim, image, type Values } from './values.js'

function geometry(operation: OperationCase): Geometry {
  return { stride: number(operation, 'stride', 1), padding: number(operation, 'padding', 0) }
}

/** dA * d + dB * y + dC + skip. */
export function gradientAtOutput(operation: OperationCase): Values {
  const d = given(operation, 'd')
  const images = dim(d, 0)
  const [y, skip, dA, dB, dC] = ['y', 'skip', 'dA', 'dB', 'dC'].map((operand) => maybe(operation, operand))
  return image(d.shape, (n, k, p, q) => {
    const coefficient = (values: Values | undefined, absent: number): number => perChannel(values, n, images, k, absent)
    const fromY = y === undefined ? 0 : coefficient(dB, 0) * at(y, n, k, p, q)
    return coefficient(dA, 1) * at(d, n, k, p, q) + fromY + coefficient(dC, 0) + (skip === undefined ? 0 : at(skip, n, k, p, q))
  })
}

/** mask . (conv_transposed(dy, w) + add). */
export function gradientAtInput(operation: OperationCase, dy: Values, shape: readonly number[]): Values {
  const through = convolveTransposed(dy, given(operation, 'w'), shape, geometry(operation))
  const add = maybe(operation, 'add')
  return image(shape, (n, c, h, w) => {
    if (flag(operation, 'mask') && inner(operation, 'x', 'xScale', 'xBias')(n, c, h, w) <= 0) return 0
    return at(through, n, c, h, w) + (add === undefined ? 0 : at(add, n, c, h, w))
  })
}

export function gradientAtWeights(operation: OperationCase, dy: Values, shape: readonly number[]): Values {
  const raw = inner(operation, 'x', 'xScale', 'xBias')
  const x = image(given(operation, 'x').shape, (...position) => (flag(operation, 'xRelu') ? Math.max(raw(...position), 0) : raw(...position)))
  return correlate(dy, x, shape, geometry(operation))
}

/** Those of all results that the case asks for. */
export function wanted(operation: OperationCase, results: Readonly<Record<string, () => Values>>): Results {
  return present(Object.fromEntries(Object.entries(results).map(([operand, make]) => [operand, operand in operation.outputs && make()])))
}

/** sums of dx and dx * x, from the dx that was stored. */
export function sumsOfDx(operation: OperationCase, { dx }: Results): Results {
  const sums = operation.outputs['sums'] as readonly number[] | undefined
  return sums === undefined ? {} : { sums: sumsOf(dx!, given(operation, 'x'), sums[0]!) }
}

export { channelSums }
