/** The images of a run: steps that cannot be done are refused before anything is trained, with what to do. */
import test from 'ava'
import { centerCrop, flip, imageFolder, randomCrop, resize } from '../../lib/data/index.js'
import { classifierHead, conv2d, network } from '../../lib/layers/index.js'
import { fit, type FitSettings } from '../../lib/training/index.js'
import { randomBytes } from '../support/bytes.js'
import { temporaryFolder } from '../support/folder.js'
import { writeFiles } from '../support/files.js'
import { rgbPng } from '../support/png.js'
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
