/** What was recorded of options gets the defaults of what is absent, at every depth. */
import test from 'ava'
import { checkInner, completed } from '../../lib/options/check.js'
import { integerOption, objectOption, valueOption, type Table } from '../../lib/options/spec.js'

const common = { group: 'Training', help: 'a test', decides: true } as const
const inner = {
  size: integerOption({ ...common, unit: null, minimum: 0, fallback: 3 }),
  threads: integerOption({ ...common, decides: false, unit: null, minimum: 0, fallback: 7 }),
  value: valueOption<object>()({ ...common, accepts: 'an object', read: () => ({}), fallback: { a: { b: 1, c: 2 }, d: [4] } }),
} satisfies Table
const within = (table: Table) => objectOption(common, table, (where, value) => checkInner(where, table, value))
const option = within({ near: inner.size, far: within(inner) })
const value = { a: { b: 1, c: 2 }, d: [4] }

test('options within options', (t) => {
  const whole = { near: 3, far: { size: 3, value } }
  t.deepEqual(completed(option, undefined), whole)
  t.deepEqual(completed(option, { far: {} }), whole)
  t.deepEqual(completed(option, { far: { size: 5 } }), { near: 3, far: { size: 5, value } })
})

test('values that are objects, two levels down and more', (t) => {
  t.deepEqual(completed(option, { far: { value: { a: { b: 5 } } } }), { near: 3, far: { size: 3, value: { a: { b: 5, c: 2 }, d: [4] } } })
  t.deepEqual(completed(inner.value, { d: [] }), { a: { b: 1, c: 2 }, d: [] }, 'a list is one value')
})

test('what no table has stays', (t) => {
  t.deepEqual(completed(option, { near: 1, far: { size: 0, threads: 2, value, other: 1 }, more: 2 }), {
    near: 1,
    far: { size: 0, threads: 2, value, other: 1 },
    more: 2,
  })
})
