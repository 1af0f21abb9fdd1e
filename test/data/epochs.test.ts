/** Ten epochs of each kind of source leave as much memory and as many open files as two: scripts/verify/loader.mjs does the same at length. */
import test from 'ava'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { customDataset, flip, imageFolder, loader, pack, packedDataset, randomCrop, type Dataset, type RangeSource } from '../../lib/data/index.js'
import { tarDataset } from '../../lib/data/tar.js'
import { randomBytes } from '../support/bytes.js'
import { writeFiles } from '../support/files.js'
import { temporaryFolder } from '../support/folder.js'
import { rgbPng } from '../support/png.js'

const count = 40
const side = 40
const epochs = 10
const workers = 2
/** What the allocator may keep in other places than before. */
const mostGrowth = 4 * 2 ** 20

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

async function sources(folder: string): Promise<Record<string, Dataset>> {
  const images = join(folder, 'images')
  const image = (index: number): [string, Buffer] => [
    `${index % 2 === 0 ? 'cat' : 'dog'}/${index}.png`,
    rgbPng(side, side, randomBytes(3 * side * side, index)),
  ]
  await writeFiles(images, Object.fromEntries(Array.from({ length: count }, (_, index) => image(index))))
  execFileSync('tar', ['-cf', join(folder, 'images.tar'), '-C', images, 'cat', 'dog'])
  const asFolder = await imageFolder(images)
  await pack(asFolder, join(folder, 'packed.tar'))
  const { files } = asFolder.source as RangeSource
  return {
    folder: asFolder,
    tar: await tarDataset(join(folder, 'images.tar')),
    packed: await packedDataset(join(folder, 'packed.tar')),
    custom: customDataset({ length: count, labels: asFolder.labels, read: (index) => readFile(files.at(index)!) }),
  }
}

test.serial('ten epochs of each kind of source: memory and open files stay as they are', async (t) => {
  const datasets = await sources(await temporaryFolder(t))
  for (const [name, dataset] of Object.entries(datasets)) {
    const prepare = { train: [randomCrop({ pad: 2 }), flip()] }
    await using batches = loader(dataset, { batch: 10, input: { height: side, width: side, channels: 3 }, prepare, workers })
    const measured: { resident: number; open: number }[] = []
    for await (const { index } of batches) {
      if ((index + 1) % batches.batches !== 0) continue
      collectGarbage()
      measured.push({ resident: process.memoryUsage.rss(), open: readdirSync('/proc/self/fd').length })
      if (measured.length === epochs) break
    }
    const [, second] = measured
    const last = measured.at(-1)!
    t.true(last.resident - second!.resident < mostGrowth, `${name}: ${measured.map(({ resident }) => resident).join(' ')}`)
    // Files that are just being read are open too, so that the least of several epochs counts.
    const leastOpen = (from: number): number => Math.min(...measured.slice(from, from + epochs / 2).map(({ open }) => open))
    t.true(leastOpen(epochs / 2) <= leastOpen(0) + workers, `${name}: ${measured.map(({ open }) => open).join(' ')}`)
  }
})
