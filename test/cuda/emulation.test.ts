/** The emulated device itself: kernels that are wrong must be noticed. The cases are in test/native/emulation.cu. */
import test from 'ava'
import { nativeProgram } from '../support/native_program.js'

const run = nativeProgram('emulation_test')

const seeds = [1, 2, 3, 4, 5]

test('sums over warps, blocks and the grid are right, and the same in every order', (t) => {
  // 0 + 1 + ... + 6, 1428 times, and the four values that are left.
  for (const seed of seeds)
    t.deepEqual(run(seed, 'sum', 'down'), [
      { name: 'sum', result: 1428 * 21 + 6 },
      { name: 'down', result: 0 },
    ])
})

test('blocks run in random order', (t) => {
  const orders = seeds.map((seed) => run(seed, 'order')[0]?.result)
  t.true(new Set(orders).size > 1, orders.join())
  t.deepEqual(run(7, 'order'), run(7, 'order'))
})

test('a missing barrier shows', (t) => {
  for (const seed of seeds) t.not(run(seed, 'sum_without_barrier')[0]?.result, 1428 * 21 + 6)
})

test('shared memory holds garbage before each block', (t) => {
  t.deepEqual(run(1, 'poisoned'), [{ name: 'poisoned', result: 0 }])
})

const faults: Readonly<Record<string, RegExp>> = {
  left_before_barrier: /expected all threads of a block at the barrier of emulation\.cu:\d+, got thread \(7, 0, 0\) of block \(0, 0, 0\), which has left/,
  other_barrier: /expected all threads of a block at the barrier of emulation\.cu:\d+, got thread .* at the barrier of emulation\.cu:\d+/,
  divergent_shuffle: /expected the 32 lanes of a warp at the shuffle of emulation\.cu:\d+, got thread \(7, 0, 0\) .* has left/,
  shuffle_in_part_of_a_warp: /expected the 32 lanes of a warp .* got 8 lanes/,
  too_much_shared: /expected at most 49152 bytes of shared memory, got 49156/,
  thrown: /thrown inside/,
}
for (const [name, message] of Object.entries(faults)) {
  test(`${name} is an error, and the device goes on after it`, (t) => {
    const [fault, sum] = run(1, name, 'sum')
    t.is(fault?.code, 'ERR_INTERNAL')
    t.regex(fault?.message ?? '', message)
    t.is(sum?.result, 1428 * 21 + 6)
  })
}

test('every half and bfloat16 goes to float and back, and rounding is to nearest, ties to even', (t) => {
  t.deepEqual(
    run(1, 'f16', 'bf16', 'overflow').map(({ result }) => result),
    [0, 0, 0],
  )
})

test('a sanitizer sees an access past a shared array', (t) => {
  const [{ result: sanitized } = { result: 0 }] = run(1, 'sanitized')
  if (sanitized === 1) t.throws(() => run(1, 'past_shared'), { message: /heap-buffer-overflow/ })
  else t.is(sanitized, 0)
})
