/** The judge is judged: bounds as the golden files' table has them, and errors that cannot hide. */
import test from 'ava'
import { type Arithmetic, bound, median, relativeError } from '../../lib/goldens/bounds.js'

const [fp64, fp32, bf16] = (['fp64', 'fp32', 'bf16'] as const).map((precision) => ({ precision, convolution: 'direct' as const })) as [
  Arithmetic,
  Arithmetic,
  Arithmetic,
]

test('exact arithmetic', (t) => {
  t.is(bound(fp64, 'unit', 'y', 1), 1e-6)
  t.is(bound(fp64, 'net', 'grad/a', 1), 1e-6)
  t.is(bound(fp32, 'unit', 'grad/a', 1), 1e-5)
  t.is(bound(fp32, 'net', 'logits', 1), 1e-4)
  const winograd = { precision: 'fp32', convolution: 'auto' } as const
  t.is(bound(winograd, 'unit', 'y', 1), 3e-5)
  t.is(bound(winograd, 'net', 'y', 1), 3e-4)
})

test('bf16', (t) => {
  for (const name of ['y', 'y_eval', 'logits', 'logits_eval']) t.is(bound(bf16, name.startsWith('y') ? 'unit' : 'net', name, 0.01), 0.03)
  t.is(bound(bf16, 'net', 'losses', 0.001), 0.01)
  t.is(bound(bf16, 'net', 'losses', 0.01), 0.03)
  for (const name of ['dx', 'grad/a', 'after/a']) t.is(bound(bf16, 'unit', name, 0.01), 0.4)
  for (const name of ['grad/a', 'after/a']) t.is(bound(bf16, 'net', name, 0.01), null)
})

test('relative error', (t) => {
  t.is(relativeError([3, 4], [3, 4]), 0)
  t.is(relativeError([0, 0], [3, 4]), 1)
  t.is(relativeError([3, 4.5], [3, 4]), 0.1)
  t.true(Number.isNaN(relativeError([Number.NaN, 4], [3, 4])))
  t.is(relativeError([Infinity, 4], [3, 4]), Infinity)
  t.true(relativeError([1e-3], [0]) > 1e20)
})

test('median', (t) => {
  t.is(median([3, 1, 2]), 2)
  t.is(median([4, 1, 3, 2]), 2.5)
  t.is(median([1, Infinity, 2]), 2)
  t.true(Number.isNaN(median([])))
})
