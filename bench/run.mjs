// Measures preresnet and PyTorch, or onnxruntime and OpenVINO, in turn on this machine, prints the figures, and keeps them: bench/README.md.
//   npm run bench -- [--rows train-164,infer-110] [--pairs 5] [--seconds 10] [--for 600 --resume] [--name MACHINE] [--quick]
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { main, output, Stop } from '../scripts/support/run.mjs'
import { startClock } from './driver/clock.mjs'
import { busyShare, describeMachine, machineName } from './driver/machine.mjs'
import { machineSection, publish } from './driver/markdown.mjs'
import { measurePairs } from './driver/pairs.mjs'
import { best, search, searchSessions, slowOf, tryAgain } from './driver/search.mjs'
import { opposite, ours } from './driver/sides.mjs'
import { makeModel } from './runtimes/model.mjs'
import { runtimesPython, runtimeVersions } from './runtimes/python.mjs'
import { configurationName, configurations, rows, title, trials, usualRows } from './rows.mjs'

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))

const documentation = 'docs/benchmarks.md'
const say = (text) => console.log(`  ${text}`)

const options = {
  rows: { type: 'string', default: usualRows.join(',') },
  pairs: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '10' },
  threads: { type: 'string' },
  name: { type: 'string' },
  python: { type: 'string', default: '.venv/bin/python' },
  compile: { type: 'string', default: 'units' },
  limit: { type: 'string', default: '1200' },
  search: { type: 'boolean', default: false },
  among: { type: 'string' },
  for: { type: 'string' },
  resume: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  busy: { type: 'boolean', default: false },
}

await main('bench', async () => {
  const { values } = parseArgs({ options })
  const wanted = values.rows.split(',').map((id) => [id, rows[id] ?? trials[id] ?? unknown(id)])
  const { machine, versions } = describeMachine()
  const settings = {
    pairs: values.quick ? 1 : number('pairs', values.pairs),
    seconds: values.quick ? 1 : number('seconds', values.seconds),
    threads: values.threads === undefined ? machine.threads : number('threads', values.threads),
    limit: number('limit', values.limit),
    quiet: values.quick ? Infinity : 0.15,
    among: values.among?.split(';'),
    clock: startClock(values.for === undefined ? undefined : number('for', values.for)),
    python: values.python,
    compile: ['units', 'whole'].includes(values.compile) ? values.compile : unknown(values.compile),
  }
  if (wanted.some(([, row]) => row.against === undefined) && output(values.python, ['-c', 'import torch']) === undefined) {
    throw new Stop(`no PyTorch at ${values.python}: node scripts/pytorch-venv.mjs installs it`)
  }
  const served = wanted.filter(([, row]) => row.against === 'other runtimes')
  if (served.length > 0) {
    settings.runtimes = runtimesPython() ?? fail('expected onnxruntime and OpenVINO, which pip could not install, for the reason above')
    for (const [, { network }] of served) await makeModel(network)
  }
  if (!values.busy) await expectQuiet()
  // Five pairs of figures that mean something, or nothing is kept.
  const worth = !values.quick && !values.busy && settings.pairs >= 5 && wanted.every(([id]) => id in rows)
  const described = { ...machine, threads: settings.threads }
  const kept = open(values.name ?? machineName(described))
  const results = { ...kept, machine: described, rows: worth ? kept.rows : {} }
  const save = () => worth && writeFileSync(`bench/results/${results.name}.json`, `${JSON.stringify(results, undefined, 2)}\n`)

  async function measureRow(id, row) {
    const told = { date: new Date().toISOString(), seconds: settings.seconds, versions }
    const other = await opponent(id, row, settings, { ...kept.rows, ...results.rows }, values)
    const own = row.against === 'other runtimes' ? await ownSessions(kept.rows[id], row, settings, told, values) : {}
    const keep = (result) => {
      results.rows[id] = { title: title(row), ...told, ...other.facts, ...own, ...result, versions: { ...versions, ...other.versions } }
      save()
    }
    const before = values.resume ? resumable(kept.rows[id], { ...told, ...other.facts, ...own }) : undefined
    const result = await measurePairs(ours(row, settings, own.sessions), other.side, settings, say, keep, before)
    keep(result)
    const { ratio, pairs, pairsRunAgain } = result
    say(
      `ratio ${ratio.median.toFixed(2)} (${ratio.minimum.toFixed(2)} to ${ratio.maximum.toFixed(2)}), wanted ${row.target.must}, goal ${row.target.goal}; ${pairs.length} pairs, ${pairsRunAgain} run again`,
    )
    if (worth) publish(documentation, results)
  }

  for (const [id, row] of wanted) {
    console.log(`${id}: ${title(row)}`)
    settings.clock.nextRow()
    try {
      await measureRow(id, row)
    } catch (error) {
      // One row that cannot be measured costs the others nothing.
      if (!(error instanceof Stop)) throw error
      console.error(`${id}: ${error.message}`)
      process.exitCode = 1
      if (error.timeIsUp) break
    }
  }
  console.log(`\n${machineSection(results)}`)
  if (!worth) console.log('\nNot kept: figures of --quick, --busy, small trial rows or fewer than five pairs are for trying things out.')
})

async function expectQuiet() {
  const used = await busyShare()
  if (used <= 0.1) return
  throw new Stop(`expected a quiet machine, got one of which ${(100 * used).toFixed(0)} % is in use; --busy measures all the same and publishes nothing`)
}

/** What our side is compared with. The search for the fastest configuration is repeated only when something about the other side has changed. */
async function opponent(id, row, settings, kept, { search: again, resume }) {
  const before = again ? undefined : kept[id]
  if (row.against === 'one thread') return { side: ours(row, { ...settings, threads: 1 }), facts: {}, versions: {} }
  const conditions = conditionsOf(row, settings)
  const sameConditions = (result) => JSON.stringify(result.searched) === JSON.stringify(conditions)
  const fresh = before !== undefined && sameConditions(before)
  // A row of the same work in any precision has tried these configurations too.
  const like = Object.entries(kept).find(([other, result]) => sameWork(rows[other], row) && rows[other].precision === undefined && sameConditions(result))
  const found = fresh ? before.search : again ? undefined : like && among(like[1].search, row, settings)
  const short = { ...settings, seconds: Math.min(settings.seconds, 5) }
  const fewer =
    again || settings.among !== undefined ? undefined : Object.entries(kept).find(([other, result]) => fewerImages(rows[other], row) && sameConditions(result))
  const slow = fewer === undefined ? notAmong(row, settings) : slowOf(fewer[1].search)
  const tried = fresh && resume ? before.search : await tryAgain(row, short, found ?? (await search(row, short, say, slow)), say)
  const fastest = best(tried)
  const configuration = configurations(row, settings.threads).find((each) => configurationName(each) === configurationName(fastest))
  say(`the fastest${found ? ', found before' : ''}: ${configurationName(configuration)}`)
  const { versions } = fastest
  const { torch, oneDNN } = versions
  return {
    side: opposite(row, settings, configuration),
    facts: { configuration, searched: conditions, search: tried },
    versions: torch === undefined ? versions : { torch, torchOneDNN: oneDNN },
  }
}

/** How many sessions of ours compute at a time, and what was tried; found again for every version of ours. */
async function ownSessions(before, row, settings, { versions }, { resume }) {
  const found = resume && before?.versions.preresnet === versions.preresnet ? before.ownSearch : undefined
  const ownSearch = found ?? (await searchSessions(row, { ...settings, seconds: Math.min(settings.seconds, 5) }, say))
  return { sessions: best(ownSearch).sessions, ownSearch }
}

/** What a search holds for. */
function conditionsOf({ against }, { threads, compile, python, among }) {
  const named = among && { among }
  if (against === undefined) return { torch: output(python, ['-c', 'import torch; print(torch.__version__)']).trim(), threads, compile, ...named }
  return { runtimes: runtimeVersions, threads, ...named }
}

/** The names of the configurations that --among leaves out. */
function notAmong(row, { among, threads }) {
  const names = configurations(row, threads).map(configurationName)
  const missing = among?.find((name) => !names.includes(name))
  if (missing !== undefined) throw new Stop(`--among: expected some of ${names.join(';')}, got ${missing}`)
  return new Set(among && names.filter((name) => !among.includes(name)))
}

function sameWork(a, b) {
  return a !== undefined && a.against === b.against && a.work === b.work && a.network === b.network && a.batch === b.batch
}

/** One image, of the same work otherwise, beside other runtimes, whose configurations are many. */
function fewerImages(a, b) {
  return b.against === 'other runtimes' && b.batch > 1 && sameWork(a, { ...b, batch: 1 }) && a.precision === b.precision
}

/** A result whose pairs count among those that are measured now. */
function resumable(result, now) {
  const facts = ({ seconds, versions: { preresnet }, configuration, sessions }) => JSON.stringify([seconds, preresnet, configuration, sessions])
  return result !== undefined && facts(result) === facts(now) ? result : undefined
}

/** What a search has found, of the configurations that a row allows. */
function among(tried, row, { threads }) {
  const allowed = new Set(configurations(row, threads).map(configurationName))
  return tried.filter((entry) => allowed.has(configurationName(entry)))
}

/** What was kept of a machine before. */
function open(name) {
  mkdirSync('bench/results', { recursive: true })
  try {
    return JSON.parse(readFileSync(`bench/results/${name}.json`, 'utf8'))
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    return { name, rows: {} }
  }
}

function number(name, text) {
  const value = Number(text)
  if (!(value > 0)) throw new Stop(`--${name}: expected a number above 0, got ${JSON.stringify(text)}`)
  return value
}

function fail(message) {
  throw new Stop(message)
}

function unknown(word) {
  throw new Stop(`expected one of ${[...Object.keys(rows), ...Object.keys(trials), 'units', 'whole'].join(', ')}, got ${JSON.stringify(word)}`)
}
