/** The images of a run: steps that cannot be done are refused before anything is trained, with what to do. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { centerCrop, flip, imageFolder, randomCrop, resize, type CacheChoice, type Normalization } from '../../lib/data/index.js'
import { classifierHead, conv2d, network } from '../../lib/layers/index.js'
import { fit, type FitSettings } from '../../lib/training/index.js'
import { listCheckpoints } from '../../lib/training/checkpoint.js'
import { fitTable } from '../../lib/training/fit_options.js'
import { randomBytes } from '../support/bytes.js'
import { temporaryFolder } from '../support/folder.js'
import { writeFiles } from '../support/files.js'
import { rgbPng } from '../support/png.js'
import { temporaryDirectory } from '../formats/directory.js'
import { someDigits, tiny } from './tiny.js'

const least = { learningRate: 0.1, steps: 1, threads: 1, device: 'cpu', precision: 'fp32' } as const
const fixed = [resize(64), centerCrop()]

for (const [name, prepare, at] of [
  ['of training', { train: fixed, evaluate: [] }, 'train'],
  ['of evaluation', { train: [], evaluate: fixed }, 'train'],
  ['of both', { train: fixed, evaluate: fixed }, 'train'],
] as const) {
  test(`steps ${name} that would resize images in memory are refused, not recorded`, async (t) => {
    const { train } = await someDigits()
    const message = new RegExp(`^fit: ${at}: train: images that are given in memory are taken as they are: .*got resize\\(64\\), centerCrop\\(\\)$`)
    await t.throwsAsync(fit(tiny(), { ...least, train, prepare, batch: 8 }).finished, { code: 'ERR_OPTION', message })
  })
}

test('images in memory to validate on are not resized either; unless they fit, they can stay beside files', async (t) => {
  const { test: validate } = await someDigits()
  const folder = await temporaryFolder(t)
  const picture = (index: number): Buffer => rgbPng(40, 33 + index, randomBytes(40 * (33 + index) * 3, index))
  await writeFiles(folder, Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`${index}/${index}.png`, picture(index)])))
  const train = await imageFolder(folder)
  const run = (evaluate: FitSettings['prepare']) => fit(tiny(), { ...least, train, validate, batch: 4, ...(evaluate && { prepare: evaluate }) }).finished
  await t.throwsAsync(run({ evaluate: fixed }), { code: 'ERR_OPTION', message: /^fit: validate: test: images that are given in memory are taken as they are/ })
  for (const prepare of [undefined, { evaluate: [resize({ unlessFitting: true }), centerCrop()] }])
    t.deepEqual((await run(prepare)).description.prepare?.evaluate, [resize({ unlessFitting: true }), centerCrop()])
})

const small = network({
  input: { height: 12, width: 12, channels: 3 },
  layers: { stem: conv2d({ channels: 2, kernel: 3 }), head: classifierHead({ classes: 2 }) },
})

for (const cache of ['auto', 'memory', 'files'] as const) {
  test(`photographs of several sizes without a resize before random steps, ${cache}: the error says what to do`, async (t) => {
    const folder = await temporaryFolder(t)
    const picture = (height: number, width: number): Buffer => rgbPng(width, height, randomBytes(height * width * 3, height))
    await writeFiles(folder, { 'a/0.png': picture(12, 12), 'a/1.png': picture(16, 20), 'b/0.png': picture(12, 12), 'b/1.png': picture(12, 12) })
    const random = [randomCrop({ pad: 4 }), flip()]
    const prepare = { train: random, evaluate: [resize(14), centerCrop()] }
    const settings = { ...least, train: await imageFolder(folder), batch: 2, cache }
    const error = await t.throwsAsync(fit(small, { ...settings, prepare }).finished, { code: 'ERR_OPTION' })
    t.regex(error.message, /only images of a single size can .*, and before the first random step \(no steps\) these have several/)
    t.regex(error.message, /expected 12 x 12, the network's input, got 16 x 20 \(height x width\) of .*a\/1\.png; put resize\(n\), centerCrop\(\) in front/)
    const trained = await fit(small, { ...settings, prepare: { ...prepare, train: [...prepare.evaluate, ...random] } }).finished
    t.is(trained.step, 1)
  })
}

test('of more than 2,048 files the cache decides over how many normalization is measured; the refusal and the help say so', async (t) => {
  const folder = await temporaryFolder(t)
  const pictures = [0, 1, 2].map((seed) => rgbPng(12, 12, randomBytes(432, seed)))
  await writeFiles(folder, Object.fromEntries(Array.from({ length: 2060 }, (_, index) => [`${index % 2}/${index}.png`, pictures[index % 3]!])))
  const directory = await temporaryDirectory(t)
  const train = await imageFolder(folder)
  const run = (cache: CacheChoice, steps: number, normalization?: Normalization) =>
    fit(small, { ...least, train, batch: 2, steps, cache, checkpoint: { directory, resume: true }, ...(normalization && { prepare: { normalization } }) })
      .finished
  const { normalization } = (await run('auto', 1)).description.prepare!
  const error = await t.throwsAsync(run('files', 2), { code: 'ERR_CHECKPOINT' })
  t.regex(error.message, /prepare\.normalization: .* before, .* now \(measured over all images where they were kept in memory .*2,048.* `cache` as before/)
  t.regex(fitTable.cache.help, /2,048/)
  t.is((await run('memory', 2)).step, 2)
  t.is((await run('files', 3, normalization)).step, 3)
  const state = JSON.parse(await readFile(join((await listCheckpoints(directory)).at(-1)!.path, 'state.json'), 'utf8')) as { recipe: object }
  t.like(state.recipe, { prepare: { normalization } })
})
