/** Runs with mixed images, class weights and repeated images: checkpoints, and what a resumed run must have. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { flip, randomCrop, randomErasing } from '../../lib/data/index.js'
import { readSafetensors } from '../../lib/formats/safetensors.js'
import { listCheckpoints } from '../../lib/training/checkpoint.js'
import { fit } from '../../lib/training/fit.js'
import type { FitSettings } from '../../lib/training/fit_options.js'
import { temporaryDirectory } from '../formats/directory.js'
import { someDigits, tiny } from './tiny.js'

const classWeights = Array.from({ length: 10 }, (_, k) => 1 + k / 4)
const mixing = { mixup: 0.2, cutmix: 1, repeatedAugmentation: 2, classWeights, labelSmoothing: 0.1 } as const

async function run(directory: string, steps: number, more: Partial<FitSettings> = {}): Promise<void> {
  const { train } = await someDigits()
  await fit(tiny({ dropout: 0.2 }), {
    ...{ train, batch: 16, steps, seed: 5, threads: 1, precision: 'fp32', learningRate: 0.1, ...mixing },
    prepare: { train: [randomErasing(), randomCrop({ pad: 2 }), flip()] },
    checkpoint: { directory, resume: true, every: 100 },
    ...more,
  } as const).finished
}

async function newest(directory: string): Promise<unknown> {
  const { path } = (await listCheckpoints(directory)).at(-1)!
  return Promise.all(['model', 'optimizer'].map(async (file) => (await readSafetensors(join(path, `${file}.safetensors`))).tensors))
}

test('a run that was ended twice goes on to the same bits, also with groups that are accumulated', async (t) => {
  const [whole, directory] = [await temporaryDirectory(t), await temporaryDirectory(t)]
  // Across an epoch: 24 steps.
  await run(whole, 30, { statisticsGroups: 4 })
  await run(directory, 7, { statisticsGroups: 4 })
  await run(directory, 25, { accumulate: 4 })
  await run(directory, 30, { statisticsGroups: 2, accumulate: 2, workers: 3 })
  t.deepEqual(await newest(directory), await newest(whole))
})

test('what mixes, weighs and repeats is of the recipe: a run goes on with the same alone', async (t) => {
  const directory = await temporaryDirectory(t)
  await run(directory, 2)
  const { recipe } = JSON.parse(await readFile(join((await listCheckpoints(directory)).at(-1)!.path, 'state.json'), 'utf8')) as { recipe: object }
  t.like(recipe, { mixup: 0.2, cutmix: 1, repeatedAugmentation: 2, classWeights })
  for (const [more, message] of [
    [{ mixup: 0.3 }, /mixup: 0\.2 before, 0\.3 now/],
    [{ cutmix: 0 }, /cutmix: 1 before, 0 now/],
    [{ repeatedAugmentation: 1 }, /repeatedAugmentation: 2 before, 1 now/],
    [{ classWeights: [] }, /classWeights/],
  ] as const)
    await t.throwsAsync(run(directory, 4, more), { code: 'ERR_CHECKPOINT', message })
})

test('refused before anything starts: groups of one image, which have no partner', async (t) => {
  const { train } = await someDigits()
  const options = { train, batch: 8, steps: 1, learningRate: 0.1, statisticsGroups: 8, cutmix: 1 }
  t.throws(() => fit(tiny(), options), {
    code: 'ERR_OPTION',
    message: /fit: cutmix: expected 0 with groups of statistics of one image \(batch 8, 8 groups\), got 1/,
  })
})
