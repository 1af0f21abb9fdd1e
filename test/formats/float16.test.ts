import test from 'ava'
import { narrowBfloat16, narrowFloat16, widenBfloat16, widenFloat16 } from '../../lib/formats/float16.js'

const all = Uint16Array.from({ length: 1 << 16 }, (_, bits) => bits)

for (const [name, widen, narrow] of [
  ['float16', widenFloat16, narrowFloat16],
  ['bfloat16', widenBfloat16, narrowBfloat16],
] as const) {
  test(`every ${name} survives widening and narrowing`, (t) => {
    const values = new Float32Array(all.length)
    widen(all, values)
    const back = new Uint16Array(all.length)
    narrow(values, back)
    const wrong = all.filter((bits, index) => back[index] !== bits && !Number.isNaN(values[index]))
    t.deepEqual([...wrong], [])
  })
}

function narrowed(narrow: typeof narrowFloat16, value: number): number {
  const bits = new Uint16Array(1)
  narrow(Float32Array.of(value), bits)
  return bits[0]!
}

test('float16 rounds to the nearest, ties to even', (t) => {
  t.is(narrowed(narrowFloat16, 1 + 2 ** -11), 0x3c00)
  t.is(narrowed(narrowFloat16, 1 + 3 * 2 ** -11), 0x3c02)
  t.is(narrowed(narrowFloat16, 1 + 2 ** -11 + 2 ** -20), 0x3c01)
  t.is(narrowed(narrowFloat16, 1.9999), 0x4000, 'a fraction that rounds up carries into the exponent')
  t.is(narrowed(narrowFloat16, 65504), 0x7bff)
  t.is(narrowed(narrowFloat16, 65520), 0x7c00)
  t.is(narrowed(narrowFloat16, -(2 ** -25)), 0x8000)
  t.is(narrowed(narrowFloat16, 3 * 2 ** -25), 0x0002)
})

test('bfloat16 rounds to the nearest, ties to even', (t) => {
  t.is(narrowed(narrowBfloat16, 1 + 2 ** -8), 0x3f80)
  t.is(narrowed(narrowBfloat16, 1 + 3 * 2 ** -8), 0x3f82)
  t.is(narrowed(narrowBfloat16, 1 + 2 ** -8 + 2 ** -16), 0x3f81)
  t.is(narrowed(narrowBfloat16, 3.4e38), 0x7f80)
  t.is(narrowed(narrowBfloat16, NaN) & 0x7fc0, 0x7fc0)
})
