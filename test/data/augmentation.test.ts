/** Augmentations: against what torchvision made of the same images with the same numbers (test/fixtures/augmentation/make.py), and against the rules of docs/data.md. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import test from 'ava'
import {
  colorJitter,
  flip,
  lighting,
  loader,
  memoryDataset,
  randAugment,
  randomCrop,
  randomErasing,
  randomResizedCrop,
  trivialAugment,
  type PreparationStep,
} from '../../lib/data/index.js'
import { sequenceOf } from '../../lib/data/prepare/sequence.js'
import { readSteps, stepsText } from '../../lib/data/prepare/steps.js'
import { chained, changed, operationOf, operationText, Words, type StoredImage } from '../support/augmentation.js'
import type { Draw } from '../support/random_crops.js'

interface Cases {
  readonly images: Readonly<Record<string, Omit<StoredImage, 'pixels'> & { readonly pixels: string }>>
  readonly cases: readonly { readonly image: string; readonly operation: string; readonly numbers: readonly number[]; readonly pixels: string }[]
}

const folder = new URL('../../../test/fixtures/augmentation/', import.meta.url)
const stored = JSON.parse(gunzipSync(readFileSync(new URL('cases.json.gz', folder))).toString()) as Cases
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))
const images = new Map(Object.entries(stored.images).map(([name, image]) => [name, { ...image, pixels: bytes(image.pixels) }]))

const farthest = (a: Uint8Array, b: Uint8Array): number => a.reduce((most, value, index) => Math.max(most, Math.abs(value - b[index]!)), 0)

test("operations give torchvision's bytes; saturation, whose grays are sums in floating point, is at most one level away", (t) => {
  for (const [name, image] of images) {
    const cases = stored.cases.filter((one) => one.image === name)
    const found = changed(
      image,
      cases.map(({ operation, numbers }) => operationText(operation, numbers)),
    )
    for (const [index, { operation, numbers, pixels }] of cases.entries()) {
      const most = operation === 'saturation' || (numbers.length === 4 && numbers[0] === 7) ? 1 : 0
      const distance = farthest(found[index]!, bytes(pixels))
      t.true(distance <= most, `${name}: ${operationText(operation, numbers)}: ${distance}`)
    }
  }
  t.is(stored.cases.length, 427)
})

const [height, width] = [14, 11]
const count = 12
const pixels = Uint8Array.from({ length: count * height * width * 3 }, (_, index) => (index * 37 + ((index * index) >> 7)) % 256)
const size = height * width * 3
const dataset = await memoryDataset({ images: pixels, labels: new Int32Array(count), height, width, channels: 3, classes: ['one'] })

type Given = Parameters<typeof loader>[1]

/** The images of some batches, by sample and epoch. */
async function augmented(steps: readonly PreparationStep[], more: Partial<Given> = {}, batches = 9): Promise<Map<string, Uint8Array>> {
  await using data = loader(dataset, { batch: 4, seed: 5, workers: 2, prepare: { train: steps }, ...more })
  const found = new Map<string, Uint8Array>()
  for (let index = 0; index < batches; index++) {
    const batch = (await data.native.acquire(index))!
    const epoch = Math.floor((index * 4) / count)
    for (const [place, sample] of batch.indices.entries()) found.set(`${epoch}/${sample}`, batch.images.slice(place * size, (place + 1) * size))
    data.native.release(batch.ticket)
  }
  return found
}

const original = (sample: number): StoredImage => ({ height, width, channels: 3, pixels: pixels.slice(sample * size, (sample + 1) * size) })

/** Each image is what `rule` makes of it. */
async function follows(
  t: { readonly deepEqual: (a: Uint8Array, b: Uint8Array, message: string) => void; readonly is: (a: number, b: number) => void },
  step: PreparationStep,
  rule: (image: StoredImage, draw: Draw) => Uint8Array,
): Promise<void> {
  const found = await augmented([step])
  t.is(found.size, 36)
  for (const [key, image] of found) {
    const [epoch, sample] = key.split('/').map(Number) as [number, number]
    t.deepEqual(image, rule(original(sample), { seed: 5, epoch, sample }), key)
  }
}

test('TrivialAugment and RandAugment do what is drawn by seed, epoch and sample', async (t) => {
  await follows(t, trivialAugment(), (image, draw) => chained(image, [operationOf(new Words(draw, 0), 'wide', 31)]))
  await follows(t, randAugment({ operations: 3, magnitude: 20 }), (image, draw) => {
    const words = new Words(draw, 0)
    return chained(
      image,
      [1, 2, 3].map(() => operationOf(words, 'rand', 31, 20)),
    )
  })
})

test('color jitter draws all factors, then their order, and leaves out what is not given', async (t) => {
  const names = ['brightness', 'contrast', 'saturation', 'hue']
  const ranges = [[0.6, 1.4], [0.5, 1.5], undefined, [-0.2, 0.3]] as const
  await follows(t, colorJitter({ brightness: 0.4, contrast: [0.5, 1.5], hue: [-0.2, 0.3] }), (image, draw) => {
    const words = new Words(draw, 0)
    const factors = ranges.map((range) => words.uniform(range ?? [0, 0]))
    const order = [0, 1, 2, 3]
    for (let left = 4; left > 1; left--) {
      const other = words.below(left)
      ;[order[left - 1], order[other]] = [order[other]!, order[left - 1]!]
    }
    return chained(
      image,
      order.filter((which) => ranges[which] !== undefined).map((which) => operationText(names[which]!, [factors[which]!])),
    )
  })
})

test('random erasing gives a rectangle of its share and its aspect ratio one color, by the rule of torchvision', async (t) => {
  let erased = 0
  const step = randomErasing({ probability: 0.7, area: [0.1, 0.4], aspect: [0.3, 3.3], color: [7, 8, 9] })
  await follows(t, step, (image, draw) => {
    const words = new Words(draw, 0)
    const result = image.pixels.slice()
    if (words.share() >= 0.7) return result
    for (let attempt = 0; attempt < 10; attempt++) {
      const area = height * width * words.uniform([0.1, 0.4])
      const aspect = Math.exp(words.uniform([Math.log(0.3), Math.log(3.3)]))
      const [h, w] = [Math.round(Math.sqrt(area * aspect)), Math.round(Math.sqrt(area / aspect))]
      const fits = h < height && w < width
      const [top, left] = [words.below(fits ? height - h + 1 : 1), words.below(fits ? width - w + 1 : 1)]
      if (!fits) continue
      for (let y = top; y < top + h; y++) for (let x = left; x < left + w; x++) result.set([7, 8, 9], (y * width + x) * 3)
      erased++
      return result
    }
    return result
  })
  t.true(erased > 10 && erased < 36)
})

test("lighting adds the principal components of ImageNet's colors", async (t) => {
  const values = [0.2175, 0.0188, 0.0045]
  const vectors = [
    [-0.5675, 0.7192, 0.4009],
    [-0.5808, -0.0045, -0.814],
    [-0.5836, -0.6948, 0.4203],
  ]
  let moved = 0
  const found = await augmented([lighting({ std: 0.5 })])
  for (const [key, image] of found) {
    const [epoch, sample] = key.split('/').map(Number) as [number, number]
    const words = new Words({ seed: 5, epoch, sample }, 0)
    const amounts = values.map((value) => 0.5 * words.normal() * value)
    const shifts = vectors.map((row) => 255 * row.reduce((sum, vector, component) => sum + vector * amounts[component]!, 0))
    const expected = original(sample).pixels.map((value, index) => Math.min(255, Math.max(0, Math.round(value + shifts[index % 3]!))))
    t.is(farthest(image, expected), 0, key)
    if (Math.abs(shifts[0]!) > 4) moved++
  }
  t.true(moved > 10)
})

test('several stand one behind the other, each with draws of its own', async (t) => {
  const found = await augmented([trivialAugment(), randAugment({ operations: 1 }), trivialAugment({ bins: 5 })])
  for (const [key, image] of found) {
    const [epoch, sample] = key.split('/').map(Number) as [number, number]
    const words = [0, 1, 2].map((place) => new Words({ seed: 5, epoch, sample }, place))
    const operations = [operationOf(words[0]!, 'wide', 31), operationOf(words[1]!, 'rand', 31, 9), operationOf(words[2]!, 'wide', 5)]
    t.deepEqual(image, chained(original(sample), operations), key)
  }
})

test('the same images come from any number of workers and ranks, and where a run goes on; each epoch has others', async (t) => {
  const steps = [trivialAugment(), colorJitter({ brightness: 0.3 })]
  const expected = await augmented(steps)
  t.deepEqual(await augmented(steps, { workers: 1 }), expected)
  t.deepEqual(await augmented(steps, { workers: 5, slots: 3 }), expected)
  t.notDeepEqual(expected.get('0/3'), expected.get('1/3'))
  const shares = [0, 1].map(async (rank) => {
    await using data = loader(dataset, { batch: 4, seed: 5, rank, ranks: 2, prepare: { train: steps } })
    const { indices, images: found, ticket } = (await data.native.acquire(4))!
    for (const [place, sample] of indices.entries()) t.deepEqual(found.slice(place * size, (place + 1) * size), expected.get(`1/${sample}`))
    data.native.release(ticket)
  })
  await Promise.all(shares)
})

test('evaluation takes no augmentation; in training they stand behind what crops and before what the network crops and mirrors', (t) => {
  const input = { height: 32, width: 32 }
  const text = (steps: readonly PreparationStep[]): string => stepsText(sequenceOf('train', steps, 'train', input).augmentations)
  t.is(text([randomResizedCrop(), trivialAugment(), randomErasing(), flip()]), stepsText([trivialAugment(), randomErasing()]))
  t.is(text([randAugment(), randomCrop({ pad: 4 }), flip()]), stepsText([randAugment()]))
  const refused = (steps: readonly PreparationStep[], message: RegExp, mode: 'train' | 'evaluate' = 'train'): void => {
    t.throws(() => sequenceOf('prepare', steps, mode, input), { code: 'ERR_OPTION', message })
  }
  refused([randAugment()], /expected no random step, got randAugment\(/, 'evaluate')
  refused([flip(), randAugment()], /expected one of these lists.*\[augmentations\] \[randomCrop\] \[flip\].*got flip\(\), randAugment/)
  refused([randAugment(), randomResizedCrop()], /expected one of these lists/)
})

test('steps are values that JSON keeps, and what they cannot be is refused', (t) => {
  const steps = [colorJitter({ brightness: 0.4, hue: 0.1 }), lighting(), randomErasing({ color: [1, 2, 3] }), trivialAugment(), randAugment()]
  t.deepEqual(readSteps('train', JSON.parse(JSON.stringify(steps))), steps)
  t.is(stepsText(steps.slice(0, 2)), 'colorJitter({ brightness: [0.6, 1.4], hue: [-0.1, 0.1] }), lighting({ std: 0.1 })')
  t.deepEqual(colorJitter({ saturation: 3 }).saturation, [0, 4])
  const refused = (make: () => unknown, message: RegExp): void => void t.throws(make, { code: 'ERR_OPTION', message })
  refused(() => colorJitter({}), /colorJitter: expected something to change/)
  refused(() => colorJitter({ hue: 0.6 }), /colorJitter: hue: expected a number from 0 to 0.5, got 0.6/)
  refused(() => colorJitter({ contrast: [1, 0.5] }), /colorJitter: contrast\[1\]: expected a number of at least 1, got 0.5/)
  refused(() => colorJitter({ brightness: [1] as never }), /colorJitter: brightness: expected a number, or the least and the largest/)
  refused(() => lighting({ std: 0 }), /lighting: std: expected a number of at least/)
  refused(() => randomErasing({ color: [1, 2] }), /randomErasing: color: expected one number or three/)
  refused(() => randomErasing({ area: 0.5 as never }), /randomErasing: area: expected the least and the largest, as \[0\.5, 1\], got 0\.5/)
  refused(() => randomErasing({ color: 256 }), /randomErasing: color\[0\]: expected an integer from 0 to 255/)
  refused(() => randAugment({ magnitude: 31 }), /randAugment: magnitude: expected an integer from 0 to 30/)
  refused(() => trivialAugment({ bins: 1 }), /trivialAugment: bins: expected an integer from 2/)
})

test('gray images take all but lighting and a color of three', async (t) => {
  const gray = await memoryDataset({
    images: pixels.subarray(0, 12 * height * width),
    labels: new Int32Array(12),
    height,
    width,
    channels: 1,
    classes: ['one'],
  })
  await using data = loader(gray, {
    batch: 12,
    prepare: { train: [randAugment({ operations: 5 }), colorJitter({ hue: 0.5, contrast: 0.5 }), randomErasing()] },
  })
  t.is((await data.next(0))!.images.length, 12 * height * width)
  const refused = (step: PreparationStep, message: RegExp): void =>
    void t.throws(() => loader(gray, { batch: 4, prepare: { train: [step] } }), { code: 'ERR_OPTION', message })
  refused(lighting(), /prepare\.train: lighting\(.*\): expected images of 3 channels, got 1/)
  refused(randomErasing({ color: [1, 2, 3] }), /randomErasing\(.*\): expected a color of 1 number, as images have 1 channel, got 3/)
})
