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

/** Where two results differ in a bit, in words; undefined where they do not. Says what `deepEqual` says, of large tensors in a hundredth of its time. */
export function bitsDiffer(actual: unknown, expected: unknown, where = 'result'): string | undefined {
  if (ArrayBuffer.isView(actual) && ArrayBuffer.isView(expected)) return viewsDiffer(actual, expected, where)
  if (!isObject(actual) || !isObject(expected)) return Object.is(actual, expected) ? undefined : `${where}: expected ${String(expected)}, got ${String(actual)}`
  const [got, want] = [entriesOf(actual), entriesOf(expected)]
  const [found, wanted] = [got, want].map((entries) => [...entries.keys()].sort().join())
  if (found !== wanted) return `${where}: expected ${wanted}, got ${found}`
  for (const [name, value] of want) {
    const wrong = bitsDiffer(got.get(name), value, `${where}.${name}`)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

function viewsDiffer(actual: ArrayBufferView, expected: ArrayBufferView, where: string): string | undefined {
  const [got, want] = [actual, expected].map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)) as [Buffer, Buffer]
  if (actual.constructor === expected.constructor && got.equals(want)) return undefined
  if (actual.constructor !== expected.constructor || got.length !== want.length) {
    return `${where}: expected ${expected.constructor.name} of ${want.length} bytes, got ${actual.constructor.name} of ${got.length}`
  }
  return `${where}: byte ${got.findIndex((byte, index) => byte !== want[index])} of ${want.length} differs`
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

function entriesOf(value: object): ReadonlyMap<string, unknown> {
  return value instanceof Map ? (value as ReadonlyMap<string, unknown>) : new Map<string, unknown>(Object.entries(value))
}
