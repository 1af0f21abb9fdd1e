/** Whatever order the recorded events allow, steps on the emulated CUDA device give the same bits; and every event wait is needed, so leaving one out is noticed. */
import test from 'ava'
import { loader } from '../../lib/data/index.js'
import { emulated } from '../../lib/native/emulation.js'
import { compile } from '../../lib/runtime/compile.js'
import { sgd } from '../../lib/training/sgd.js'
import { everything, openSmall, trained } from '../support/emulated.js'
import { someDigits, tiny } from '../training/tiny.js'

const STEPS = 4

test('fifty orders of the steps of a ResNet-8 give the same bits', async (t) => {
  const expected = await trained(8, {}, STEPS)
  for (let scheduleSeed = 1; scheduleSeed <= 50; scheduleSeed++) t.is(await trained(8, {}, STEPS, {}, { scheduleSeed }), expected, `order ${scheduleSeed}`)
})

for (const precision of ['fp32', 'bf16', 'fp16'] as const) {
  test(`ten orders of the steps of a ResNet-20 in ${precision} give the same bits, captured or not`, async (t) => {
    const expected = await trained(20, { eager: true }, STEPS, { precision })
    for (let scheduleSeed = 1; scheduleSeed <= 10; scheduleSeed++) {
      t.is(await trained(20, {}, STEPS, { precision }, { scheduleSeed }), expected, `order ${scheduleSeed}`)
    }
  })
}

/** What an outcome is compared by: everything, or the error. */
async function outcome(omitWait: number, scheduleSeed: number): Promise<string> {
  try {
    return await trained(20, {}, 3, {}, { scheduleSeed, omitWait })
  } catch (error) {
    return String(error)
  }
}

test('each event wait of a step of a ResNet-20 is needed: without it some order gives another result', async (t) => {
  const expected = await trained(20, {}, 3)
  await using session = await openSmall(20, {})
  const { waits } = await session.bytesMoved('train')
  t.true(waits > 20, `${waits} waits`)
  for (let wait = 0; wait < waits; wait++) {
    let noticed = false
    for (let seed = 1; seed <= 60 && !noticed; seed++) noticed = (await outcome(wait, seed)) !== expected
    t.true(noticed, `wait ${wait} of ${waits}`)
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
