// A network trained from JPEG files, in turn with the same pixels lying in memory. Decoding takes processor time, and training uses all of it, so what can be
// reached is the rate from memory less that time: at least 97 % of it must be.
//   training-from-jpeg.mjs FOLDER [--network preresnet-50] [--batch 16] [--steps 4] [--turns 3] [--decode scaled]
// FOLDER holds JPEG files, at any depth. The share of time that training waited for data is in the result.
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { presetPreparation } from '../../dist/lib/exchange/preparation.js'
import { compile, flip, loader, memoryDataset, preResNet, randomResizedCrop, sgd } from '../../dist/lib/index.js'
import { loadBinding } from '../../dist/lib/native/load.js'
import { median } from '../../bench/driver/statistics.mjs'
import { main } from '../support/run.mjs'
import { datasetOfFiles, photographs, verdict } from './common.mjs'

const least = 0.97
const { normalization } = presetPreparation('torchvision-v1')
const classes = Array.from({ length: 1000 }, (_, index) => `class ${index}`)

/** A loader of the files, one of their pixels in memory, and the seconds of processor time that decoding a file takes. */
async function sources(files, { batch, input, decode }) {
  const dataset = await datasetOfFiles(files, classes)
  const prepare = { train: [randomResizedCrop({ decode }), flip()], evaluate: [], normalization }
  const shared = { batch, input, seed: 1 }
  const fromFiles = () => loader(dataset, { ...shared, prepare })
  const decoded = []
  // Two rounds, of which the first one reads the files into the page cache, too.
  const wanted = 2 * Math.floor(files.length / batch)
  let before
  for await (const { images, index } of fromFiles()) {
    if (index >= wanted / 2) decoded.push(images.slice())
    if (index === wanted / 2 - 1) before = process.cpuUsage()
    if (index === wanted - 1) break
  }
  const { user, system } = process.cpuUsage(before)
  const images = Buffer.concat(decoded)
  const { height, width, channels } = input
  const memory = await memoryDataset({ images, labels: dataset.labels.subarray(0, decoded.length * batch), height, width, channels, classes })
  const seconds = (user + system) / 1e6 / (decoded.length * batch)
  return { seconds, files: fromFiles(), memory: loader(memory, { ...shared, prepare: { train: [flip()], evaluate: [], normalization } }) }
}

await main('training-from-jpeg', async () => {
  const { values, positionals } = parseArgs({
    options: {
      network: { type: 'string', default: 'preresnet-50' },
      batch: { type: 'string', default: '16' },
      steps: { type: 'string', default: '4' },
      turns: { type: 'string', default: '3' },
      decode: { type: 'string', default: 'scaled' },
    },
    allowPositionals: true,
  })
  const [batch, steps, turns] = [values.batch, values.steps, values.turns].map(Number)
  const network = preResNet(values.network)
  const { seconds, files, memory } = await sources(photographs(positionals[0]), { batch, input: network.input, decode: values.decode })
  const session = await compile(network, { data: files, batch, seed: 1, optimizer: sgd(), evaluation: false })
  const run = (from) => session.steps(steps, { learningRate: 0.001, loader: from })
  for (const from of [memory, files]) await run(from)
  const threads = Number(loadBinding().system['allowedThreads'])
  const results = []
  for (let turn = 0; turn < turns; turn++) {
    const [inMemory, fromFiles] = [await run(memory), await run(files)]
    const rate = (metrics) => metrics.samples / metrics.seconds
    const reachable = 1 / (1 / rate(inMemory) + seconds / threads)
    results.push({ memory: rate(inMemory), files: rate(fromFiles), ratio: rate(fromFiles) / reachable, waiting: fromFiles.dataSeconds / fromFiles.seconds })
    console.error(JSON.stringify(results.at(-1)))
  }
  await Promise.all([files.close(), memory.close(), session.dispose()])
  const middle = (name) => median(results.map((result) => result[name]))
  verdict({
    check: 'training from JPEG',
    processor: `${cpus()[0].model}, ${threads} threads`,
    network: values.network,
    batch,
    decode: values.decode,
    precision: session.precision,
    decodeMilliseconds: 1000 * seconds,
    memory: middle('memory'),
    files: middle('files'),
    ratio: middle('ratio'),
    ratios: results.map(({ ratio }) => ratio),
    waiting: middle('waiting'),
    passed: middle('ratio') >= least,
  })
})
