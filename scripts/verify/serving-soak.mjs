// A Classifier loaded and disposed of 1,000 times, and one under full load for some minutes, a third of whose requests are aborted: memory, descriptors and threads
// must be flat. Run with node --expose-gc --max-semi-space-size=2.
//   serving-soak.mjs [--loads 1000] [--minutes 1]
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Classifier } from '../../dist/lib/index.js'
import { picture, writeModel } from '../../dist/test/inference/model.js'
import { resident, verdict } from './common.mjs'

const { values } = parseArgs({ options: { loads: { type: 'string', default: '1000' }, minutes: { type: 'string', default: '1' } } })
const [loads, minutes] = [Number(values.loads), Number(values.minutes)]
const folder = mkdtempSync(join(tmpdir(), 'preresnet-serving-'))
const path = join(folder, 'model.safetensors')
await writeModel(path)
const files = [1, 2, 3, 4].map((variant) => picture(variant, 40 * variant, 100))
const options = { threads: 2, precision: 'fp32', maxQueue: 200 }

/** Garbage that is not collected yet is no leak. */
function settled() {
  for (let i = 0; i < 3; i++) globalThis.gc()
  return { memory: resident(), descriptors: readdirSync('/proc/self/fd').length, threads: readdirSync('/proc/self/task').length }
}
const growth = (before, after) => Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - before[name]]))

const load = async (count) => {
  for (let done = 0; done < count; done++) {
    const classifier = await Classifier.load(path, options)
    const open = files.map((file) => classifier.classify(file).catch(({ code }) => code))
    if (done % 2 === 0) await Promise.all(open)
    await classifier.dispose()
    await Promise.all(open)
  }
}
/** Growth, with ten readings on the way, in which a slow leak would show as a slope. */
async function growthOver(part) {
  const before = settled()
  const memory = []
  for (let count = 0; count < 10; count++) {
    await part()
    memory.push(settled().memory - before.memory)
  }
  return { ...growth(before, settled()), readings: memory }
}

// As many before: allocators have their pools by then.
await load(loads)
const ofLoads = await growthOver(() => load(loads / 10))

const classifier = await Classifier.load(path, options)
let [answered, aborted] = [0, 0]
/** Clients that ask again as soon as they have an answer. */
async function client(number, end) {
  for (let turn = number; performance.now() < end; turn++) {
    const stop = new AbortController()
    const timer = turn % 3 === 0 ? setTimeout(() => stop.abort(), turn % 7) : undefined
    await classifier.classify(files[turn % files.length], { signal: stop.signal }).then(
      () => answered++,
      () => aborted++,
    )
    clearTimeout(timer)
  }
}
const run = async (time) => {
  const end = performance.now() + time
  await Promise.all(Array.from({ length: 64 }, (_, number) => client(number, end)))
}
await run(Math.min(minutes, 5) * 60_000)
const ofLoad = await growthOver(() => run(minutes * 6_000))
const { queued, computing } = classifier.statistics()
await classifier.dispose()
rmSync(folder, { recursive: true })
const limit = 6 * 2 ** 20
const flat = ({ memory, descriptors, threads }) => memory < limit && descriptors <= 0 && threads <= 0
verdict({
  check: 'serving soak',
  loads,
  minutes,
  answered,
  aborted,
  ofLoads,
  ofLoad,
  limit,
  passed: flat(ofLoads) && flat(ofLoad) && queued === 0 && computing === 0,
})
