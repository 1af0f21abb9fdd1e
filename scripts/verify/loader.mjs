// Loaders flat out: memory and open files over ten epochs of each kind of source, the event loop's delay meanwhile, the shuffle of 1.28 million samples.
//   node --expose-gc scripts/verify/loader.mjs [--epochs 10] [--images 333]     images of each of three classes
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { flip, loader, memoryDataset, randomCrop, resize } from '../../dist/lib/index.js'
import { main } from '../support/run.mjs'
import { resident, verdict } from './common.mjs'
import { makeImages, sameImages } from './same_images.mjs'

const input = { height: 32, width: 32, channels: 3 }
const options = { batch: 50, input, prepare: { train: [resize(36), randomCrop(), flip()], evaluate: [] }, workers: 2 }
/** What memory may grow by after the second epoch, as the allocator keeps it. */
const mostGrowth = 8 * 2 ** 20

/** Memory and open files at the end of each epoch, from the second on, when everything has been touched. Each worker may have a file open just then. */
async function overEpochs(dataset, count) {
  const batches = loader(dataset, options)
  const epochs = []
  for await (const { index } of batches) {
    if ((index + 1) % batches.batches !== 0) continue
    globalThis.gc()
    epochs.push({ resident: resident(), open: readdirSync('/proc/self/fd').length })
    if (epochs.length === count) break
  }
  await batches.close()
  const [, second] = epochs
  const last = epochs.at(-1)
  const growth = last.resident - second.resident
  return { epochs, growth, passed: growth < mostGrowth && last.open <= second.open + options.workers }
}

/** In milliseconds, the 99th of a hundred. By itself, for a collection that is asked for holds the loop too; best of three, so that a busy neighbor does not decide. */
async function delayOfLoop(dataset) {
  const batches = loader(dataset, options)
  const delays = []
  for (let attempt = 0; attempt < 3; attempt++) {
    const delay = monitorEventLoopDelay({ resolution: 1 })
    const end = performance.now() + 3000
    delay.enable()
    for await (const { released } of batches) if (released || performance.now() > end) break
    delay.disable()
    delays.push(delay.percentile(99) / 1e6)
  }
  await batches.close()
  return { delays, p99: Math.min(...delays) }
}

async function secondsOfShuffle() {
  const many = await memoryDataset({ images: new Uint8Array(1_280_000), labels: new Int32Array(1_280_000), height: 1, width: 1, channels: 1, classes: 1 })
  const batches = loader(many, { batch: 256, seed: 1 })
  await batches.next(0)
  const start = performance.now()
  await batches.next(batches.batches * 3) // the first of another epoch
  const seconds = (performance.now() - start) / 1000
  await batches.close()
  return seconds
}

await main('loader', async () => {
  const { values } = parseArgs({ options: { epochs: { type: 'string', default: '10' }, images: { type: 'string', default: '333' } } })
  const folder = mkdtempSync(join(tmpdir(), 'preresnet-loader-'))
  try {
    const { files, ...sources } = await sameImages(await makeImages(join(folder, 'images'), Number(values.images)), folder)
    const epochs = {}
    const delays = {}
    for (const [name, dataset] of Object.entries(sources)) {
      epochs[name] = await overEpochs(dataset, Number(values.epochs))
      delays[name] = await delayOfLoop(dataset)
    }
    const shuffleSeconds = await secondsOfShuffle()
    const passed = Object.values(epochs).every((each) => each.passed) && Object.values(delays).every(({ p99 }) => p99 < 10) && shuffleSeconds < 1
    verdict({ check: 'loader', images: files.length, delays, shuffleSeconds, epochs, passed })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
