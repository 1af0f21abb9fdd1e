// The service of examples/service on a Classifier, and the same service on onnxruntime-node and sharp with batches of up to 8, in turn, each under the same load:
// images/s, latencies, and the event loop's delay. Server and clients are two processes on the same cores.
//   serving-load.mjs --images FOLDER [--network preresnet-50] [--connections 32] [--seconds 12] [--pairs 5] [--decode exact] [--precision auto]
//     [--lone 3] [--ramp 3] [--record FILE]
// FOLDER holds JPEG files, at any depth. The other side's packages are installed into the cache folder. First both sides' logits of the same pixels are compared.
// Each side is measured for so many seconds a pair: 60 s a side by default, in turn. With --record the pairs of several calls are gathered in FILE.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { run } from '../../bench/driver/sides.mjs'
import { median } from '../../bench/driver/statistics.mjs'
import { Classifier } from '../../dist/lib/index.js'
import { randomBytes } from '../../dist/test/support/bytes.js'
import { main, Stop } from '../support/run.mjs'
import { photographs, verdict } from './common.mjs'
import { filesIn, writeModels } from './serving-load/model.mjs'
import { installed, versions } from './serving-load/packages.mjs'
import { Rival } from './serving-load/rival.mjs'

const script = (name) => join(import.meta.dirname, 'serving-load', name)

/** The middle of an image, which is what a Classifier cuts out of it: its shorter side is what it would be resized to. */
function middleOf({ pixels, width }, size, channels) {
  const at = (width - size) / 2
  const rows = Array.from({ length: size }, (_, row) => pixels.subarray(((at + row) * width + at) * channels, ((at + row) * width + at + size) * channels))
  return { pixels: Uint8Array.from(Buffer.concat(rows)), height: size, width: size }
}

/** The largest difference, as a share of the largest logit. */
async function logitsApart(folder, modules) {
  const classifier = await Classifier.load(filesIn(folder).own, { precision: 'fp32' })
  const rival = await Rival.load(modules, filesIn(folder).onnx, classifier.input)
  const { height, channels } = classifier.input
  const side = Math.round(height / 0.875)
  let [apart, largest] = [0, 0]
  for (let seed = 1; seed <= 4; seed++) {
    const image = { pixels: Uint8Array.from(randomBytes(side * side * channels, seed)), height: side, width: side }
    const [own, other] = [(await classifier.infer(image)).logits, (await rival.infer(middleOf(image, height, channels))).logits]
    own.forEach((value, index) => {
      apart = Math.max(apart, Math.abs(value - other[index]))
      largest = Math.max(largest, Math.abs(other[index]))
    })
  }
  await Promise.all([classifier.dispose(), rival.dispose()])
  return apart / largest
}

async function lineOf(child) {
  let text = ''
  child.stdout.on('data', (data) => (text += data))
  while (!text.includes('\n') && child.exitCode === null) await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  if (!text.includes('\n')) throw new Stop(`a process of the measurement ended with ${child.exitCode}`)
  return JSON.parse(text)
}

/** Both services, each in a process, of which one is idle while the other is measured. */
async function servers({ folder, modules, precision }) {
  const started = []
  for (const side of ['ours', 'theirs']) {
    const child = spawn(process.execPath, [script('server.mjs'), side, folder, modules, precision], { stdio: ['ignore', 'pipe', 'inherit'] })
    started.push({ side, child, ...(await lineOf(child)) })
  }
  return started
}

async function measure({ side, port, precision }, { list, connections, lone, ramp, seconds }) {
  const words = [script('client.mjs'), port, connections, lone, ramp, seconds, list]
  return { side, precision, ...(await run({ command: process.execPath, words }, { limit: 3600 })) }
}

/** Milliseconds that half of the answers, and 99 of 100, did not exceed. */
function percentiles(times) {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]
  return { p50: at(0.5), p99: at(0.99) }
}

/** Ratios pair by pair; percentiles of the answers of all pairs together. */
function judge(results) {
  const [ours, theirs] = ['ours', 'theirs'].map((wanted) => results.filter(({ side }) => side === wanted))
  const figures = (of) => {
    const times = of.flatMap((result) => result.times)
    return {
      rate: median(of.map(({ rate }) => rate)),
      ...percentiles(times),
      lone: median(of.flatMap(({ alone }) => alone)),
      loopDelay: median(of.map(({ loopDelay }) => loopDelay)),
    }
  }
  const both = { ours: figures(ours), theirs: figures(theirs) }
  const ratios = ours.map(({ rate }, pair) => rate / theirs[pair].rate)
  const lone = median(ours.map(({ alone }, pair) => median(alone) / median(theirs[pair].alone)))
  const lower = both.ours.p50 < both.theirs.p50 && both.ours.p99 < both.theirs.p99
  return { pairs: ratios.length, ...both, ratios, ratio: median(ratios), lone, passed: median(ratios) >= 1.3 && lower && lone <= 1 && both.ours.loopDelay < 10 }
}

await main('serving-load', async () => {
  const { values } = parseArgs({
    options: {
      images: { type: 'string' },
      network: { type: 'string', default: 'preresnet-50' },
      connections: { type: 'string', default: '32' },
      seconds: { type: 'string', default: '12' },
      pairs: { type: 'string', default: '5' },
      lone: { type: 'string', default: '3' },
      ramp: { type: 'string', default: '3' },
      decode: { type: 'string', default: 'exact' },
      precision: { type: 'string', default: 'auto' },
      record: { type: 'string' },
    },
  })
  const { network, decode, precision, record, ...load } = values
  const folder = mkdtempSync(join(tmpdir(), 'preresnet-load-'))
  try {
    const list = join(folder, 'list')
    writeFileSync(list, photographs(values.images).join('\n'))
    const modules = installed()
    await writeModels(folder, network, decode)
    const apart = await logitsApart(folder, modules)
    console.error(`${cpus()[0].model}, ${cpus().length} cores, ${JSON.stringify(versions)}; logits ${apart.toExponential(1)} apart`)
    if (!(apart < 1e-4)) throw new Stop(`expected both sides' logits to be at most 1e-4 of the largest apart, got ${apart}`)
    const results = record !== undefined && existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : []
    const started = await servers({ folder, modules, precision })
    try {
      // The first answers make threads and kernels, and are not counted.
      for (const server of started) await measure(server, { ...load, list, lone: 1, ramp: 3, seconds: 1 })
      for (let pair = 0; pair < Number(load.pairs); pair++) {
        for (const server of started) {
          const result = await measure(server, { ...load, list })
          const { times, alone, ...figures } = result
          console.error(JSON.stringify({ ...figures, ...percentiles(times), lone: median(alone) }))
          results.push(result)
        }
      }
    } finally {
      for (const { child } of started) child.kill('SIGKILL')
    }
    if (record !== undefined) writeFileSync(record, JSON.stringify(results))
    verdict({ check: 'service under load', network, decode, precision, connections: Number(load.connections), ...judge(results) })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
