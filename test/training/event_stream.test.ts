import test from 'ava'
import { EventStream } from '../../lib/training/event_stream.js'

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const events: T[] = []
  for await (const event of stream) events.push(event)
  return events
}

test('readers get every event, also those before they came', async (t) => {
  const stream = new EventStream<number>(10)
  stream.push(1)
  const early = all(stream)
  stream.push(2)
  await Promise.resolve()
  stream.push(3)
  stream.complete()
  stream.push(4)
  t.deepEqual(await early, [1, 2, 3])
  t.deepEqual(await all(stream), [1, 2, 3])
})

test('what nobody reads is dropped, the oldest first', async (t) => {
  const stream = new EventStream<number>(10)
  for (let event = 0; event < 1000; event++) stream.push(event)
  stream.complete()
  const events = await all(stream)
  t.true(events.length >= 10 && events.length <= 20)
  t.is(events.at(-1), 999)
  t.is(events[0], 1000 - events.length)
})

test('a reader that falls behind goes on with what is kept', async (t) => {
  const stream = new EventStream<number>(5)
  stream.push(0)
  const reader = stream[Symbol.asyncIterator]()
  t.is((await reader.next()).value, 0)
  for (let event = 1; event <= 100; event++) stream.push(event)
  t.true(((await reader.next()).value as number) > 85)
})

test('an error comes after the events that were before it', async (t) => {
  const stream = new EventStream<number>(5)
  stream.push(1)
  stream.fail(new Error('the run failed'))
  const reader = stream[Symbol.asyncIterator]()
  t.is((await reader.next()).value, 1)
  await t.throwsAsync(reader.next(), { message: 'the run failed' })
})
