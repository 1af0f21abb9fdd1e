/**
 * The order of work on the emulated CUDA device: whatever order the recorded events allow, the numbers are the same. order.thorough.ts
 * tries more orders, and leaves out each event wait.
 */
import test from 'ava'
import { loader } from '../../lib/data/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { sgd } from '../../lib/training/sgd.js'
import { everything, trained } from '../support/emulated.js'
import { nativeProgram } from '../support/native_program.js'
import { someDigits, tiny } from '../training/tiny.js'
import { emulated } from '../../lib/native/emulation.js'

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

const STEPS = 4

test('ten orders of the steps of a ResNet-20 in fp16 give the same bits, captured or not', async (t) => {
  const expected = await trained(20, { eager: true }, STEPS, { precision: 'fp16' })
  for (let scheduleSeed = 1; scheduleSeed <= 10; scheduleSeed++) {
    t.is(await trained(20, {}, STEPS, { precision: 'fp16' }, { scheduleSeed }), expected, `order ${scheduleSeed}`)
  }
})

test('with as many multiprocessors as a GPU has, sums are split otherwise, and are the same bits in every order', async (t) => {
  const { train } = await someDigits()
  const outcome = async (multiprocessors: number, scheduleSeed: number): Promise<string> => {
    // 6,400 pixels of the stem are 25 blocks where two multiprocessors take 16.
    await using data = loader(train, { batch: 64, seed: 1 })
    await using session = await emulated({ multiprocessors, scheduleSeed }, () =>
      compile(tiny(), { device: 'cuda', precision: 'fp32', data, seed: 2, optimizer: sgd() }),
    )
    return await everything(session, [...(await session.steps(3, { learningRate: 0.05 })).losses])
  }
  const expected = await outcome(132, 0)
  t.not(expected, await outcome(2, 0))
  for (let seed = 1; seed <= 3; seed++) t.is(await outcome(132, seed), expected, `order ${seed}`)
})
