/** Who is let in, who leaves, and what the gauges say, with a decoder and a network that tests hold in their hands. */
import { getEventListeners } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import test from 'ava'
import { Pipeline, type Decoded, type PipelineSteps } from '../../lib/inference/pipeline.js'
import { PreresnetError } from '../../lib/errors.js'

interface Step {
  readonly end: (error?: Error) => void
}

/** Images are names. Decoding and computing end when the test says so. */
function held(limits: Partial<PipelineSteps<string, string>> = {}) {
  const decoding = new Map<string, Step & { readonly left: boolean }>()
  const runs: (Step & { readonly names: string })[] = []
  const names = new Map<Uint8Array, string>()
  const pipeline = new Pipeline<string, string>({
    most: 4,
    maxDelay: 0,
    maxQueue: 6,
    decode: (name, waits) =>
      new Promise<Decoded>((resolve, reject) => {
        const pixels = new Uint8Array(1)
        names.set(pixels, name)
        const entry = { left: false, end: (error?: Error) => (error === undefined ? resolve({ pixels, seconds: 0.25 }) : reject(error)) }
        decoding.set(name, entry)
        waits(() => (entry.left = true))
      }),
    compute: (all) =>
      new Promise((resolve, reject) => {
        const group = all.map((pixels) => names.get(pixels)!)
        runs.push({ names: group.join(''), end: (error) => (error === undefined ? resolve(group.map((name) => name.toUpperCase())) : reject(error)) })
      }),
    ...limits,
  })
  return { pipeline, decoding, runs, decoded: (all: string): void => all.split('').forEach((name) => decoding.get(name)!.end()) }
}

const busy = { code: 'ERR_BUSY', message: /expected at most 6 images that wait \(maxQueue\), got 7/ }

test('images are answered in their order, those that wait together', async (t) => {
  const { pipeline, runs, decoded } = held()
  const answers = pipeline.ask(['a', 'b', 'c'], undefined)
  decoded('ca')
  await nextTurn()
  t.is(runs[0]!.names, 'ca')
  decoded('b')
  await nextTurn()
  t.is(runs.length, 1)
  runs[0]!.end()
  await nextTurn()
  runs[1]!.end()
  t.deepEqual(await answers, ['A', 'B', 'C'])
  t.like(pipeline.statistics, { queued: 0, computing: 0, images: { answered: 3, failed: 0, aborted: 0, refused: 0 }, batches: [1, 1, 0, 0] })
})

test('as many wait as may; a call that brings more is refused as a whole, and those of the run do not count', async (t) => {
  const { pipeline, runs, decoded } = held()
  const first = pipeline.ask(['a', 'b', 'c', 'd', 'e'], undefined)
  await t.throwsAsync(pipeline.ask(['f', 'g'], undefined), busy)
  const second = pipeline.ask(['f'], undefined)
  await t.throwsAsync(pipeline.ask(['g'], undefined), busy)
  t.like(pipeline.statistics, { queued: 6, computing: 0, images: { refused: 3 } })
  decoded('abcd')
  await nextTurn()
  t.like(pipeline.statistics, { queued: 2, computing: 4 })
  const third = pipeline.ask(['g', 'h', 'i', 'j'], undefined)
  decoded('efghij')
  for (let run = 0; run < 3; run++) {
    await nextTurn()
    runs[run]!.end()
  }
  t.deepEqual(
    runs.map(({ names }) => names),
    ['abcd', 'efgh', 'ij'],
  )
  t.deepEqual(await Promise.all([first, second, third]), [['A', 'B', 'C', 'D', 'E'], ['F'], ['G', 'H', 'I', 'J']])
  t.like(pipeline.statistics, { queued: 0, computing: 0 })
})

test('a signal takes its images out before decoding, before the batch and during it, at once, and disturbs no other', async (t) => {
  const { pipeline, decoding, runs, decoded } = held()
  const reason = new Error('the client left')
  const stops = new Map(['a', 'b', 'c', 'd'].map((name) => [name, new AbortController()]))
  const asked = new Map(['a', 'b', 'c', 'd'].map((name) => [name, pipeline.ask([name], stops.get(name)!.signal)]))
  const leaves = async (name: string): Promise<void> => {
    stops.get(name)!.abort(reason)
    const error = await t.throwsAsync(asked.get(name)!, { code: 'ERR_ABORTED', message: 'aborted: the client left' })
    t.is(error.cause, reason)
  }
  decoded('a')
  await nextTurn()
  decoded('bd')
  await nextTurn()
  t.deepEqual([runs[0]!.names, pipeline.statistics.queued], ['a', 3])
  await leaves('c')
  t.true(decoding.get('c')!.left)
  await leaves('b')
  await leaves('a')
  t.like(pipeline.statistics, { queued: 1, computing: 0, images: { aborted: 3 } })
  runs[0]!.end()
  decoded('c')
  await nextTurn()
  t.is(runs[1]!.names, 'd')
  runs[1]!.end()
  t.deepEqual(await asked.get('d'), ['D'])
  t.like(pipeline.statistics, { queued: 0, computing: 0, images: { answered: 1, failed: 0, aborted: 3 } })
})

test('a signal that outlives its calls is listened to no longer than they last', async (t) => {
  const { pipeline, decoding, runs, decoded } = held()
  const { signal } = new AbortController()
  const good = pipeline.ask(['a', 'b'], signal)
  const bad = pipeline.ask(['c', 'd'], signal)
  t.is(getEventListeners(signal, 'abort').length, 4)
  decoding.get('c')!.end(new PreresnetError('ERR_IMAGE', 'c is no image'))
  await t.throwsAsync(bad, { code: 'ERR_IMAGE' })
  t.is(getEventListeners(signal, 'abort').length, 2)
  decoded('ab')
  await nextTurn()
  runs[0]!.end()
  await good
  t.is(getEventListeners(signal, 'abort').length, 0)
})

test('a signal that was aborted before lets nothing in', async (t) => {
  const { pipeline, decoding } = held()
  await t.throwsAsync(pipeline.ask(['a'], AbortSignal.abort()), { code: 'ERR_ABORTED' })
  t.is(decoding.size, 0)
  t.like(pipeline.statistics, { queued: 0, images: { aborted: 0 } })
})

test('an image that cannot be decoded fails its call, whose others leave, and no other call', async (t) => {
  const { pipeline, decoding, runs, decoded } = held()
  const call = pipeline.ask(['a', 'b', 'c'], undefined)
  const other = pipeline.ask(['d'], undefined)
  decoding.get('b')!.end(new PreresnetError('ERR_IMAGE', 'b is no image'))
  await t.throwsAsync(call, { code: 'ERR_IMAGE', message: 'b is no image' })
  t.true(decoding.get('c')!.left)
  t.like(pipeline.statistics, { queued: 1, images: { failed: 1, aborted: 2 } })
  decoded('acd')
  await nextTurn()
  t.is(runs[0]!.names, 'd')
  runs[0]!.end()
  t.deepEqual(await other, ['D'])
})

test('a run that fails tells those of its batch, and the next one goes on', async (t) => {
  const { pipeline, runs, decoded } = held({ most: 2 })
  const asked = ['a', 'b', 'c'].map((name) => pipeline.ask([name], undefined))
  decoded('abc')
  await nextTurn()
  runs[0]!.end(new Error('unlucky'))
  await nextTurn()
  runs[1]!.end()
  const results = await Promise.allSettled(asked)
  t.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value[0] : (result.reason as Error).message)),
    ['unlucky', 'unlucky', 'C'],
  )
  t.like(pipeline.statistics, { queued: 0, computing: 0, images: { answered: 1, failed: 2 } })
})

test('closing rejects whatever has no answer yet, and what comes later', async (t) => {
  const { pipeline, decoding, runs, decoded } = held({ most: 1 })
  const asked = ['a', 'b', 'c'].map((name) => pipeline.ask([name], undefined))
  decoded('ab')
  await nextTurn()
  pipeline.close(new PreresnetError('ERR_ABORTED', 'now'), new PreresnetError('ERR_DISPOSED', 'later'))
  for (const one of asked) await t.throwsAsync(one, { code: 'ERR_ABORTED', message: 'now' })
  await t.throwsAsync(pipeline.ask(['d'], undefined), { code: 'ERR_DISPOSED', message: 'later' })
  t.true(decoding.get('c')!.left)
  runs[0]!.end()
  decoded('c')
  await nextTurn()
  t.is(runs.length, 1)
  t.like(pipeline.statistics, { queued: 0, computing: 0, images: { answered: 0, aborted: 3 } })
})

test.serial('seconds are told apart: decoding, waiting, computing', async (t) => {
  let now = 1000
  t.teardown(() => Reflect.deleteProperty(performance, 'now'))
  Object.defineProperty(performance, 'now', { value: () => now, configurable: true })
  const { pipeline, runs, decoded } = held({ most: 1 })
  const asked = ['a', 'b'].map((name) => pipeline.ask([name], undefined))
  now += 1000
  decoded('ab')
  await nextTurn()
  now += 300
  runs[0]!.end()
  await nextTurn()
  now += 500
  runs[1]!.end()
  await Promise.all(asked)
  // A quarter of each first second was decoding; the second image waited for the first one's run.
  const { queue, decode, compute } = pipeline.statistics.seconds
  t.deepEqual(
    [queue, decode, compute].map((time) => Math.round(1000 * time)),
    [750 + 1050, 500, 800],
  )
})
