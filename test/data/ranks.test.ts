/** Loaders that share each batch, and loops that go on anywhere. */
import test from 'ava'
import { flip, loader, randomCrop, type Dataset, type LoadedBatch, type LoaderOptions } from '../../lib/data/index.js'
import { labelsOf, numbered, readBatches } from '../support/numbered.js'

const length = 1003
const batch = 24
const options: LoaderOptions = { batch, seed: 11, prepare: { train: [randomCrop({ pad: 2 }), flip()] } }

/** The parts of ranks, one after another, as one batch. */
function joined(parts: readonly LoadedBatch[]): LoadedBatch {
  const of = <T>(key: 'images' | 'labels' | 'crops'): T[] => parts.flatMap((part) => [...part[key]] as T[])
  return {
    images: Uint8Array.from(of<number>('images')),
    labels: Int32Array.from(of<number>('labels')),
    crops: Int32Array.from(of<number>('crops')),
    count: parts.reduce((sum, { count }) => sum + count, 0),
  }
}

async function ofRanks(dataset: Dataset, more: Partial<LoaderOptions>, ranks: number, first: number, last: number): Promise<LoadedBatch[]> {
  const all = await Promise.all(
    Array.from({ length: ranks }, (_, rank) => readBatches(dataset, { ...options, ...more, rank, ranks, workers: 1 + (rank % 3) }, first, last)),
  )
  return all[0]!.map((_, index) => joined(all.map((batches) => batches[index]!)))
}

test('1, 3 and 8 ranks train on the same batches, also after a stop with another number of ranks', async (t) => {
  const dataset = await numbered(length)
  const epoch = Math.floor(length / batch)
  t.is(epoch, 41)
  const expected = await readBatches(dataset, options, 0, 3 * epoch)
  t.deepEqual(await ofRanks(dataset, {}, 3, 0, 3 * epoch), expected)
  t.deepEqual(await ofRanks(dataset, {}, 8, 0, 3 * epoch), expected)
  const stopped = [...(await ofRanks(dataset, {}, 8, 0, 50)), ...(await ofRanks(dataset, {}, 3, 50, 70)), ...(await ofRanks(dataset, {}, 1, 70, 3 * epoch))]
  t.deepEqual(stopped, expected)
  for (let number = 0; number < 3; number++) {
    const seen = new Set(labelsOf(expected.slice(number * epoch, (number + 1) * epoch)))
    t.is(seen.size, 984, 'no sample twice; 19 are left out')
  }
})

test('ranks evaluate every sample once, in equal shares within one, in as many batches', async (t) => {
  const dataset = await numbered(length)
  for (const ranks of [1, 3, 8]) {
    const shares: number[] = []
    const seen: number[] = []
    for (let rank = 0; rank < ranks; rank++) {
      await using batches = loader(dataset, { batch, mode: 'evaluate', rank, ranks, workers: 2 })
      t.is(batches.batches, 42)
      t.is(batches.batch, batch / ranks)
      let share = 0
      for await (const { count, indices, labels } of batches) {
        t.deepEqual([...labels.subarray(0, count)], [...indices.subarray(0, count)])
        t.true(labels.subarray(count).every((label) => label === -1))
        seen.push(...indices.subarray(0, count))
        share += count
      }
      t.is(share, batches.samples)
      shares.push(share)
    }
    t.true(Math.max(...shares) - Math.min(...shares) <= 1, shares.join(' '))
    t.deepEqual(
      seen.sort((a, b) => a - b),
      Array.from({ length }, (_, index) => index),
    )
  }
})

test('more ranks than samples are left: the others get none', async (t) => {
  const dataset = await numbered(9)
  const counts: number[] = []
  for (let rank = 0; rank < 8; rank++) {
    await using batches = loader(dataset, { batch: 8, mode: 'evaluate', rank, ranks: 8 })
    for await (const { count, index } of batches) if (index === 1) counts.push(count)
  }
  t.is(counts.length, 8)
  t.is(counts.filter((count) => count === 1).length, 1)
  t.is(counts.filter((count) => count === 0).length, 7)
})

/** The labels that a loop gives up to a number of samples, and where it stands then. */
async function loop(dataset: Dataset, more: Partial<LoaderOptions>, samples: number): Promise<{ labels: number[]; next: number }> {
  const { ranks = 1 } = more
  const labels: number[] = []
  let next = more.firstSample ?? 0
  const loaders = Array.from({ length: ranks }, (_, rank) => loader(dataset, { ...options, ...more, rank }))
  const loops = loaders.map((each) => each[Symbol.asyncIterator]())
  while (labels.length < samples) {
    for (const each of loops) {
      const { value } = await each.next()
      labels.push(...value!.labels)
      next = value!.nextSample
    }
  }
  await Promise.all(loaders.map((each) => each.close()))
  return { labels, next }
}

test('a loop goes on at any sample, twice in one epoch, with other workers and ranks', async (t) => {
  const dataset = await numbered(length)
  const expected = labelsOf(await readBatches(dataset, options, 0, 90))
  for (const stop of [1, 23, 24, 25, 500, 983, 984, 985, 1500]) {
    // As somebody who has used up `stop` samples, and no whole batch at the end.
    const first = await loop(dataset, { firstSample: stop, workers: 2, ranks: 3 }, 240)
    t.deepEqual(first.labels, expected.slice(stop, stop + 240), `from sample ${stop}`)
    t.is(first.next, stop + 240)
    const again = first.next + 5
    const second = await loop(dataset, { firstSample: again, workers: 7, ranks: 8 }, 120)
    t.deepEqual(second.labels, expected.slice(again, again + 120), `from sample ${again}`)
  }
})

test('a loop over an evaluation goes on at any sample', async (t) => {
  const dataset = await numbered(100)
  for (const firstSample of [0, 7, 24, 95, 99]) {
    const seen: number[] = []
    for (let rank = 0; rank < 3; rank++) {
      await using batches = loader(dataset, { batch: 24, mode: 'evaluate', firstSample, rank, ranks: 3 })
      for await (const { indices, count } of batches) seen.push(...indices.subarray(0, count))
    }
    t.deepEqual(
      seen.sort((a, b) => a - b),
      Array.from({ length: 100 - firstSample }, (_, index) => firstSample + index),
    )
  }
})

test('ranks are checked', async (t) => {
  const dataset = await numbered(50)
  const refused = (more: Partial<LoaderOptions>, message: RegExp): void =>
    void t.throws(() => loader(dataset, { batch: 24, ...more }), { code: 'ERR_OPTION', message })
  refused({ ranks: 5 }, /loader: batch: expected a multiple of ranks \(5\), got 24/)
  refused({ rank: 3, ranks: 3 }, /loader: rank: expected an integer from 0 to 2, got 3/)
  refused({ rank: -1 }, /loader: rank: expected an integer of at least 0, got -1/)
  refused({ ranks: 0 }, /loader: ranks: expected an integer/)
  refused({ mode: 'evaluate', firstSample: 50 }, /loader: firstSample: expected an integer from 0 to 49, got 50/)
})
