// 1,280,000 images in 1,000 folders, and in one tar: how long a first and a second opening take, how much memory they leave, and what an epoch's shuffle takes.
// The folders hold hard links to one file each, so that no space is needed; the tar takes 1.3 GB. node scripts/verify/large-data.mjs [--classes N]
import { execFileSync } from 'node:child_process'
import { closeSync, linkSync, mkdirSync, mkdtempSync, openSync, rmSync, utimesSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { encodePng } from '../../dist/lib/cli/pictures/png.js'
import { endOfTar, paddingOf, tarHeader } from '../../dist/lib/data/tar_header.js'
import { imageFolder, loader, tarDataset } from '../../dist/lib/index.js'
import { resident, verdict } from './common.mjs'

const perClass = 1280
const { values } = parseArgs({ options: { classes: { type: 'string', default: '1000' }, open: { type: 'string' }, path: { type: 'string' } } })
const names = Array.from({ length: Number(values.classes) }, (_, index) => `n${String(index).padStart(8, '0')}`)
const nameOf = (label, index) => `${names[label]}/${names[label]}_${index}.png`

/** In a process of its own: what it holds is what the opening left. */
async function open(kind, path) {
  const start = performance.now()
  const dataset = await { folder: imageFolder, tar: tarDataset }[kind](path)
  const opened = performance.now()
  globalThis.gc?.()
  const afterOpening = resident()
  const batches = loader(dataset, { batch: 256, input: { height: 8, width: 8, channels: 3 }, workers: 1, slots: 2 })
  await batches.next(0)
  const first = performance.now()
  // The batch of another epoch: its order is drawn anew, and 256 images are read.
  await batches.next(5 * batches.batches)
  const shuffled = performance.now()
  const result = {
    seconds: (opened - start) / 1000,
    firstBatchSeconds: (first - opened) / 1000,
    shuffleSeconds: (shuffled - first) / 1000,
    afterOpening,
    withLoader: resident(),
    samples: dataset.length,
  }
  await batches.close()
  console.log(JSON.stringify(result))
}

function make(folder) {
  const [photos, tar] = [join(folder, 'photos'), join(folder, 'photos.tar')]
  mkdirSync(photos)
  const file = openSync(tar, 'w')
  for (const label of names.keys()) {
    const image = encodePng({ height: 8, width: 8, channels: 3, values: new Uint8Array(192).fill(label) })
    mkdirSync(join(photos, names[label]))
    writeFileSync(join(photos, nameOf(label, 0)), image)
    const parts = []
    for (let index = 0; index < perClass; index++) {
      if (index > 0) linkSync(join(photos, nameOf(label, 0)), join(photos, nameOf(label, index)))
      parts.push(tarHeader(nameOf(label, index), image.length), image, paddingOf(image.length))
    }
    writeSync(file, Buffer.concat(parts))
    // Folders that were changed a moment ago are not remembered.
    utimesSync(join(photos, names[label]), 1.7e9, 1.7e9)
  }
  writeSync(file, endOfTar)
  closeSync(file)
  utimesSync(photos, 1.7e9, 1.7e9)
  return { folder: photos, tar }
}

if (values.open !== undefined) await open(values.open, values.path)
else {
  const folder = mkdtempSync(join(tmpdir(), 'preresnet-large-'))
  try {
    const paths = make(folder)
    const env = { ...process.env, PRERESNET_CACHE: join(folder, 'cache') }
    const openings = {}
    for (const [kind, path] of Object.entries(paths)) {
      const words = ['--expose-gc', import.meta.filename, '--classes', values.classes, '--open', kind, '--path', path]
      const [first, second] = [1, 2].map(() => JSON.parse(execFileSync(process.execPath, words, { env, encoding: 'utf8' })))
      openings[kind] = { first, second }
      console.log(JSON.stringify({ [kind]: { first, second } }))
    }
    const passed = Object.values(openings).every(
      ({ second: { seconds, afterOpening, withLoader, shuffleSeconds } }) => seconds <= 5 && Math.max(afterOpening, withLoader) <= 3e8 && shuffleSeconds < 1,
    )
    verdict({ check: 'large data', ...openings, passed })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
