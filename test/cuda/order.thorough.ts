/** More orders of work on the emulated CUDA device than order.test.ts tries; and every event wait is needed, so leaving one out is noticed. */
import test from 'ava'
import { openSmall, trained } from '../support/emulated.js'

const STEPS = 4

test('fifty orders of the steps of a ResNet-8 give the same bits', async (t) => {
  const expected = await trained(8, {}, STEPS)
  for (let scheduleSeed = 1; scheduleSeed <= 50; scheduleSeed++) t.is(await trained(8, {}, STEPS, {}, { scheduleSeed }), expected, `order ${scheduleSeed}`)
})

for (const precision of ['fp32', 'bf16'] as const) {
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
