import type { Tolerance } from './tolerances.js'
import type { Values } from './values.js'

/** What is wrong with `actual`, in words; undefined where every element is within the tolerance. Equal infinities and NaNs in the same places agree. */
export function difference(actual: Values, expected: Values, { relative, absolute, floor = 0 }: Tolerance): string | undefined {
  if (actual.shape.join() !== expected.shape.join()) return `expected shape ${expected.shape.join(' x ')}, got ${actual.shape.join(' x ')}`
  const finite = expected.data.filter(Number.isFinite)
  const rms = Math.sqrt(finite.reduce((sum, value) => sum + value * value, 0) / Math.max(finite.length, 1))
  let worst = { excess: 0, index: -1 }
  expected.data.forEach((want, index) => {
    const got = actual.data[index]!
    if (Object.is(got, want) || got === want) return
    const allowed = relative * Math.abs(want) + absolute * rms + floor
    const error = Math.abs(got - want)
    // Written so that a NaN is beyond every bound.
    if (!(error <= allowed)) {
      const excess = allowed > 0 && Number.isFinite(error) ? error / allowed : Infinity
      if (worst.index < 0 || excess > worst.excess) worst = { excess, index }
    }
  })
  if (worst.index < 0) return undefined
  const { index, excess } = worst
  return `element ${index} of ${actual.shape.join(' x ')}: expected ${expected.data[index]}, got ${actual.data[index]} (${excess.toPrecision(3)} times the tolerance; rms ${rms.toPrecision(3)})`
}
