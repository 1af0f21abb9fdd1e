/** The order of work on the emulated CUDA device, in a program of its own; order.thorough.ts trains in many orders. */
import test from 'ava'
import { nativeProgram } from '../support/native_program.js'

/** test/native/order.cpp */
const run = nativeProgram('order_test')
const results = (name: string, seeds: number): (number | null | undefined)[] => Array.from({ length: seeds }, (_, seed) => run(seed, name)[0]?.result)

test('schedules of random programs order all that conflicts, and each of their waits is needed', (t) => {
  t.deepEqual(results('schedules', 10), new Array<number>(10).fill(0))
})

test('streams that do not wait for each other run in many orders, those that do in the right one', (t) => {
  t.true(new Set(results('free_order', 30)).size >= 8)
  t.deepEqual(results('captured_order', 30), new Array<number>(30).fill(0))
})

const misuse: Readonly<Record<string, RegExp>> = {
  unrecorded: /event 5 was never recorded/,
  unjoined: /stream 1 was not joined/,
  wait_for_outside: /recorded outside of the capture/,
  wait_for_captured: /recorded in a capture that is over/,
  synchronize_in_capture: /synchronize during a capture/,
  host_waits_for_order: /event 5 was not made so that the host waits for it/,
  time_of_order: /event 5 was not made so that its time is asked/,
  two_uses: /event 5 is used in two ways/,
}
for (const [name, message] of Object.entries(misuse)) {
  test(`misuse is an error: ${name}`, (t) => {
    const [outcome] = run(1, name)
    t.is(outcome?.code, 'ERR_DEVICE')
    t.regex(outcome?.message ?? '', message)
  })
}
