import test from 'ava'
import {
  cacheInMemory,
  centerCrop,
  exifOrientation,
  flip,
  imageFolder,
  loader,
  memoryDataset,
  type MemorySource,
  randomCrop,
  randomResize,
  randomResizedCrop,
  resize,
  shuffledLabels,
  subset,
  type Preparation,
  type PreparationStep,
} from '../../lib/data/index.js'
import { fingerprintV1 } from '../../lib/data/fingerprint_v1.js'
import { completePreparation, usualSteps } from '../../lib/data/prepare/complete.js'
import { sequenceOf } from '../../lib/data/prepare/sequence.js'
import { readSteps, stepsText } from '../../lib/data/prepare/steps.js'
import { randomBytes } from '../support/bytes.js'
import { temporaryFolder } from '../support/folder.js'
import { writeFiles } from '../support/files.js'
import { rgbPng } from '../support/png.js'

const input = { height: 4, width: 6, channels: 3 }
const reading = { workers: 2, signal: undefined }
const all = [resize(8), resize({ unlessFitting: true }), resize({ size: 9, unlessFitting: true }), centerCrop(), randomCrop({ pad: 2 }), flip()]

test('steps are frozen values, which JSON brings back', (t) => {
  for (const step of all) t.true(Object.isFrozen(step))
  const read = readSteps('steps', JSON.parse(JSON.stringify(all)))
  t.deepEqual(read, all)
  t.true(Object.isFrozen(read) && read.every((step) => Object.isFrozen(step)))
  t.is(stepsText(all), 'resize(8), resize({ unlessFitting: true }), resize({ size: 9, unlessFitting: true }), centerCrop(), randomCrop({ pad: 2 }), flip()')
  t.deepEqual(resize({ size: 8 }), resize(8))
})

test('what is no step is refused, with its path', (t) => {
  const refused = (value: unknown, message: RegExp): void => void t.throws(() => readSteps('prepare.train', value), { code: 'ERR_OPTION', message })
  refused({}, /prepare\.train: expected a list of steps/)
  refused([resize(8), 'flip'], /prepare\.train\[1\]: expected a step, as centerCrop\(\), got "flip"/)
  refused([{ kind: 'flop' }], /prepare\.train\[0\]: kind: expected .* \(did you mean "flip"\?\)/)
  refused([{ kind: 'flip', often: 1 }], /prepare\.train\[0\]: flip: unknown option "often"/)
  refused([{ kind: 'resize' }], /prepare\.train\[0\]: resize: expected a size, as resize\(256\), or \{ unlessFitting: true \}/)
  refused([{ kind: 'randomCrop', pad: -1 }], /randomCrop: pad: expected an integer from 0 to 1024, got -1/)
  refused([centerCrop], /got a function; call it/)
  t.throws(() => resize(0), { code: 'ERR_OPTION', message: /resize: size: expected an integer from 1/ })
  t.throws(() => resize({ unlesFitting: true } as never), { code: 'ERR_OPTION', message: /did you mean "unlessFitting"/ })
})

const sequences: readonly (readonly [readonly PreparationStep[], object])[] = [
  [[], { resize: 0, keepFitting: false, exact: true }],
  [[centerCrop()], { resize: 0, keepFitting: false, exact: false }],
  [[resize(8), centerCrop()], { resize: 8, keepFitting: false, exact: false }],
  [[resize({ unlessFitting: true }), centerCrop()], { resize: 7, keepFitting: true, exact: false }],
]

test('sequences that can be done, and others', (t) => {
  for (const [steps, decode] of sequences) {
    for (const mode of ['train', 'evaluate'] as const)
      t.deepEqual(sequenceOf('x', steps, mode, input), { fixed: steps, decode, drawn: false, augmentations: [], pad: 0, flip: false })
    t.deepEqual(sequenceOf('x', [...steps, randomCrop({ pad: 3 })], 'train', input), {
      fixed: steps,
      decode,
      drawn: false,
      augmentations: [],
      pad: 3,
      flip: false,
    })
    t.deepEqual(sequenceOf('x', [...steps, randomCrop({ pad: 3 }), flip()], 'train', input), {
      fixed: steps,
      decode,
      drawn: false,
      augmentations: [],
      pad: 3,
      flip: true,
    })
    t.throws(() => sequenceOf('x', [...steps, flip()], 'evaluate', input), { code: 'ERR_OPTION', message: /x: expected no random step, got flip\(\)/ })
  }
  for (const steps of [
    [flip(), resize(8), centerCrop()],
    [flip(), randomCrop({ pad: 1 })],
    [centerCrop(), resize(8)],
    [resize(8)],
    [randomResize({ from: 8, to: 9 }), centerCrop()],
    [randomResizedCrop(), randomCrop()],
    [resize(8), exifOrientation(), centerCrop()],
    [centerCrop(), centerCrop()],
  ]) {
    const error = t.throws(() => sequenceOf('x', steps, 'train', input), { code: 'ERR_OPTION' })
    t.true(error.message.startsWith('x: expected one of these lists, where what stands in brackets may be missing: [exifOrientation] [centerCrop]'))
    t.true(error.message.endsWith(`; got ${stepsText(steps)}`), error.message)
  }
  t.throws(() => sequenceOf('x', [resize(5), centerCrop()], 'train', input), {
    code: 'ERR_OPTION',
    message: /x: resize\(5\): expected at least 6, the larger side/,
  })
})

const decoded = { keepFitting: false, exact: false }

test('random steps that are drawn while a file is decoded', (t) => {
  const area = { ...decoded, resize: 0, crop: 'area', area: Float64Array.of(0.08, 1, 3 / 4, 4 / 3) }
  const cases: readonly (readonly [readonly PreparationStep[], object, readonly PreparationStep[]])[] = [
    [[randomResizedCrop()], { ...area, scaled: true }, []],
    [
      [randomResizedCrop({ area: [0.5, 1], aspect: [1, 2], filter: 'bicubic', decode: 'exact' })],
      { ...area, area: Float64Array.of(0.5, 1, 1, 2), filter: 'bicubic' },
      [],
    ],
    [[randomResize({ from: 8, to: 15 }), randomCrop()], { ...decoded, resize: 8, resizeTo: 15, crop: 'random', scaled: true }, []],
    [[resize(8), randomCrop()], { ...decoded, resize: 8, crop: 'random' }, [resize(8)]],
    [
      [exifOrientation(), resize({ size: 8, filter: 'bicubic', decode: 'scaled' }), randomCrop()],
      { ...decoded, resize: 8, crop: 'random', filter: 'bicubic', scaled: true, upright: true },
      [exifOrientation(), resize({ size: 8, filter: 'bicubic', decode: 'scaled' })],
    ],
  ]
  for (const [steps, decode, fixed] of cases) {
    t.deepEqual(
      sequenceOf('x', steps, 'train', input),
      { fixed, decode: decode as never, drawn: true, augmentations: [], pad: 0, flip: false },
      stepsText(steps),
    )
    t.like(sequenceOf('x', [...steps, flip()], 'train', input), { drawn: true, flip: true })
  }
  const refused = (steps: readonly PreparationStep[], message: RegExp): void =>
    void t.throws(() => sequenceOf('x', steps, 'train', input), { code: 'ERR_OPTION', message })
  refused([resize(8), randomCrop({ pad: 1 })], /x: randomCrop: pad: expected 0 after a resize/)
  refused([randomResize({ from: 5, to: 9 }), randomCrop()], /randomResize\(\{ from: 5, to: 9, .*expected at least 6, the larger side/)
})

test('random steps are written with all they do, and ranges are checked', (t) => {
  t.is(
    stepsText([randomResizedCrop({ area: [0.25, 1] }), randomResize({ from: 256, to: 480, filter: 'bicubic' })]),
    "randomResizedCrop({ area: [0.25, 1], aspect: [0.75, 1.3333333333333333], filter: 'bilinear', decode: 'scaled' }), " +
      "randomResize({ from: 256, to: 480, filter: 'bicubic', decode: 'scaled' })",
  )
  // What steps of before these options mean is what they are today.
  t.deepEqual(resize({ size: 8, filter: 'bilinear', decode: 'exact' }), resize(8))
  t.deepEqual(readSteps('x', [{ kind: 'randomResizedCrop' }]), [randomResizedCrop()])
  const refused = (make: () => unknown, message: RegExp): void => void t.throws(make, { code: 'ERR_OPTION', message })
  refused(() => randomResizedCrop({ area: [0, 1] }), /randomResizedCrop: area\[0\]: expected a number from/)
  refused(() => randomResizedCrop({ area: [0.5, 0.4] }), /area\[1\]: expected a number from 0.5 to 1, got 0.4/)
  refused(() => randomResizedCrop({ aspect: [1] as never }), /aspect: expected the least and the largest, as \[0.5, 1\]/)
  refused(() => randomResize({ from: 9, to: 8 }), /randomResize: to: expected an integer from 9 to 65536, got 8/)
  refused(() => resize({ size: 8, filter: 'lanczos' as never }), /resize: filter: expected "bilinear" or "bicubic"/)
  refused(() => randomResizedCrop({ decode: 'scale' as never }), /decode: expected "exact" or "scaled" \(did you mean "scaled"\?\)/)
})

const noise = (height: number, width: number, seed: number): Buffer => rgbPng(width, height, randomBytes(height * width * 3, seed))
const several = { 'a/1.png': noise(4, 6, 1), 'a/2.png': noise(9, 7, 2), 'b/3.png': noise(12, 12, 3), 'b/4.png': noise(8, 30, 4) }

test('the memory cache holds what stands before the first random step', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFiles(folder, several)
  const files = await imageFolder(folder)
  const fixed = [resize(7), centerCrop()]
  const prepare: Preparation = { train: [...fixed, randomCrop({ pad: 2 }), flip()], evaluate: fixed }
  const kept = await cacheInMemory(files, { input, prepare })
  t.like(kept, { name: files.name, fingerprint: files.fingerprint, labels: files.labels, source: { kind: 'memory', shape: input, prepared: fixed } })
  for (const mode of ['train', 'evaluate'] as const) {
    await using one = loader(kept, { batch: 2, input, mode, prepare, seed: 3 })
    await using other = loader(files, { batch: 2, input, mode, prepare, seed: 3 })
    for (const index of [0, 1]) t.deepEqual(await one.next(index), await other.next(index))
  }
  t.is(await cacheInMemory(kept, { input, prepare }), kept)
  t.deepEqual(await usualSteps([kept], input), fixed)
  const error = t.throws(() => loader(kept, { batch: 2, input, prepare: { evaluate: [resize(8), centerCrop()] } }), { code: 'ERR_OPTION' })
  t.regex(error.message, /was put into memory by resize\(7\), centerCrop\(\); expected the same before the first random step, got resize\(8\), centerCrop\(\)/)
})

test('crops that are drawn from stored images differ from epoch to epoch, not from run to run, and are not kept in memory', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFiles(folder, several)
  const files = await imageFolder(folder)
  for (const drawn of [[randomResizedCrop()], [resize(7), randomCrop()], [randomResize({ from: 6, to: 12 }), randomCrop()]]) {
    const prepare: Preparation = { train: [...drawn, flip()], evaluate: [resize(7), centerCrop()] }
    const epochs = async (workers: number, seed: number): Promise<readonly string[]> => {
      await using batches = loader(files, { batch: 4, input, prepare, seed, workers })
      const read = [0, 1, 2, 0].map(async (index) => {
        const { images, labels, crops } = (await batches.next(index))!
        // In the order of the folder, whatever the epoch's: by label, and of one label by the bytes.
        const pictures = [...labels].map((label, at) => `${label} ${Buffer.from(images.subarray(at * 72, (at + 1) * 72)).toString('hex')}`)
        return `${pictures.sort().join('\n')}\n${crops.length}`
      })
      return await Promise.all(read)
    }
    const [first, second, third, again] = await epochs(1, 5)
    t.is(new Set([first, second, third]).size, 3)
    t.is(again, first)
    t.deepEqual(await epochs(3, 5), [first, second, third, again])
    t.not((await epochs(1, 6))[0], first)
    await t.throwsAsync(cacheInMemory(files, { input, prepare }), {
      code: 'ERR_OPTION',
      message: /cannot be kept in memory where each epoch draws another part/,
    })
    const memory = await memoryDataset({ images: randomBytes(72 * 4, 1), labels: [0, 1, 0, 1], ...input, classes: 2 })
    t.throws(() => loader(memory, { batch: 2, input, prepare }), { code: 'ERR_OPTION', message: /images that are in memory have the input's size/ })
  }
})

test('images that were given in memory are not resized: such steps are refused, not recorded', async (t) => {
  const memory = await memoryDataset({ images: randomBytes(72 * 2, 1), labels: [0, 1], ...input, classes: 2, name: 'own' })
  const batches = (steps: readonly PreparationStep[], mode: 'train' | 'evaluate') => loader(memory, { batch: 2, input, mode, prepare: { [mode]: steps } })
  const random = [randomCrop({ pad: 1 }), flip()]
  for (const mode of ['train', 'evaluate'] as const) {
    for (const steps of [
      [resize(8), centerCrop()],
      [resize({ size: 6 }), centerCrop()],
    ]) {
      const error = t.throws(() => batches(mode === 'train' ? [...steps, ...random] : steps, mode), { code: 'ERR_OPTION' })
      t.true(error.message.includes('loader: own: images that are given in memory are taken as they are: expected steps without a resize'), error.message)
      t.true(error.message.endsWith(`got ${stepsText(steps)}`), error.message)
    }
    for (const steps of [[], [centerCrop()], [resize({ unlessFitting: true }), centerCrop()], [resize({ size: 9, unlessFitting: true }), centerCrop()]]) {
      await using taken = batches(steps, mode)
      const { images, labels } = (await taken.next(0))!
      t.deepEqual(images.subarray(0, 72), (memory.source as MemorySource).images.subarray(labels[0]! * 72, (labels[0]! + 1) * 72))
    }
  }
})

test('by default files beside images in memory are resized unless they fit', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFiles(folder, several)
  const memory = await memoryDataset({ images: randomBytes(72 * 2, 1), labels: [0, 1], ...input, classes: 2 })
  t.deepEqual(await usualSteps([memory, await imageFolder(folder)], input), [resize({ unlessFitting: true }), centerCrop()])
  t.deepEqual(await usualSteps([memory], input), [])
})

test('images without a single size before the first random step are not kept in memory', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFiles(folder, several)
  const error = await t.throwsAsync(cacheInMemory(await imageFolder(folder), { input, prepare: { train: [randomCrop({ pad: 2 })] } }), { code: 'ERR_OPTION' })
  t.regex(error.message, /only images of a single size can be kept in memory, and before the first random step \(no steps\) these have several/)
  t.regex(error.message, /expected 4 x 6, the network's input, got 9 x 7 \(height x width\) of .*a\/2\.png; put resize\(n\), centerCrop\(\) in front/)
  await t.throwsAsync(cacheInMemory(await imageFolder(folder), { input: { height: 4 } as never }), { code: 'ERR_OPTION', message: /input\.width/ })
})

test('defaults are written down: steps of what is given, normalization as evaluation sees it', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFiles(folder, several)
  const train = await imageFolder(folder)
  const usual = await completePreparation({}, input, { train, ...reading })
  t.deepEqual(
    [usual.train, usual.evaluate],
    [
      [resize(7), centerCrop()],
      [resize(7), centerCrop()],
    ],
  )
  const larger = { evaluate: [resize(11), centerCrop()], train: [resize(7), centerCrop(), flip()] }
  const given = await completePreparation(larger, input, { train, ...reading })
  t.like(given, larger)
  t.notDeepEqual(given.normalization, usual.normalization)
  const normalization = { mean: [0.1, 0.2, 0.3], std: [1, 2, 3] }
  t.is((await completePreparation({ normalization }, input, { train, ...reading })).normalization, normalization)
})

test('the fingerprint of format 1 knows sizes, resizing and pixels; that of today none of them', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFiles(folder, several)
  const files = await imageFolder(folder)
  const old = (dataset: typeof files, resize: number, inMemory: boolean): Promise<string> => fingerprintV1(dataset, { shape: input, resize, inMemory }, reading)
  const prepared = await cacheInMemory(files, { input, prepare: { evaluate: [resize(7), centerCrop()] }, mode: 'evaluate' })
  t.is(await old(files, 7, true), await old(prepared, 7, true))
  const distinct = [files.fingerprint, await old(files, 7, true), await old(files, 7, false), await old(files, 8, false)]
  t.is(new Set(distinct).size, 4)
  t.not(await old(subset(files, [1, 2]), 7, false), await old(subset(files, [2, 1]), 7, false))
  t.is(await old(shuffledLabels(subset(files, [3, 1]), 5), 7, true), await old(shuffledLabels(subset(prepared, [3, 1]), 5), 7, true))
  const memory = await memoryDataset({ images: randomBytes(72 * 2, 1), labels: [0, 1], ...input, classes: 2 })
  t.is(await old(subset(memory, [1]), 7, true), subset(memory, [1]).fingerprint)
})

test('center crops of other sizes than the input are parts for the steps that follow', (t) => {
  const none = { resize: 0, ...decoded }
  const size = (height: number, width = height): { height: number; width: number } => ({ height, width })
  for (const [steps, decode] of [
    [[centerCrop(8), centerCrop()], { ...none, before: size(8) }],
    [[exifOrientation(), centerCrop(size(5, 7)), resize(8), centerCrop()], { ...none, resize: 8, before: size(5, 7), upright: true }],
    [[centerCrop(3), resize(8), centerCrop(size(5, 8)), centerCrop()], { ...none, resize: 8, before: size(3), within: size(5, 8) }],
    // What makes the input is as if it had no size.
    [[resize(8), centerCrop(size(4, 6))], { ...none, resize: 8 }],
    [[centerCrop(size(4, 6))], none],
    [[centerCrop(size(4, 6)), resize(8), centerCrop(size(4, 6))], { ...none, resize: 8, before: size(4, 6) }],
  ] as const)
    t.deepEqual(sequenceOf('x', steps, 'evaluate', input), { fixed: steps, decode, drawn: false, augmentations: [], pad: 0, flip: false }, stepsText(steps))
  const area = { crop: 'area', area: Float64Array.of(0.08, 1, 3 / 4, 4 / 3), scaled: true } as const
  for (const [steps, decode, fixed] of [
    [[resize(8), centerCrop(8), randomCrop()], { ...none, resize: 8, crop: 'random', within: size(8) }, 2],
    [[centerCrop(8), randomCrop()], { ...none, crop: 'random', before: size(8) }, 1],
    [[centerCrop(2), randomResizedCrop()], { ...none, ...area, before: size(2) }, 1],
    // Of the input's size, but what follows it makes the input.
    [[centerCrop(size(4, 6)), randomResizedCrop()], { ...none, ...area, before: size(4, 6) }, 1],
    [[centerCrop(size(4, 6)), resize(8), randomCrop()], { ...none, resize: 8, crop: 'random', before: size(4, 6) }, 2],
    [
      [centerCrop(9), randomResize({ from: 8, to: 9 }), centerCrop(8), randomCrop()],
      { ...none, resize: 8, resizeTo: 9, crop: 'random', before: size(9), within: size(8), scaled: true },
      1,
    ],
  ] as const)
    t.deepEqual(
      sequenceOf('x', steps, 'train', input),
      { fixed: steps.slice(0, fixed), decode, drawn: true, augmentations: [], pad: 0, flip: false },
      stepsText(steps),
    )
  t.like(sequenceOf('x', [resize(8), centerCrop(size(4, 6)), randomCrop({ pad: 2 }), flip()], 'train', input), { drawn: false, pad: 2, flip: true })
})

test('center crops that leave too little, or another size than the input, are refused', async (t) => {
  const refused = (steps: readonly PreparationStep[], message: RegExp): void =>
    void t.throws(() => sequenceOf('x', steps, 'train', input), { code: 'ERR_OPTION', message }, stepsText(steps))
  refused([resize(8), centerCrop(7)], /x: expected a last crop of 4 x 6 \(height x width\), the network's input, got centerCrop\(7\)/)
  refused([centerCrop(7), flip()], /expected a last crop of 4 x 6/)
  refused([resize(8), centerCrop(5), centerCrop()], /centerCrop\(5\): expected at least 4 x 6 \(height x width\)/)
  refused([centerCrop(5), randomCrop()], /centerCrop\(5\): expected at least 4 x 6/)
  refused([resize(8), centerCrop(9), randomCrop()], /centerCrop\(9\): expected a side of at most 8/)
  refused([randomResize({ from: 8, to: 12 }), centerCrop(9), randomCrop()], /centerCrop\(9\): expected a side of at most 8/)
  refused([resize({ size: 9, unlessFitting: true }), centerCrop(8), centerCrop()], /expected no resize with unlessFitting before it/)
  refused([resize(8), centerCrop(8), randomCrop({ pad: 1 })], /x: randomCrop: pad: expected 0 after a resize/)
  refused([centerCrop(8), randomCrop({ pad: 1 })], /x: randomCrop: pad: expected 0 after/)
  refused([centerCrop(9), centerCrop(8), centerCrop()], /expected one of these lists/)
  t.deepEqual(readSteps('x', JSON.parse(JSON.stringify([centerCrop(8), centerCrop({ height: 5, width: 7 })]))), [
    centerCrop(8),
    centerCrop({ height: 5, width: 7 }),
  ])
  t.is(stepsText([centerCrop(8), centerCrop({ height: 5, width: 7 })]), 'centerCrop(8), centerCrop({ height: 5, width: 7 })')
  t.deepEqual(JSON.parse(JSON.stringify(centerCrop())), { kind: 'centerCrop' })
  t.true(Object.isFrozen(centerCrop(8)))
  t.throws(() => centerCrop(0), { code: 'ERR_OPTION', message: /centerCrop: height: expected an integer from 1 to 65536, got 0/ })
  t.throws(() => centerCrop({ height: 5 }), { code: 'ERR_OPTION', message: /centerCrop: width: expected an integer/ })
  const given = await memoryDataset({ images: new Uint8Array(72), labels: Int32Array.of(0), classes: ['a'], ...input })
  t.throws(() => loader(given, { batch: 1, mode: 'evaluate', prepare: { evaluate: [centerCrop(8), centerCrop()] } }), {
    code: 'ERR_OPTION',
    message: /taken as they are/,
  })
  await loader(given, { batch: 1, mode: 'evaluate', prepare: { evaluate: [centerCrop({ height: 4, width: 6 })] } }).close()
})
