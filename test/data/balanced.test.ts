/** Balanced sampling: each place of an epoch draws a class and one of its images, by the rule of docs/data.md. */
import test from 'ava'
import { loader, memoryDataset, type Dataset } from '../../lib/data/index.js'
import { philoxWord } from '../support/philox.js'

/** 90 images of class 0, 9 of class 2, one of class 3; class 1 has none. Each image holds its number. */
const labels = Int32Array.from({ length: 100 }, (_, sample) => (sample % 10 === 7 ? 2 : sample === 55 ? 3 : 0))
const images = Uint8Array.from({ length: 100 }, (_, sample) => sample)

const imbalanced = (): Promise<Dataset> => memoryDataset({ images, labels, height: 1, width: 1, channels: 1, classes: ['a', 'b', 'c', 'd'] })

const classes = [0, 2, 3].map((label) => [...labels.keys()].filter((sample) => labels[sample] === label))

/** A number below `count` by two words, as docs/data.md says. */
const below = (high: number, low: number, count: number): number => Number((((BigInt(high) << 32n) | BigInt(low)) * BigInt(count)) >> 64n)

function expected(seed: number, epoch: number, place: number): number {
  const words = [0, 1, 2, 3].map((index) => philoxWord(seed, 0x62616c61, epoch, 4 * place + index))
  const samples = classes[below(words[0]!, words[1]!, classes.length)]!
  return samples[below(words[2]!, words[3]!, samples.length)]!
}

async function drawn(batches: readonly number[], more: Partial<Parameters<typeof loader>[1]> = {}): Promise<number[]> {
  await using data = loader(await imbalanced(), { batch: 10, seed: 3, sampling: 'balanced', ...more })
  const found: number[] = []
  for (const index of batches) {
    const batch = (await data.next(index))!
    batch.images.forEach((sample, place) => {
      found.push(sample)
      if (batch.labels[place] !== labels[sample]) throw new Error(`sample ${sample} has label ${batch.labels[place]}`)
    })
  }
  return found
}

test('each place draws a class, all alike, and one of its images, whatever their numbers are', async (t) => {
  const all = await drawn(Array.from({ length: 60 }, (_, index) => index))
  t.deepEqual(
    all,
    all.map((_, place) => expected(3, Math.floor(place / 100), place % 100)),
  )
  const shares = classes.map((samples) => all.filter((sample) => samples.includes(sample)).length / all.length)
  // Three standard deviations of 600 draws with a third each.
  for (const share of shares) t.true(Math.abs(share - 1 / 3) < 3 * Math.sqrt(2 / 9 / 600), shares.join())
})

test('the draws hang on neither workers nor ranks, and a run goes on anywhere', async (t) => {
  t.deepEqual(await drawn([14, 2], { workers: 3 }), [...(await drawn([14])), ...(await drawn([2]))])
  const halves = await Promise.all([0, 1].map((rank) => drawn([5], { rank, ranks: 2 })))
  t.deepEqual(
    halves.flat().sort((a, b) => a - b),
    (await drawn([5])).sort((a, b) => a - b),
  )
})

test('evaluation takes each image once, and refuses to draw', async (t) => {
  const data = await imbalanced()
  const refused = (options: object, message: RegExp): void => void t.throws(() => loader(data, { batch: 10, ...options }), { code: 'ERR_OPTION', message })
  refused({ mode: 'evaluate', sampling: 'balanced' }, /loader: sampling: expected 'shuffled': evaluation takes each image once, got "balanced"/)
  refused({ sampling: 'even' }, /sampling: expected "shuffled" or "balanced"/)
})
