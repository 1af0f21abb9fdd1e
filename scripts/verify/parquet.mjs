// Parquet files written by PyPI's datasets, in its last version and in one that can be asked for Snappy, and the same images in a folder: the same batches, to the byte.
//   node scripts/verify/parquet.mjs [FOLDER]
// FOLDER has a folder of image files for each class; without one, images are made. datasets is installed into the cache folder.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { flip, imageFolder, pack, packedDataset, parquetDataset, randomResizedCrop } from '../../dist/lib/index.js'
import { pythonWith } from '../support/python.mjs'
import { main, output, Stop } from '../support/run.mjs'
import { verdict } from './common.mjs'
import { hashOfBatches, makeImages } from './same_images.mjs'

const versions = ['5.2.0', '3.6.0']
const options = { batch: 7, seed: 3, input: { height: 24, width: 20, channels: 3 }, prepare: { train: [randomResizedCrop(), flip()], evaluate: [] } }

/** What a file gives, as it is or, where it is refused for its compression, packed; and by which of both ways. */
async function readings(path) {
  const direct = await parquetDataset(path).catch((error) => {
    if (/has compressed/.test(error.message)) return undefined
    throw error
  })
  if (direct !== undefined) return { ranges: direct }
  const decompressed = await parquetDataset(path, { decompress: true })
  await pack(decompressed, `${path}.tar`)
  return { decompressed, packed: await packedDataset(`${path}.tar`) }
}

/** Hashes by version, way and reading. */
async function versionHashes(version, list, work) {
  const python = pythonWith({ datasets: version, pillow: '12.3.0' })
  if (python === undefined) throw new Stop('expected datasets, which pip could not install, for the reason above')
  const to = join(work, version)
  mkdirSync(to)
  const env = { ...process.env, HF_HUB_OFFLINE: '1', HF_HOME: join(work, 'home') }
  const written = output(python, [join(import.meta.dirname, 'parquet_files.py'), list, to], { stdio: ['ignore', 'pipe', 'inherit'], env })
  if (written === undefined) throw new Stop('datasets could not write the files, for the reason above')
  const hashes = {}
  for (const way of JSON.parse(written))
    for (const [reading, dataset] of Object.entries(await readings(join(to, `${way}.parquet`))))
      hashes[`${version} ${way} ${reading}`] = await hashOfBatches(dataset, options, 3)
  return hashes
}

await main('parquet', async () => {
  const { positionals } = parseArgs({ allowPositionals: true })
  const work = mkdtempSync(join(tmpdir(), 'preresnet-parquet-'))
  try {
    const folder = await imageFolder(positionals[0] ?? (await makeImages(join(work, 'images'), 90)))
    const { length, labels, classes } = folder
    const list = join(work, 'list')
    const lines = Array.from({ length }, (_, index) => `${folder.source.files.at(index)}\t${labels[index]}`)
    writeFileSync(list, [JSON.stringify(classes), ...lines, ''].join('\n'))
    const expected = await hashOfBatches(folder, options, 1)
    const hashes = {}
    for (const version of versions) Object.assign(hashes, await versionHashes(version, list, work))
    const passed = Object.values(hashes).every((hash) => hash === expected) && Object.keys(hashes).some((name) => name.includes('snappy'))
    verdict({ check: 'Parquet of datasets', images: length, expected, hashes, passed })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
})
