import { setImmediate as nextTurn } from 'node:timers/promises'
import test from 'ava'
import { eachIndex, limiter, mapLimited } from '../lib/limited.js'

const values = Array.from({ length: 100 }, (_, index) => index)

for (const most of [1, 5, 1000]) {
  test(`results in order, ${most} at a time`, async (t) => {
    let [running, peak] = [0, 0]
    const results = await mapLimited(
      values,
      async (value) => {
        peak = Math.max(peak, ++running)
        for (let turn = value % 3; turn >= 0; turn--) await nextTurn()
        running--
        return value * 2
      },
      most,
    )
    t.deepEqual(
      results,
      values.map((value) => value * 2),
    )
    t.is(peak, Math.min(most, values.length))
  })
}

test('nothing is begun after a failure', async (t) => {
  const begun: number[] = []
  await t.throwsAsync(
    mapLimited(
      values,
      async (value) => {
        begun.push(value)
        await nextTurn()
        if (value === 7) throw new Error('seven')
      },
      4,
    ),
    { message: 'seven' },
  )
  for (let turn = 0; turn < values.length; turn++) await nextTurn()
  t.true(begun.length < 16, begun.join())
})

test('nothing is begun after enough', async (t) => {
  const begun: number[] = []
  await eachIndex(
    values.length,
    async (index) => {
      begun.push(index)
      await nextTurn()
      return index === 7 ? 'enough' : undefined
    },
    4,
  )
  t.true(begun.includes(7) && begun.length < 16, begun.join())
})

test('a limiter lets so many pieces of work run at a time, and goes on after a failure', async (t) => {
  let [running, peak] = [0, 0]
  const limited = limiter(3)
  const results = await Promise.allSettled(
    values.map((value) =>
      limited(async () => {
        peak = Math.max(peak, ++running)
        for (let turn = value % 3; turn >= 0; turn--) await nextTurn()
        running--
        if (value % 10 === 7) throw new Error('seven')
        return value
      }),
    ),
  )
  t.is(peak, 3)
  t.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as Error).message)),
    values.map((value) => (value % 10 === 7 ? 'seven' : value)),
  )
})
