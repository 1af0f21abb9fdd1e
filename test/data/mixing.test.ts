/** What loaders say of mixup and cutmix, and images that come several times in a batch: the rules of docs/data.md in other words. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import test from 'ava'
import { flip, loader, memoryDataset, randomCrop, type Dataset, type LoadedBatch, type LoaderOptions } from '../../lib/data/index.js'
import { numbered, numberedShape, readBatches } from '../support/numbered.js'
import { philoxWord } from '../support/philox.js'
import { randomBytes } from '../support/bytes.js'

const whole = 2 ** 24
const seed = 11
const stream = 0x6d690000

interface Mix {
  readonly partner: number
  readonly share: number
  /** Top, left, height, width. */
  readonly box: readonly number[]
}

const below = (word: number, count: number): number => Math.floor((word / 2 ** 32) * count)
const words = (epoch: number, place: number, attempt: number): number[] =>
  [0, 1, 2, 3].map((index) => philoxWord(seed, stream + attempt, epoch, 4 * place + index))

function beta(epoch: number, place: number, alpha: number): number {
  const fraction = (word: number): number => (word + 0.5) / 2 ** 32
  if (alpha > 1) {
    const [u, v] = words(epoch, place, 1).map(fraction) as [number, number]
    return (1 + Math.sqrt(1 - u ** (2 / (2 * alpha - 1))) * Math.cos(2 * Math.PI * v)) / 2
  }
  for (let attempt = 1; ; attempt++) {
    const [own, other] = words(epoch, place, attempt).map((word) => fraction(word) ** (1 / alpha)) as [number, number]
    if (own + other <= 1) return own / (own + other)
  }
}

interface Rule {
  readonly mixup: number
  readonly cutmix: number
  readonly height: number
  readonly width: number
}

/** Of the place in its epoch of a group's first image. */
function drawn({ mixup, cutmix, height, width }: Rule, epoch: number, place: number, images: number): { shift: number; share: number; box: number[] } {
  const [which, shift, x, y] = words(epoch, place, 0) as [number, number, number, number]
  const cuts = mixup === 0 || (cutmix > 0 && which >= 2 ** 31)
  const own = beta(epoch, place, cuts ? cutmix : mixup)
  const far = 1 + below(shift, images - 1)
  if (!cuts) return { shift: far, share: own, box: [0, 0, height, width] }
  const side = (word: number, size: number): [number, number] => {
    const [middle, half] = [below(word, size), Math.floor(0.5 * Math.sqrt(1 - own) * size)]
    return [Math.max(middle - half, 0), Math.min(middle + half, size)]
  }
  const [[left, right], [top, bottom]] = [side(x, width), side(y, height)]
  return { shift: far, share: 0, box: [top, left, bottom - top, right - left] }
}

function mixesOf({ mixes }: LoadedBatch): Mix[] {
  return Array.from({ length: mixes!.length / 6 }, (_, n) => {
    const [partner, share, ...box] = mixes!.subarray(n * 6, n * 6 + 6)
    return { partner: partner!, share: share!, box }
  })
}

const shape = { height: 12, width: 9, channels: 1 }
const images = (length: number): Promise<Dataset> =>
  memoryDataset({ images: randomBytes(length * 108, 5), labels: Array.from({ length }, (_, index) => index), ...shape, classes: length })

for (const [mixup, cutmix] of [
  [0.2, 1],
  [0.2, 0],
  [0, 1],
  [3.5, 0],
  [0, 2],
] as const) {
  test(`mixup ${mixup}, cutmix ${cutmix}: partner, share and box of each group, whatever the workers, and anywhere`, async (t) => {
    const options: LoaderOptions = { batch: 24, seed, mixup, cutmix, groups: 4, workers: 3 }
    const data = await images(100)
    const rule = { mixup, cutmix, ...shape }
    const boxes = new Set<string>()
    for (const [index, batch] of (await readBatches(data, options, 0, 12)).entries()) {
      const found = mixesOf(batch)
      for (let n = 0; n < 24; n++) {
        // 96 of the 100 images are trained on.
        const place = index * 24 + Math.floor(n / 6) * 6
        const { shift, share, box } = drawn(rule, Math.floor(place / 96), place % 96, 6)
        t.is(found[n]!.partner, Math.floor(n / 6) * 6 + (((n % 6) + shift) % 6))
        t.not(found[n]!.partner, n)
        t.true(Math.abs(found[n]!.share - share * whole) <= 1, `${found[n]!.share} ${share * whole}`)
        t.deepEqual(found[n]!.box, box)
        boxes.add(`${share === 0} ${box.join()}`)
      }
    }
    t.true(boxes.size > (cutmix > 0 ? 10 : 0))
    const [later] = await readBatches(data, { ...options, workers: 1 }, 7, 8)
    t.deepEqual(later!.mixes, (await readBatches(data, options, 0, 8))[7]!.mixes)
  })
}

test('shares have the mean and the spread of their distribution', async (t) => {
  for (const alpha of [0.1, 0.5, 1, 2, 8]) {
    const batches = await readBatches(await numbered(2000), { batch: 1000, seed, mixup: alpha, groups: 500 }, 0, 10)
    const shares = batches.flatMap((batch) => mixesOf(batch).filter((_, n) => n % 2 === 0)).map(({ share }) => share / whole)
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
    const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length
    const expected = 1 / (4 * (2 * alpha + 1))
    // Four standard deviations of 5,000 draws, and for the variance a bound of its own deviation.
    t.true(Math.abs(mean - 0.5) < 4 * Math.sqrt(expected / shares.length), `alpha ${alpha}: mean ${mean}`)
    t.true(Math.abs(variance - expected) < 4 * Math.sqrt(0.25 / 4 / shares.length), `alpha ${alpha}: variance ${variance}, not ${expected}`)
  }
})

test('ranks have the mixes and the images of one loader, each its own', async (t) => {
  const data = await numbered(100)
  const options: LoaderOptions = {
    batch: 24,
    seed,
    mixup: 0.3,
    cutmix: 1,
    groups: 4,
    repeatedAugmentation: 3,
    prepare: { train: [randomCrop({ pad: 2 }), flip()] },
  }
  const expected = await readBatches(data, options, 0, 9)
  for (const ranks of [2, 4]) {
    for (let rank = 0; rank < ranks; rank++) {
      const [each, first] = [24 / ranks, (24 / ranks) * rank]
      for (const [index, batch] of (await readBatches(data, { ...options, rank, ranks }, 0, 9)).entries()) {
        const own = mixesOf(expected[index]!).slice(first, first + each)
        t.deepEqual(mixesOf(batch), own.map((mix) => ({ ...mix, partner: mix.partner - first }))) // prettier-ignore
        t.deepEqual([...batch.labels], [...expected[index]!.labels.subarray(first, first + each)])
        t.deepEqual([...batch.crops], [...expected[index]!.crops.subarray(first * 3, (first + each) * 3)])
      }
    }
  }
})

/** What process `rank` of several takes, which each have the same number: of the order with each image repeated, every one of its turn. */
function taken(order: readonly number[], repeats: number, processes: number, rank: number): number[] {
  const row = order.flatMap((sample) => Array.from({ length: repeats }, () => sample))
  return row.filter((_, place) => place % processes === rank).slice(0, order.length / processes)
}

test('the rule that copies are dealt out by is that of timm', (t) => {
  const file = new URL('../../../test/fixtures/mixing/cases.json.gz', import.meta.url)
  const { sampler } = JSON.parse(gunzipSync(readFileSync(file)).toString()) as { sampler: { order: number[]; taken: number[][] } }
  t.deepEqual([0, 1, 2, 3].map((rank) => taken(sampler.order, 3, 4, rank)), sampler.taken) // prettier-ignore
})

test('copies of an image stand in groups side by side, and an epoch has a part of the images, as of the sampler of timm', async (t) => {
  const data = await numbered(100)
  const [batch, groups, repeats] = [24, 4, 3]
  const plain = (await readBatches(data, { batch, seed }, 0, 8)).map(({ labels }) => [...labels])
  const found = await readBatches(data, { batch, seed, groups, repeatedAugmentation: repeats }, 0, 8)
  // Four batches an epoch.
  for (let epoch = 0; epoch < 2; epoch++) {
    const order = plain.slice(epoch * 4, epoch * 4 + 4).flat()
    for (let rank = 0; rank < groups; rank++) {
      const own = found.slice(epoch * 4, epoch * 4 + 4).flatMap(({ labels }) => [...labels.subarray(rank * 6, rank * 6 + 6)])
      t.deepEqual(own, taken(order, repeats, groups, rank))
    }
    t.is(new Set(found.slice(epoch * 4, epoch * 4 + 4).flatMap(({ labels }) => [...labels])).size, 32)
  }
})

test('each copy has random steps of its own, and the first those of the image alone', async (t) => {
  const data = await numbered(100)
  const prepare = { train: [randomCrop({ pad: 8 }), flip()] }
  const crops = async (more: Partial<LoaderOptions>): Promise<Map<number, string[]>> => {
    const all = new Map<number, string[]>()
    for (const { labels, crops: placed } of await readBatches(data, { batch: 24, seed, prepare, ...more }, 0, 4)) {
      for (const [n, label] of labels.entries()) all.set(label, [...(all.get(label) ?? []), placed.subarray(n * 3, n * 3 + 3).join()])
    }
    return all
  }
  const [once, thrice] = [await crops({}), await crops({ repeatedAugmentation: 3 })]
  t.is(thrice.size, 32)
  for (const [sample, placed] of thrice) {
    t.is(placed.length, 3)
    t.is(placed[0], once.get(sample)![0])
  }
  t.true([...thrice.values()].filter((placed) => new Set(placed).size === 3).length > 28)
})

test('a loader without them says nothing of mixes; a batch in the ring and its copy say the same', async (t) => {
  const data = await numbered(100)
  t.is((await readBatches(data, { batch: 24 }, 0, 1))[0]!.mixes, undefined)
  await using mixed = loader(data, { batch: 24, mixup: 1 })
  t.true(mixed.mixes)
  for await (const batch of mixed) {
    t.deepEqual(batch.copy().mixes, batch.mixes)
    t.is(batch.mixes!.length, 24 * 6)
    break
  }
  t.deepEqual(mixed.input, numberedShape)
})

test('refused: groups that do not divide the batch or are not of one rank, groups of one image, and mixing in an evaluation', async (t) => {
  const data = await numbered(100)
  const refused = (options: object, message: RegExp): void => void t.throws(() => loader(data, { batch: 24, ...options }), { code: 'ERR_OPTION', message })
  refused({ groups: 5 }, /loader: groups: expected a divisor of the batch \(24\), got 5/)
  refused({ groups: 3, ranks: 2, mixup: 1 }, /loader: groups: expected a multiple of ranks \(2\), got 3/)
  refused({ groups: 3, ranks: 2, repeatedAugmentation: 2 }, /loader: groups: expected a multiple of ranks \(2\), got 3/)
  refused({ groups: 24, cutmix: 1 }, /loader: groups: expected at most 12: the image that is mixed into another is of the same group, got 24/)
  refused({ mode: 'evaluate', mixup: 1 }, /loader: mixup: expected 0: evaluation takes each image once, as it is, got 1/)
  refused({ mode: 'evaluate', repeatedAugmentation: 2 }, /loader: repeatedAugmentation: expected 1: evaluation/)
  refused({ mixup: -1 }, /mixup: expected a number from 0 to 1000, got -1/)
})
