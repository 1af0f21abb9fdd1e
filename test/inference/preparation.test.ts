/** A file is the same image to validation and to the Classifier. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { imageFolder, imageFolders, type ImageFolderOptions } from '../../lib/data/index.js'
import { SafetensorsFile, writeSafetensors } from '../../lib/formats/safetensors.js'
import { Classifier } from '../../lib/inference/index.js'
import { preResNet } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { loadModel, saveModel } from '../../lib/training/model_file.js'
import { fit } from '../../lib/training/index.js'
import { randomBytes } from '../support/bytes.js'
import { temporaryFolder } from '../support/folder.js'
import { writeFiles } from '../support/files.js'
import { rgbPng } from '../support/png.js'

const network = preResNet({ family: 'cifar', depth: 8, widths: [16, 16, 16], classes: 3, input: { height: 12, width: 12, channels: 3 } })
const place = { precision: 'fp32', threads: 1 } as const
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
const size = { height: 12, width: 12 }
const cases: readonly (readonly [string, ImageFolderOptions, readonly (readonly [number, number])[], number])[] = [
  ['files of the size, no options', {}, same, 0],
  ['files of the size, height and width', size, same, 0],
  ['files of the size, height, width and resize', { ...size, resize: 18 }, same, 18],
  ['files of several sizes, height and width', size, several, 14],
  ['files of several sizes, height, width and resize', { ...size, resize: 25 }, several, 25],
]

for (const cache of ['memory', 'files'] as const) {
  for (const [name, options, sizes, resize] of cases) {
    test(`${name}, ${cache}: the Classifier answers what evaluate predicts`, async (t) => {
      const folder = await temporaryFolder(t)
      await writeFiles(folder, files(12, sizes))
      const data = await imageFolders(folder, { ...options, cache })
      const trained = await fit(network, { train: data.train, validate: data.test, batch: 6, epochs: 2, learningRate: 0.05, augment: { pad: 1 }, ...place })
        .finished
      const [byRun, bySession] = [join(folder, 'run.safetensors'), join(folder, 'session.safetensors')]
      await trained.save(byRun)
      await using session = await compile(network, { data: data.test, batch: 5, ...place })
      await loadModel(session, byRun)
      const { predictions } = await session.evaluate(data.test)
      await saveModel(session, bySession)
      t.true(new Set(predictions).size > 1, 'more than one class is answered')
      const paths = (await imageFolder(join(folder, 'test'), { ...options, cache: 'files' })).source as { readonly paths: readonly string[] }
      for (const path of [byRun, bySession]) {
        await using file = await SafetensorsFile.open(path)
        t.is(file.metadata['resize'], String(resize))
        await using classifier = await Classifier.load(path, { ...place, top: 1 })
        const answers = await classifier.classify(await Promise.all(paths.paths.map((one) => readFile(one))))
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
  const resizes = async (options: ImageFolderOptions = size): Promise<(number | undefined)[]> => {
    const { train, test: rest } = await imageFolders(folder, options)
    return [train.source.resize, rest.source.resize]
  }
  t.deepEqual(await resizes(), [0, 0])
  await writeFiles(folder, { 'test/b/other.png': noise(12, 13, 1) })
  t.deepEqual(await resizes(), [14, 14])
  t.deepEqual(await resizes({ ...size, cache: 'files' }), [14, 14])
})

test('a model file of before, without a resize: files of the size stay, others are resized', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFiles(folder, files(3, same))
  const data = await imageFolders(folder)
  const [now, before] = [join(folder, 'now.safetensors'), join(folder, 'before.safetensors')]
  await using session = await compile(network, { data: data.test, batch: 3, ...place })
  await saveModel(session, now)
  await using file = await SafetensorsFile.open(now)
  const tensors = new Map(await Promise.all([...file.entries.keys()].map(async (name) => [name, await file.read(name)] as const)))
  const { resize, ...metadata } = file.metadata
  t.is(resize, '0')
  await writeSafetensors(before, tensors, metadata)
  const images = [noise(12, 12, 1), noise(20, 30, 2)]
  await using first = await Classifier.load(now, place)
  await using second = await Classifier.load(before, place)
  t.deepEqual(await second.classify(images), await first.classify(images))
  for (const wrong of ['11', '-1', '"12"', '12.5', '{']) {
    await writeSafetensors(before, tensors, { ...metadata, resize: wrong })
    await t.throwsAsync(Classifier.load(before, place), { code: 'ERR_FILE', message: /"resize"/ }, wrong)
  }
})
