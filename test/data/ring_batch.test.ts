/** Batches where they lie in the ring. */
import test, { type ExecutionContext } from 'ava'
import { flip, loader, randomCrop, type LoadedBatch, type Loader, type LoaderOptions, type RingBatch } from '../../lib/data/index.js'
import { numbered, numberedBytes, readBatches } from '../support/numbered.js'
import { open } from '../support/session.js'
import { trainingLoader } from '../training/tiny.js'

const prepare = { train: [randomCrop({ pad: 2 }), flip()] }

async function opened(t: ExecutionContext, options: Partial<LoaderOptions> = {}): Promise<Loader> {
  const batches = loader(await numbered(43), { batch: 5, seed: 3, prepare, ...options })
  t.teardown(() => batches.close())
  return batches
}

const plain = ({ images, labels, crops, count }: LoadedBatch): LoadedBatch => ({ images: images.slice(), labels: labels.slice(), crops: crops.slice(), count })

test('a loop gives the batches that next() copies, and copies none', async (t) => {
  const batches = await opened(t, { slots: 3, workers: 2 })
  const expected = await readBatches(await numbered(43), { batch: 5, seed: 3, prepare }, 0, 20)
  const memory = new Set<ArrayBufferLike>()
  let index = 0
  for await (const batch of batches) {
    memory.add(batch.images.buffer)
    t.deepEqual(plain(batch), expected[index]!)
    t.deepEqual(batch.copy(), expected[index]!)
    t.deepEqual([...batch.indices], [...batch.labels])
    t.is(batch.index, index)
    t.is(batch.nextSample, (index + 1) * 5)
    if (++index === 20) break
  }
  t.true(memory.size <= 3, `${memory.size} buffers of 3 slots`)
  for (const buffer of memory) t.is(buffer.byteLength, 5 * numberedBytes)
})

test('an evaluation ends, and begins again in the next loop', async (t) => {
  const batches = await opened(t, { mode: 'evaluate', prepare: {} })
  for (let pass = 0; pass < 2; pass++) {
    const seen: number[] = []
    for await (const { indices, count, nextSample, index } of batches) {
      seen.push(...indices.subarray(0, count))
      t.is(nextSample, Math.min((index + 1) * 5, 43))
    }
    t.deepEqual(
      seen,
      Array.from({ length: 43 }, (_, index) => index),
    )
  }
})

test('a batch that was released throws, wherever it is used', async (t) => {
  const batches = await opened(t)
  for await (const batch of batches) {
    t.false(batch.released)
    batch.release()
    batch.release()
    t.true(batch.released)
    for (const key of ['images', 'labels', 'crops', 'indices', 'count'] as const)
      t.throws(() => batch[key], { code: 'ERR_DISPOSED', message: /^batch 0: expected a batch that is held, got one that was released; .*copy\(\)/ })
    t.throws(() => batch.copy(), { code: 'ERR_DISPOSED' })
    break
  }
})

test('a session takes a batch of a loop, and refuses one that was released', async (t) => {
  await using batches = await trainingLoader()
  const [session, other] = [await open(t, { data: batches }), await open(t, { data: batches })]
  const { losses } = await other.steps(2, { learningRate: 0.1 })
  const given: number[] = []
  let last: RingBatch | undefined
  for await (const batch of batches) {
    given.push((await session.step(batch, { learningRate: 0.1 })).loss)
    last = batch
    if (batch.index === 1) break
  }
  t.deepEqual(given, [...losses])
  await t.throwsAsync(session.step(last!, { learningRate: 0.1 }), { code: 'ERR_DISPOSED' })
  await t.throwsAsync(session.infer(last!), { code: 'ERR_DISPOSED' })
  t.is(session.stepIndex, 2)
})

test('a step that waits for its turn does not read what the threads write after a release', async (t) => {
  await using batches = await trainingLoader()
  const session = await open(t, { data: batches })
  for await (const batch of batches) {
    const first = session.step(batch.copy(), { learningRate: 0.1 })
    const second = session.step(batch, { learningRate: 0.1 })
    batch.release()
    await first
    await t.throwsAsync(second, { code: 'ERR_DISPOSED' })
    break
  }
})

test('batches that outlive their loop throw', async (t) => {
  const batches = await opened(t, { mode: 'evaluate', prepare: {} })
  const all: RingBatch[] = []
  for await (const batch of batches) all.push(batch)
  t.is(all.length, 9)
  for (const batch of all) t.throws(() => batch.images, { code: 'ERR_DISPOSED' })
})

test('leaving a loop early, by whatever way, leaves nothing held', async (t) => {
  const batches = await opened(t, { slots: 2 })
  for (let round = 0; round < 5; round++) {
    for await (const _ of batches) break
    await t.throwsAsync(
      (async () => {
        for await (const batch of batches) throw new Error(`at ${batch.index}`)
      })(),
      { message: 'at 0' },
    )
  }
  // Two may be held at once: had one stayed, the second would wait for ever.
  const [one, other] = [batches.from(7), batches.from(3)]
  t.is((await one.next()).value!.index, 7)
  t.is((await other.next()).value!.index, 3)
  await Promise.all([one.return(), other.return()])
})

test.serial('a view that was taken before shows what comes next; PRERESNET_POISON=1 lets it be noticed', async (t) => {
  process.env['PRERESNET_POISON'] = '1'
  t.teardown(() => delete process.env['PRERESNET_POISON'])
  const poisoned = await opened(t, { slots: 2 })
  delete process.env['PRERESNET_POISON']
  const expected = await readBatches(await numbered(43), { batch: 5, seed: 3, prepare }, 0, 30)
  let kept: Uint8Array | undefined
  for await (const batch of poisoned) {
    t.deepEqual(plain(batch), expected[batch.index]!, 'what is given is whole')
    kept = batch.images
    if (batch.index === 29) break
  }
  t.notDeepEqual([...kept!], [...expected[29]!.images], 'the view does not show the batch any more')
  await poisoned.close()

  // The whole dataset is one batch: nobody writes over it before somebody asks.
  process.env['PRERESNET_POISON'] = '1'
  const late = await opened(t, { slots: 2, mode: 'evaluate', batch: 43, prepare: {} })
  const batch = (await late.from(0).next()).value!
  const view = batch.images
  batch.release()
  t.deepEqual([...view], new Array<number>(43 * numberedBytes).fill(0xa5))
})

test('close releases what is held and ends a loop that waits', async (t) => {
  const batches = await opened(t)
  const loop = batches[Symbol.asyncIterator]()
  const batch = (await loop.next()).value!
  const view = batch.images
  await batches.close()
  t.throws(() => batch.images, { code: 'ERR_DISPOSED' })
  t.is(view.length, 0, 'the memory went')
  await t.throwsAsync(loop.next(), { code: 'ERR_DISPOSED' })
  await t.throwsAsync(batches.from(0).next(), { code: 'ERR_DISPOSED' })
})

test('a batch that comes as its loader is closed is not given: its memory has gone', async (t) => {
  for (const read of [(batches: Loader) => batches.next(0), (batches: Loader) => batches.from(0).next()]) {
    const batches = await opened(t)
    const { native } = batches
    const acquire = native.acquire.bind(native)
    native.acquire = async (index) => {
      const held = await acquire(index)
      void batches.close()
      return held
    }
    const given = await read(batches).catch((error: unknown) => error)
    if (given !== null) t.like(given, { code: 'ERR_DISPOSED' })
  }
})

test.serial('where views of native memory are forbidden, a batch is a copy', async (t) => {
  process.env['PRERESNET_NO_EXTERNAL_BUFFERS'] = '1'
  t.teardown(() => delete process.env['PRERESNET_NO_EXTERNAL_BUFFERS'])
  const expected = await readBatches(await numbered(43), { batch: 5, seed: 3, prepare }, 0, 3)
  const kept: Uint8Array[] = []
  for await (const batch of await opened(t)) {
    kept.push(batch.images)
    if (batch.index === 2) break
  }
  t.deepEqual(
    kept.map((images) => [...images]),
    expected.map(({ images }) => [...images]),
  )
})

test('the memory of a ring cannot be given to another thread', async (t) => {
  for await (const { images } of await opened(t)) {
    const { buffer } = images
    try {
      structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
    } catch {
      // Node 20 copies, later ones refuse.
    }
    t.is(buffer.byteLength, 5 * numberedBytes)
    break
  }
})
