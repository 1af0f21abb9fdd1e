import { setTimeout as pause } from 'node:timers/promises'
import test from 'ava'
import { BatchQueue } from '../../lib/inference/batch_queue.js'

/** Doubles numbers, and remembers which came together. */
function doubling(most: number) {
  const groups: number[][] = []
  const queue = new BatchQueue<number, number>(most, async (values) => {
    groups.push([...values])
    await pause(1)
    if (values.includes(13)) throw new Error('unlucky')
    return values.map((value) => 2 * value)
  })
  return { queue, groups }
}

test('what is asked together is answered together, in order, at most so many at once', async (t) => {
  const { queue, groups } = doubling(3)
  const answers = await Promise.all([1, 2, 3, 4, 5, 6, 7].map((value) => queue.add(value)))
  t.deepEqual(answers, [2, 4, 6, 8, 10, 12, 14])
  t.deepEqual(groups, [[1, 2, 3], [4, 5, 6], [7]])
})

test('what comes during a run is gathered for the next', async (t) => {
  const { queue, groups } = doubling(8)
  const first = queue.add(1)
  await Promise.resolve()
  const others = [2, 3, 4].map((value) => queue.add(value))
  t.is(await first, 2)
  t.deepEqual(await Promise.all(others), [4, 6, 8])
  t.deepEqual(groups, [[1], [2, 3, 4]])
})

test('an error is told to those whose run it was, and the queue goes on', async (t) => {
  const { queue } = doubling(2)
  const results = await Promise.allSettled([13, 1, 2].map((value) => queue.add(value)))
  t.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected', 'fulfilled'],
  )
  t.is(await queue.add(5), 10)
})

test('closing rejects what waits and what comes later', async (t) => {
  const { queue } = doubling(1)
  const [first, second] = [queue.add(1), queue.add(2)]
  const refused = Promise.allSettled([second])
  await Promise.resolve()
  queue.close(new Error('closed'))
  t.is(await first, 2)
  const [waiting] = await refused
  t.is(waiting.status, 'rejected')
  await t.throwsAsync(queue.add(3), { message: 'closed' })
})
