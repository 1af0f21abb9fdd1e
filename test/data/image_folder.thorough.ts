/** The case of image_folder.test.ts that needs more files than are sampled. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { cacheInMemory, imageFolder } from '../../lib/data/index.js'
import { completePreparation } from '../../lib/data/prepare/complete.js'
import { temporaryFolder } from '../support/folder.js'
import { rgbPng } from '../support/png.js'

const reading = { workers: 2, signal: undefined }

test('a set of more images than the sample: every one that is evenly spaced counts', async (t) => {
  const folder = await temporaryFolder(t)
  const count = 4096
  const images = [rgbPng(1, 1, new Uint8Array(3).fill(100)), rgbPng(1, 1, new Uint8Array(3).fill(200))]
  await mkdir(join(folder, 'a'))
  for (let index = 0; index < count; index++) await writeFile(join(folder, 'a', `${String(index).padStart(4, '0')}.png`), images[index % 2]!)
  const dataset = await imageFolder(folder)
  const input = { height: 1, width: 1, channels: 3 }
  // Every second image of an alternating sequence: all of one color.
  const { normalization } = await completePreparation({}, input, { train: dataset, ...reading })
  t.deepEqual(normalization, { mean: new Array<number>(3).fill(100 / 255), std: [1, 1, 1] })
  const kept = await completePreparation({}, input, { train: await cacheInMemory(dataset, { input }), ...reading })
  t.true(Math.abs(kept.normalization.mean[0]! - 150 / 255) < 1e-12)
})
