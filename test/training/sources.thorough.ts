/** The same images from each kind of source: runs and sessions, to the bit. */
import test from 'ava'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  centerCrop,
  customDataset,
  flip,
  imageFolder,
  loader,
  pack,
  packedDataset,
  randomCrop,
  resize,
  type Dataset,
  type RangeSource,
} from '../../lib/data/index.js'
import { tarDataset } from '../../lib/data/tar.js'
import { classifierHead, conv2d, network } from '../../lib/layers/index.js'
import { fit } from '../../lib/training/index.js'
import { randomBytes } from '../support/bytes.js'
import { writeFiles } from '../support/files.js'
import { temporaryFolder } from '../support/folder.js'
import { rgbPng } from '../support/png.js'
import { allValues, open } from '../support/session.js'

const least = { learningRate: 0.1, threads: 1, device: 'cpu', precision: 'fp32' } as const

const small = network({
  input: { height: 12, width: 12, channels: 3 },
  layers: { stem: conv2d({ channels: 2, kernel: 3 }), head: classifierHead({ classes: 2 }) },
})

/** The same 18 images from each kind of source: files, ranges of a tar with an index and without, and a function. */
async function sourcesIn(folder: string): Promise<Record<'folder' | 'packed' | 'tar' | 'custom', Dataset>> {
  const picture = (index: number): Buffer => rgbPng(14, 13, randomBytes(14 * 13 * 3, index))
  const names = Array.from({ length: 18 }, (_, index) => `${index < 9 ? 'a' : 'b'}/${String(index).padStart(2, '0')}.png`)
  await writeFiles(join(folder, 'images'), Object.fromEntries(names.map((name, index) => [name, picture(index)])))
  const files = await imageFolder(join(folder, 'images'))
  const path = join(folder, 'images.tar')
  await pack(files, path)
  const read = (index: number): Promise<Buffer> => readFile((files.source as RangeSource).files.at(index)!)
  const custom = customDataset({ length: 18, labels: files.labels, classes: files.classes, read })
  return { folder: files, packed: await packedDataset(path), tar: await tarDataset(path), custom }
}

const random = [resize(12), centerCrop(), randomCrop({ pad: 2 }), flip()]
const prepared = { train: random, evaluate: [resize(12), centerCrop()], normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } }

test('a run on a packed, a tar and a custom source, stopped twice in an epoch, ends in the bits of one on the folder', async (t) => {
  const folder = await temporaryFolder(t)
  const sources = await sourcesIn(folder)
  const options = { ...least, batch: 2, seed: 5, prepare: prepared, cache: 'files' } as const
  const straight = await fit(small, { ...options, train: sources.folder, validate: sources.folder, steps: 11 }).finished
  for (const [name, train] of Object.entries(sources)) {
    const checkpoint = { directory: join(folder, 'runs', name), every: 1, resume: true }
    // An epoch is 9 steps.
    for (const [steps, workers] of [
      [3, 1],
      [5, 7],
    ] as const)
      await fit(small, { ...options, train, validate: train, steps, workers, checkpoint }).finished
    const resumed = await fit(small, { ...options, train, validate: train, steps: 11, workers: 2, checkpoint }).finished
    t.deepEqual([...resumed.tensors], [...straight.tensors], name)
    t.deepEqual(resumed.validation!.predictions, straight.validation!.predictions, name)
    t.is(resumed.validation!.loss, straight.validation!.loss, name)
  }
})

test('a session on a packed, a tar and a custom source makes the steps and the answers of one on the folder', async (t) => {
  const sources = await sourcesIn(await temporaryFolder(t))
  const results: unknown[] = []
  for (const data of Object.values(sources)) {
    await using batches = loader(data, { batch: 2, input: small.input, prepare: prepared, seed: 5, firstSample: 7, workers: 2 })
    const session = await open(t, { data: batches, prepare: prepared, device: 'cpu', precision: 'fp32' }, small)
    const { losses } = await session.steps(10, { learningRate: 0.1 })
    const { predictions, loss } = await session.evaluate(data)
    results.push({ losses, predictions, loss, values: await allValues(session) })
  }
  for (const result of results.slice(1)) t.deepEqual(result, results[0])
})
