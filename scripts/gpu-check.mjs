// Everything that only a GPU can say about the CUDA backend: is it right, is it the same every time, is it fast. Writes a JSON file after
// every check, so that a run that is cut short keeps what it has, and prints one table last.
//   npm run gpu:check [-- --out docs/benchmarks/gpu] [--only operations,goldens] [--budget 540] [--device cuda]
// What another run with the same commit, GPU and --out has found stays in the file. docs/cuda.md has the commands for a machine on loan.
// From a bundle (npm run bundle) on a host without Node:  preresnet-gpu/run --out results --repository CHECKOUT
// With --device cuda-emulated the same checks run without a GPU, on fewer and smaller cases; speed is left out.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { describeEnvironment } from './gpu/environment.mjs'
import { goldens } from './gpu/goldens.mjs'
import { layers } from './gpu/layers.mjs'
import { memory } from './gpu/memory.mjs'
import { operations } from './gpu/operations.mjs'
import { sameness } from './gpu/sameness.mjs'
import { sanitizer } from './gpu/sanitizer.mjs'
import { ROWS, speed } from './gpu/speed.mjs'
import { summary } from './gpu/summary.mjs'
import { training } from './gpu/training.mjs'
import { tuning } from './gpu/tuning.mjs'
import { main, Stop } from './support/run.mjs'

/** In the order of worth: what comes last may not be reached. */
const CHECKS = { operations, goldens, sameness, tuning, speed, layers, memory, training, sanitizer }
/** Of the time that is left, a check may take its share among those that are still to come; what it leaves goes to them. */
const SHARES = { operations: 5, goldens: 4, sameness: 1, tuning: 3, speed: 6, layers: 3, memory: 1, training: 4, sanitizer: 4 }

const home = dirname(dirname(fileURLToPath(import.meta.url)))

await main('gpu-check', async () => {
  const { values } = parseArgs({
    options: {
      device: { type: 'string', default: 'cuda' },
      out: { type: 'string', default: 'docs/benchmarks/gpu' },
      only: { type: 'string', default: Object.keys(CHECKS).join(',') },
      budget: { type: 'string', default: '3600' },
      repository: { type: 'string', default: home },
      goldens: { type: 'string' },
      cifar: { type: 'string' },
      python: { type: 'string', default: 'python3' },
      pairs: { type: 'string', default: '1' },
      seconds: { type: 'string', default: '4' },
      rows: { type: 'string' },
    },
  })
  if (!['cuda', 'cuda-emulated'].includes(values.device)) throw new Stop(`--device: expected cuda or cuda-emulated, got ${values.device}`)
  const chosen = values.only.split(',')
  for (const row of values.rows?.split(',') ?? []) if (!(row in ROWS)) throw new Stop(`--rows: expected some of ${Object.keys(ROWS).join(', ')}, got ${row}`)
  for (const name of chosen) if (!(name in CHECKS)) throw new Stop(`--only: expected some of ${Object.keys(CHECKS).join(', ')}, got ${name}`)
  const budget = positive('budget', values.budget)
  const began = performance.now()
  const left = () => budget - (performance.now() - began) / 1000
  // What is measured once is there for the next command, and for readers.
  process.env.PRERESNET_CACHE ??= resolve(values.out, 'cache')
  const repository = resolve(values.repository)
  const context = {
    home,
    repository,
    device: values.device,
    emulated: values.device === 'cuda-emulated',
    goldens: resolve(values.goldens ?? join(repository, 'test/goldens')),
    cifar: values.cifar === undefined ? undefined : resolve(values.cifar),
    python: values.python,
    pairs: positive('pairs', values.pairs),
    seconds: positive('seconds', values.seconds),
    rows: values.rows?.split(','),
    say: (text) => console.log(`  ${text}`),
  }
  // What a check does in this process; what it starts is told by --device.
  const { emulated } = await import(pathToFileURL(join(home, 'dist/lib/native/emulation.js')).href)
  const within = (check) => (context.emulated ? emulated({}, check) : check())
  const environment = describeEnvironment(context)
  const file = join(values.out, `${environment.gpu.name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.json`)
  const result = { ...environment, checks: earlierChecks(file, environment) }
  const save = () => {
    mkdirSync(values.out, { recursive: true })
    writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`)
  }
  save()
  const reached = new Set(chosen)
  for (const [index, name] of chosen.entries()) {
    if (left() <= 0) {
      reached.delete(name)
      result.checks[name] ??= { passed: false, leftOut: 'no time left' }
      continue
    }
    console.log(`== ${name}`)
    const start = performance.now()
    const share = SHARES[name] / chosen.slice(index).reduce((sum, other) => sum + SHARES[other], 0)
    const end = start + 1000 * left() * share
    const secondsLeft = () => (end - performance.now()) / 1000
    // Where the figures so far are kept while a check goes on.
    const keep = (partial) => {
      result.checks[name] = { passed: false, unfinished: true, ...partial }
      save()
    }
    try {
      result.checks[name] = await within(() => CHECKS[name]({ ...context, secondsLeft, keep }))
    } catch (error) {
      result.checks[name] = { ...result.checks[name], passed: false, error: error instanceof Stop ? error.message : String(error.stack) }
    }
    result.checks[name].seconds = Math.round((performance.now() - start) / 100) / 10
    save()
  }
  console.log(`\n${summary(result)}\n${file}`)
  save()
  if (!chosen.every((name) => reached.has(name) && result.checks[name].passed)) process.exitCode = 1
})

/** Those of the same commit on the same GPU; a check that runs again replaces its own. */
function earlierChecks(file, { commit, gpu }) {
  try {
    const { commit: theirs, gpu: other, checks } = JSON.parse(readFileSync(file, 'utf8'))
    return theirs === commit && other.name === gpu.name ? checks : {}
  } catch {
    return {}
  }
}

function positive(name, text) {
  const value = Number(text)
  if (!(value > 0)) throw new Stop(`--${name}: expected a number above 0, got ${text}`)
  return value
}
