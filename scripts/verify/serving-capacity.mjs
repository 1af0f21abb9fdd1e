// What a Classifier serves and takes: images/s at full load, the time of a lone image and resident memory, by network, batch, threads, and numbers of models and
// processes. Images are pixels of the network's size, so that no decoding is in it. Prints lines, no verdict.
//   serving-capacity.mjs [--seconds 2] [--only REGEX] [--precision auto]
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { run } from '../../bench/driver/sides.mjs'
import { centerCrop, Classifier, resize } from '../../dist/lib/index.js'
import { main } from '../support/run.mjs'
import { resident } from './common.mjs'
import { saveModel } from './serving-load/model.mjs'

const one = { network: 'preresnet-50', batch: 8, threads: 0, models: 1, processes: 1 }
const rows = [
  ...['preresnet-18', 'preresnet-50', 'preresnet-200', 'preresnet-110'].flatMap((network) => [1, 2].map((threads) => ({ ...one, network, threads }))),
  ...[1, 2, 4, 16, 32].map((batch) => ({ ...one, batch })),
  ...[2, 4].map((models) => ({ ...one, models })),
  { ...one, threads: 1, processes: 2 },
]
const textOf = ({ network, batch, threads, models, processes }) => `${network} batch ${batch} threads ${threads} models ${models} processes ${processes}`

const prepare = { evaluate: [resize({ unlessFitting: true }), centerCrop()], normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } }

/** In a process of its own, whose memory is nobody else's. */
async function serve({ path, batch, threads, models, precision, seconds }) {
  const loaded = []
  for (let model = 0; model < models; model++) loaded.push(await Classifier.load(path, { batch, threads, precision }))
  const { height, width, channels } = loaded[0].input
  const image = { pixels: new Uint8Array(height * width * channels).map((_, index) => (index * 31) % 256), height, width }
  const during = async (clients) => {
    let answers = 0
    const begin = performance.now()
    const client = async (number) => {
      while (performance.now() < begin + 1000 * seconds) {
        await loaded[number % models].classify(image)
        answers++
      }
    }
    await Promise.all(Array.from({ length: clients }, (_, number) => client(number)))
    return { answers, time: (performance.now() - begin) / 1000 }
  }
  for (const classifier of loaded) await classifier.classify(image)
  const alone = await during(1)
  const full = await during(2 * batch * models)
  return { rate: full.answers / full.time, alone: (1000 * alone.time) / alone.answers, memory: resident() }
}

await main('serving-capacity', async () => {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '2' },
      only: { type: 'string', default: '' },
      precision: { type: 'string', default: 'auto' },
      serve: { type: 'string' },
    },
  })
  if (values.serve !== undefined) {
    console.log(JSON.stringify(await serve(JSON.parse(values.serve))))
    return
  }
  const folder = mkdtempSync(join(tmpdir(), 'preresnet-capacity-'))
  console.log(`${cpus()[0].model}, ${cpus().length} cores`)
  try {
    const written = new Set()
    for (const row of rows.filter((candidate) => new RegExp(values.only).test(textOf(candidate)))) {
      const path = join(folder, `${row.network}.safetensors`)
      if (!written.has(path)) await saveModel(path, row.network, prepare)
      written.add(path)
      const settings = { ...row, path, precision: values.precision, seconds: Number(values.seconds) }
      const found = await Promise.all(
        Array.from({ length: row.processes }, () =>
          run({ command: process.execPath, words: [import.meta.filename, '--serve', JSON.stringify(settings)] }, { limit: 3600 }),
        ),
      )
      const total = (name) => found.reduce((sum, result) => sum + result[name], 0)
      const figures = [
        `${total('rate').toFixed(1)} images/s`,
        `alone ${(total('alone') / row.processes).toFixed(1)} ms`,
        `${(total('memory') / 1e6).toFixed(0)} MB`,
      ]
      console.log(`${textOf(row)}: ${figures.join(', ')}`)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
