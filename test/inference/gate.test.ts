import { setImmediate as nextTurn } from 'node:timers/promises'
import test from 'ava'
import { Gate, type GateLimits } from '../../lib/inference/gate.js'

/** What has begun, and a way to end it. */
function visits(limits: GateLimits) {
  const gate = new Gate(limits)
  const running = new Map<string, () => void>()
  const names = async (): Promise<string> => {
    await nextTurn()
    return [...running.keys()].join(' ')
  }
  return {
    ask: (name: string, size: number): void => void gate.pass(size, () => new Promise<void>((end) => running.set(name, end))),
    running: names,
    end: async (name: string): Promise<string> => {
      running.get(name)!()
      running.delete(name)
      return names()
    },
  }
}

test('so many at a time, in order, on after a failure', async (t) => {
  const gate = new Gate({ most: 2, small: 10, budget: 100 })
  const begun: number[] = []
  let [inside, most] = [0, 0]
  const visit = (visitor: number) =>
    gate.pass(1, async () => {
      begun.push(visitor)
      most = Math.max(most, ++inside)
      await nextTurn()
      inside--
      if (visitor % 3 === 0) throw new Error(`${visitor}`)
      return visitor
    })
  const results = await Promise.allSettled([0, 1, 2, 3, 4, 5, 6].map(visit))
  t.deepEqual(begun, [0, 1, 2, 3, 4, 5, 6])
  t.is(most, 2)
  t.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as Error).message)),
    ['0', 1, 2, '3', 4, 5, '6'],
  )
  t.is(await visit(7), 7)
})

test('large ones run together as long as their sizes allow it', async (t) => {
  const { ask, running, end } = visits({ most: 8, small: 10, budget: 100 })
  for (const name of ['a', 'b', 'c', 'd']) ask(name, 40)
  t.is(await running(), 'a b')
  t.is(await end('a'), 'b c')
})

test('one place is for small ones alone', async (t) => {
  const { ask, running, end } = visits({ most: 3, small: 10, budget: 1000 })
  for (const name of ['a', 'b', 'c']) ask(name, 40)
  for (const name of ['x', 'y']) ask(name, 10)
  t.is(await running(), 'a b x')
  t.is(await end('x'), 'a b y')
  t.is(await end('a'), 'b y c')
})

test('small ones go past a large one that does not fit, and keep it from nothing', async (t) => {
  const { ask, running, end } = visits({ most: 3, small: 10, budget: 100 })
  ask('a', 60)
  ask('b', 60)
  for (const name of ['w', 'x', 'y', 'z']) ask(name, 1)
  t.is(await running(), 'a w x')
  t.is(await end('w'), 'a x y')
  t.is(await end('a'), 'x y b')
  t.is(await end('b'), 'x y z')
})

test('a large one does not go past another, however many come', async (t) => {
  const { ask, running, end } = visits({ most: 8, small: 10, budget: 100 })
  ask('a', 60)
  ask('b', 60)
  ask('c', 20)
  t.is(await running(), 'a')
  t.is(await end('a'), 'b c')
})

test('one of more than the budget goes without other large ones', async (t) => {
  const { ask, running, end } = visits({ most: 8, small: 10, budget: 100 })
  ask('a', 40)
  ask('b', 1000)
  ask('c', 20)
  ask('x', 5)
  t.is(await running(), 'a x')
  t.is(await end('a'), 'x b')
  t.is(await end('b'), 'x c')
})

test('where there is one place, both kinds take turns', async (t) => {
  const { ask, running, end } = visits({ most: 1, small: 10, budget: 100 })
  ask('x', 5)
  ask('a', 40)
  ask('y', 5)
  t.is(await running(), 'x')
  t.is(await end('x'), 'a')
  t.is(await end('a'), 'y')
})
