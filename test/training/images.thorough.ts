/** The case of images.test.ts that needs more files than are sampled. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { imageFolder, type CacheChoice, type Normalization } from '../../lib/data/index.js'
import { classifierHead, conv2d, network } from '../../lib/layers/index.js'
import { fit } from '../../lib/training/index.js'
import { listCheckpoints } from '../../lib/training/checkpoint.js'
import { fitTable } from '../../lib/training/fit_options.js'
import { randomBytes } from '../support/bytes.js'
import { temporaryFolder } from '../support/folder.js'
import { writeFiles } from '../support/files.js'
import { rgbPng } from '../support/png.js'
import { temporaryDirectory } from '../formats/directory.js'

const least = { learningRate: 0.1, threads: 1, device: 'cpu', precision: 'fp32' } as const
const small = network({
  input: { height: 12, width: 12, channels: 3 },
  layers: { stem: conv2d({ channels: 2, kernel: 3 }), head: classifierHead({ classes: 2 }) },
})

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
