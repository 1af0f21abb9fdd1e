/** A file is the same image to validation and to the Classifier. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { centerCrop, imageFolderSplits, randomCrop, resize, type Preparation, type PreparationStep, type RangeSource } from '../../lib/data/index.js'
import { usualSteps } from '../../lib/data/prepare/complete.js'
import { SafetensorsFile, writeSafetensors } from '../../lib/formats/safetensors.js'
import { Classifier } from '../../lib/inference/index.js'
import { preResNet } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { fit } from '../../lib/training/index.js'
import { randomBytes } from '../support/bytes.js'
import { temporaryFolder } from '../support/folder.js'
import { writeFiles } from '../support/files.js'
import { rgbPng } from '../support/png.js'

const network = preResNet({ family: 'cifar', depth: 8, widths: [16, 16, 16], classes: 3, input: { height: 12, width: 12, channels: 3 } })
const chosen = { precision: 'fp32', threads: 1 } as const
/** Noise, so that one pixel more or less of a crop decides. */
const noise = (height: number, width: number, seed: number): Buffer => rgbPng(width, height, randomBytes(height * width * 3, seed))

/** Per split and class `count` files of these sizes, one after the other. */
function files(count: number, sizes: readonly (readonly [number, number])[]): Record<string, Buffer> {
  const entries = ['train', 'test'].flatMap((split, half) =>
    ['a', 'b', 'c'].flatMap((name, label) =>
      Array.from({ length: count }, (_, index) => {
        const [height, width] = sizes[index % sizes.length]!
        return [`${split}/${name}/${String(index).padStart(2, '0')}.png`, noise(height, width, half * 1000 + label * 100 + index)] as const
      }),
    ),
  )
  return Object.fromEntries(entries)
}

const same = [[12, 12]] as const
const several = [
  [12, 12],
  [20, 17],
  [13, 40],
] as const
const cases: readonly (readonly [string, Preparation, readonly (readonly [number, number])[], readonly PreparationStep[]])[] = [
  ['files of the size, nothing said', {}, same, []],
  ['files of the size, no steps', { evaluate: [] }, same, []],
  ['files of the size, resized', { evaluate: [resize(18), centerCrop()] }, same, [resize(18), centerCrop()]],
  ['files of several sizes, nothing said', {}, several, [resize(14), centerCrop()]],
  ['files of several sizes, resized', { evaluate: [resize(25), centerCrop()] }, several, [resize(25), centerCrop()]],
  ['files of several sizes, cropped alone', { evaluate: [centerCrop()] }, several, [centerCrop()]],
  [
    'files of several sizes, resized unless they fit',
    { evaluate: [resize({ unlessFitting: true }), centerCrop()] },
    several,
    [resize({ unlessFitting: true }), centerCrop()],
  ],
]

for (const cache of ['memory', 'files'] as const) {
  for (const [name, given, sizes, evaluate] of cases) {
    test(`${name}, ${cache}: the Classifier answers what evaluate predicts`, async (t) => {
      const folder = await temporaryFolder(t)
      await writeFiles(folder, files(12, sizes))
      const data = await imageFolderSplits(folder)
      const prepare = { ...given, train: [...evaluate, randomCrop({ pad: 1 })] }
      const trained = await fit(network, { train: data.train, validate: data.test, batch: 6, epochs: 2, learningRate: 0.05, prepare, cache, ...chosen })
        .finished
      const [byRun, bySession] = [join(folder, 'run.safetensors'), join(folder, 'session.safetensors')]
      await trained.save(byRun)
      await using session = await compile(network, { data: data.test, prepare: trained.description.prepare!, batch: 5, ...chosen })
      await session.load(byRun)
      const { predictions } = await session.evaluate(data.test)
      await session.save(bySession)
      t.true(new Set(predictions).size > 1, 'more than one class is answered')
      t.deepEqual(predictions, trained.validation!.predictions)
      const { files: paths } = data.test.source as RangeSource
      for (const path of [byRun, bySession]) {
        await using file = await SafetensorsFile.open(path)
        t.deepEqual(JSON.parse(file.metadata['prepare']!), { evaluate, normalization: trained.description.prepare!.normalization })
        await using classifier = await Classifier.load(path, { ...chosen, top: 1 })
        const answers = await classifier.classify(await Promise.all(Array.from({ length: paths.length }, (_, index) => readFile(paths.at(index)!))))
        t.deepEqual(
          answers.map(([best]) => best!.index),
          [...predictions],
        )
      }
    })
  }
}

test('one file of another size, in either folder, and all of both are resized', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFiles(folder, files(2, same))
  const steps = async (): Promise<readonly PreparationStep[]> => {
    const { train, test: rest } = await imageFolderSplits(folder)
    return usualSteps([train, rest], network.input)
  }
  t.deepEqual(await steps(), [])
  await writeFiles(folder, { 'test/b/other.png': noise(12, 13, 1) })
  t.deepEqual(await steps(), [resize(14), centerCrop()])
})

test('a model file of before, without a resize: files of the size stay, others are resized', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFiles(folder, files(3, same))
  const data = await imageFolderSplits(folder)
  const [now, before] = [join(folder, 'now.safetensors'), join(folder, 'before.safetensors')]
  await using session = await compile(network, { data: data.test, prepare: {}, batch: 3, ...chosen })
  await session.save(now)
  await using file = await SafetensorsFile.open(now)
  const tensors = new Map(await Promise.all([...file.entries.keys()].map(async (name) => [name, await file.read(name)] as const)))
  const { prepare, ...metadata } = file.metadata
  const { evaluate, normalization } = JSON.parse(prepare!) as Required<Preparation>
  t.deepEqual(evaluate, [])
  const earlier = { ...metadata, normalisation: JSON.stringify({ mean: normalization.mean, deviation: normalization.std }) }
  await writeSafetensors(before, tensors, earlier)
  const images = [noise(12, 12, 1), noise(20, 30, 2)]
  await using first = await Classifier.load(now, chosen)
  await using second = await Classifier.load(before, chosen)
  t.deepEqual(second.prepare, { evaluate: [resize({ unlessFitting: true }), centerCrop()], normalization })
  t.deepEqual(first.prepare, second.prepare)
  t.deepEqual(await second.classify(images), await first.classify(images))
  await writeSafetensors(before, tensors, { ...earlier, resize: '0' })
  await using third = await Classifier.load(before, chosen)
  t.deepEqual(third.prepare, first.prepare)
  await writeSafetensors(before, tensors, { ...earlier, resize: '20' })
  await using fourth = await Classifier.load(before, chosen)
  t.deepEqual(fourth.prepare.evaluate, [resize(20), centerCrop()])
  t.notDeepEqual(await fourth.classify(images), await first.classify(images))
  for (const wrong of ['11', '-1', '"12"', '12.5', '{']) {
    await writeSafetensors(before, tensors, { ...earlier, resize: wrong })
    await t.throwsAsync(Classifier.load(before, chosen), { code: 'ERR_FILE', message: /"resize"/ }, wrong)
  }
})

test('a classifier takes another preparation than the file has', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFiles(folder, files(3, same))
  const path = join(folder, 'model.safetensors')
  await using session = await compile(network, { data: (await imageFolderSplits(folder)).test, prepare: {}, batch: 3, ...chosen })
  await session.save(path)
  const images = [noise(20, 30, 2)]
  const answer = async (prepare: Preparation) => {
    await using classifier = await Classifier.load(path, { ...chosen, prepare })
    return await classifier.classify(images)
  }
  const expected = await answer({})
  t.deepEqual(await answer({ evaluate: [resize(14), centerCrop()] }), expected)
  t.notDeepEqual(await answer({ evaluate: [resize(18), centerCrop()] }), expected)
  t.notDeepEqual(await answer({ normalization: { mean: [0, 0, 0], std: [1, 1, 1] } }), expected)
  const error = await t.throwsAsync(answer({ evaluate: [] }), { code: 'ERR_IMAGE' })
  t.regex(error.message, /expected an image of 12 x 12, got 20 x 30/)
  await t.throwsAsync(answer({ evaluate: [randomCrop({ pad: 1 })] }), { code: 'ERR_OPTION', message: /no random step/ })
})
