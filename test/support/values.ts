/** Tensors of tests: doubles in logical order. */

export interface Values {
  readonly shape: readonly number[]
  readonly data: Float64Array
}

export function valuesOf(shape: readonly number[], fill: (index: number) => number = () => 0): Values {
  const data = new Float64Array(shape.reduce((product, size) => product * size, 1))
  for (let index = 0; index < data.length; index++) data[index] = fill(index)
  return { shape, data }
}

export function dim(values: Values, index: number): number {
  const size = values.shape[index]
  if (size === undefined) throw new RangeError(`expected more than ${index} sizes, got ${values.shape.length}`)
  return size
}

/** Element of an N C H W tensor; 0 outside of it. */
export function at(values: Values, n: number, c: number, h: number, w: number): number {
  const [, C, H, W] = values.shape as [number, number, number, number]
  return c < 0 || h < 0 || w < 0 || c >= C || h >= H || w >= W ? 0 : values.data[((n * C + c) * H + h) * W + w]!
}

/** A tensor N C H W from a function of position. */
export function image(shape: readonly number[], fill: (n: number, c: number, h: number, w: number) => number): Values {
  const [, C, H, W] = shape as [number, number, number, number]
  return valuesOf(shape, (index) => fill(Math.floor(index / (C * H * W)), Math.floor(index / (H * W)) % C, Math.floor(index / W) % H, index % W))
}

/** A tensor of rows from a function of row and column. */
export function matrix(rows: number, columns: number, fill: (row: number, column: number) => number): Values {
  return valuesOf([rows, columns], (index) => fill(Math.floor(index / columns), index % columns))
}

/** a + factor * b. */
export function plus(a: Values, b: Values, factor = 1): Values {
  return valuesOf(a.shape, (index) => a.data[index]! + factor * b.data[index]!)
}

export function dot(a: Values, b: Values): number {
  return a.data.reduce((sum, value, index) => sum + value * b.data[index]!, 0)
}

export function sum(values: Values): number {
  return values.data.reduce((total, value) => total + value, 0)
}
