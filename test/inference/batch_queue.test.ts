import { setTimeout as pause } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { BatchQueue, type BatchLimits } from '../../lib/inference/batch_queue.js'
import { Cores } from '../../lib/inference/cores.js'

interface Item {
  readonly name: string
}

/** A queue whose runs take a millisecond, and what came together. */
function gathering(limits: Partial<BatchLimits<Item>> = {}) {
  const groups: string[] = []
  const queue = new BatchQueue<Item>({
    most: 3,
    maxDelay: 0,
    async run(items) {
      groups.push(items.map(({ name }) => name).join(''))
      await pause(1)
    },
    ...limits,
  })
  const add = (name: string): (() => void) => queue.add({ name })
  const settled = async (): Promise<string[]> => {
    while (queue.length > 0) await pause(1)
    return groups
  }
  return { queue, add, groups, settled }
}

/** The timers that are set from now on, which the test runs itself. */
function heldTimers(t: ExecutionContext): readonly { readonly run: () => void; readonly delay: number }[] {
  const { setTimeout: timeout } = globalThis
  t.teardown(() => Object.assign(globalThis, { setTimeout: timeout }))
  const timers: { readonly run: () => void; readonly delay: number }[] = []
  globalThis.setTimeout = ((run: () => void, delay: number) => void timers.push({ run, delay })) as unknown as typeof timeout
  return timers
}

test('what is added together is run together, in order, at most so many at once', async (t) => {
  const { add, settled } = gathering()
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) add(name)
  t.deepEqual(await settled(), ['abc', 'def', 'g'])
})

test('what comes during a run is gathered for the next', async (t) => {
  const { add, groups, settled } = gathering({ most: 8 })
  add('a')
  await Promise.resolve()
  t.deepEqual(groups, ['a'])
  for (const name of ['b', 'c', 'd']) add(name)
  t.deepEqual(await settled(), ['a', 'bcd'])
})

test('where two runs may be under way, the second takes a full batch alone, and what is left waits for the end of one', async (t) => {
  const ends: (() => void)[] = []
  const groups: string[] = []
  const { queue, add } = gathering({
    runs: 2,
    async run(items) {
      groups.push(items.map(({ name }) => name).join(''))
      await new Promise<void>((end) => ends.push(end))
    },
  })
  const end = async (run: number): Promise<string> => {
    ends[run]!()
    await pause(1)
    return groups.join(' ')
  }
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) add(name)
  await Promise.resolve()
  t.is(groups.join(' '), 'abc def')
  t.is(await end(0), 'abc def', 'two are fewer than a batch')
  add('i')
  await Promise.resolve()
  t.is(groups.join(' '), 'abc def ghi')
  add('j')
  t.is(await end(2), 'abc def ghi')
  t.is(await end(1), 'abc def ghi j')
  t.is(queue.length, 0)
})

test('what leaves is not run, and what has begun is not disturbed', async (t) => {
  const { queue, add, settled } = gathering({ most: 2 })
  const [, , third] = ['a', 'b', 'c', 'd'].map(add)
  const first = add('e')
  third!()
  third!()
  t.is(queue.length, 4)
  await Promise.resolve()
  t.is(queue.length, 2)
  t.deepEqual(await settled(), ['ab', 'de'])
  first()
})

test.serial('the oldest waits for others as long as it may, and no longer', async (t) => {
  const { performance: clock } = globalThis
  const timers = heldTimers(t)
  let now = 1000
  t.teardown(() => Reflect.deleteProperty(clock, 'now'))
  Object.defineProperty(clock, 'now', { value: () => now, configurable: true })
  const { add, groups } = gathering({ maxDelay: 60 })
  add('a')
  await Promise.resolve()
  now += 20
  add('b')
  await Promise.resolve()
  t.deepEqual(
    timers.map(({ delay }) => delay),
    [60, 40],
  )
  // Early by a fraction of a millisecond, as timers may be.
  now += 39.5
  timers[1]!.run()
  t.deepEqual([groups, timers[2]!.delay], [[], 1])
  now += 1
  timers[2]!.run()
  t.deepEqual(groups, ['ab'])
})

test.serial('a delay that is longer than a timer of Node may be is waited for in parts', async (t) => {
  const timers = heldTimers(t)
  const { add, groups } = gathering({ maxDelay: 2 ** 33 })
  add('a')
  await Promise.resolve()
  timers[0]!.run()
  t.deepEqual([groups, timers.map(({ delay }) => delay)], [[], [2 ** 31 - 1, 2 ** 31 - 1]])
})

test.serial('the last one that leaves takes the timer with it, which would keep the process alive', async (t) => {
  const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const { add } = gathering({ maxDelay: 60_000 })
  const before = timers()
  const leave = [add('a'), add('b')]
  await Promise.resolve()
  leave[0]!()
  t.is(timers(), before + 1)
  leave[1]!()
  t.is(timers(), before)
})

test('a full batch waits for nobody', async (t) => {
  const { add, groups } = gathering({ maxDelay: 60_000 })
  const leave = ['a', 'b', 'c', 'd'].map(add)
  await Promise.resolve()
  t.deepEqual(groups, ['abc'])
  // Its timer would keep this process alive.
  leave[3]!()
})

test('a run that waits for its turn takes what has come by then, without what has left', async (t) => {
  let begin: (() => void) | undefined
  const { add, groups } = gathering({
    turn: async (run) => {
      await new Promise<void>((resolve) => (begin = resolve))
      await run()
    },
  })
  const leave = add('a')
  await pause(2)
  add('b')
  leave()
  add('c')
  begin!()
  await pause(2)
  t.deepEqual(groups, ['bc'])
})

test('runs share the cores in the order in which they came; one that wants more than there are takes all', async (t) => {
  const cores = new Cores(4)
  const ends = new Map<string, () => void>()
  const begun: string[] = []
  const ask = (name: string, threads: number): void => {
    void cores.take(threads, () => {
      begun.push(name)
      return new Promise<void>((end) => ends.set(name, end))
    })
  }
  const end = async (name: string): Promise<string> => {
    ends.get(name)!()
    await pause(1)
    return begun.join('')
  }
  ask('a', 1)
  ask('b', 2)
  ask('c', 0)
  ask('d', 1)
  await pause(1)
  t.is(begun.join(''), 'ab', 'd does not go past c')
  t.is(await end('a'), 'ab')
  t.is(await end('b'), 'abc')
  ask('e', 64)
  t.is(await end('c'), 'abcd')
  t.is(await end('d'), 'abcde')
})
