// Shards written by PyPI's webdataset, and the same images in a folder, a tar, a packed file and given by a function: the same batches, to the byte.
//   node scripts/verify/webdataset.mjs [FOLDER]
// FOLDER has a folder of image files for each class; without one, images are made. webdataset is installed into the cache folder.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { flip, randomResizedCrop, tarDataset } from '../../dist/lib/index.js'
import { pythonWith } from '../support/python.mjs'
import { main, output, Stop } from '../support/run.mjs'
import { verdict } from './common.mjs'
import { hashOfBatches, makeImages, sameImages } from './same_images.mjs'

const versions = { webdataset: '1.0.2' }
const options = { batch: 7, seed: 3, input: { height: 24, width: 20, channels: 3 }, prepare: { train: [randomResizedCrop(), flip()], evaluate: [] } }

await main('webdataset', async () => {
  const { positionals } = parseArgs({ allowPositionals: true })
  const python = pythonWith(versions)
  if (python === undefined) throw new Stop('expected webdataset, which pip could not install, for the reason above')
  const work = mkdtempSync(join(tmpdir(), 'preresnet-webdataset-'))
  try {
    const { files, ...sources } = await sameImages(positionals[0] ?? (await makeImages(join(work, 'images'), 15)), work)
    const { labels, classes } = sources.folder
    const list = join(work, 'list')
    writeFileSync(list, files.map((path, index) => `${String(index).padStart(6, '0')}\t${path}\t${labels[index]}\n`).join(''))
    const version = output(python, [join(import.meta.dirname, 'webdataset_shards.py'), list, work], { stdio: ['ignore', 'pipe', 'inherit'] })?.trim()
    if (version === undefined) throw new Stop('webdataset could not write the shards, for the reason above')
    const last = String(Math.ceil(files.length / 10) - 1).padStart(6, '0')
    sources.webdataset = await tarDataset(join(work, `train-{000000..${last}}.tar`), { classes })
    const hashes = {}
    for (const [name, dataset] of Object.entries(sources)) hashes[name] = [await hashOfBatches(dataset, options, 1), await hashOfBatches(dataset, options, 7)]
    const same = new Set(Object.values(hashes).flat()).size === 1
    verdict({ check: 'webdataset', version, images: files.length, hashes, passed: same })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
})
