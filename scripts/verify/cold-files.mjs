// Images that are not in the page cache: images/s of random resized crops of 224 from a folder and from a tar of the same files, and beside that of files that are; and
// how often a thread waits for an image, which other work of the machine changes little.
//   node scripts/verify/cold-files.mjs FOLDER [--other-addon FILE] [--workers 1,2] [--turns 3] [--batch 64]
// FOLDER has a folder of image files for each class, on the disk that is asked about; the tar is written beside it. With another addon both are measured in turn.
// Files leave the cache by dd's nocache, which asks the system for it (POSIX_FADV_DONTNEED).
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { run as measured } from '../../bench/driver/sides.mjs'
import { median } from '../../bench/driver/statistics.mjs'
import { flip, imageFolder, loader, randomResizedCrop, tarDataset } from '../../dist/lib/index.js'
import { main, Stop } from '../support/run.mjs'
import { filesUnder } from '../support/stamp.mjs'

/** One epoch in this process. */
async function epoch(path, workers, batch) {
  const dataset = await (path.endsWith('.tar') ? tarDataset(path) : imageFolder(path))
  const prepare = { train: [randomResizedCrop(), flip()], evaluate: [] }
  const batches = loader(dataset, { batch, input: { height: 224, width: 224, channels: 3 }, prepare, seed: 1, workers, slots: 4 })
  const start = performance.now()
  const { voluntaryContextSwitches: before } = process.resourceUsage()
  for await (const { index } of batches) if (index === batches.batches - 1) break
  const seconds = (performance.now() - start) / 1000
  const waits = process.resourceUsage().voluntaryContextSwitches - before
  await batches.close()
  console.log(JSON.stringify({ images: batches.batches * batch, seconds, waits }))
}

function forget(path) {
  const files = path.endsWith('.tar') ? [path] : filesUnder(path, '').map((name) => join(path, name))
  for (const file of files) execFileSync('dd', ['status=none', `if=${file}`, 'of=/dev/null', 'iflag=nocache', 'count=0'])
}

async function read(path, { addon, workers, batch }) {
  const words = [...(addon === undefined ? [] : [`PRERESNET_BINDING=${addon}`]), process.execPath, import.meta.filename]
  const { images, seconds, waits } = await measured(
    { command: 'env', words: [...words, '--epoch', path, '--workers', workers, '--batch', batch] },
    { limit: 600 },
  )
  return { rate: images / seconds, waits: waits / images }
}

await main('cold-files', async () => {
  const { values, positionals } = parseArgs({
    options: {
      epoch: { type: 'string' },
      'other-addon': { type: 'string' },
      workers: { type: 'string', default: '1,2' },
      turns: { type: 'string', default: '3' },
      batch: { type: 'string', default: '64' },
    },
    allowPositionals: true,
  })
  const batch = Number(values.batch)
  if (values.epoch !== undefined) return epoch(values.epoch, Number(values.workers), batch)
  if (positionals[0] === undefined) throw new Stop('expected a folder of classes, got none')
  const folder = resolve(positionals[0])
  const tar = join(dirname(folder), `${basename(folder)}.tar`)
  if (!existsSync(tar)) execFileSync('tar', ['-C', dirname(folder), '--sort=name', '-cf', tar, basename(folder)])
  const sides = { this: undefined, ...(values['other-addon'] && { other: resolve(values['other-addon']) }) }
  for (const path of [folder, tar]) {
    for (const workers of values.workers.split(',')) {
      const cold = Object.fromEntries(Object.keys(sides).map((side) => [side, []]))
      for (let turn = 0; turn < Number(values.turns); turn++) {
        for (const [side, addon] of Object.entries(sides)) {
          forget(path)
          cold[side].push(await read(path, { addon, workers, batch }))
        }
      }
      const warm = await read(path, { workers, batch })
      const middle = (all) => ({ rate: median(all.map(({ rate }) => rate)), waits: median(all.map(({ waits }) => waits)), all })
      const rates = Object.fromEntries(Object.entries(cold).map(([side, all]) => [side, middle(all)]))
      console.log(JSON.stringify({ source: path === tar ? 'tar' : 'folder', workers: Number(workers), warm, cold: rates }))
    }
  }
})
