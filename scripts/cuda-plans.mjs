// Asks cuDNN, without a GPU, which convolutions it fuses for which GPU, and writes docs/cuda-plans.md and native/cuda/devices/plans.json.
//   npm run cuda:plans [-- --check]
// --check writes nothing and fails where a pattern has lost its engine, or has got one, since the table was written. Either fails where the
// tuner, which takes engines by their numbers, would not find one that is there.
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { COMPILED, distinctLayers, layerKey, numberedRequests, patternKey, PATTERNS, PRECISIONS, requestsFor } from './cuda/patterns.mjs'
import { plansDocument } from './cuda/plans_document.mjs'
import { buildCuda, CUDA_BUILD } from './support/cuda_build.mjs'
import { main, run, Stop } from './support/run.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const DEVICES = ['h100', 'h200', 'a100', 'b200', 'rtx5090']
const TABLE = 'native/cuda/devices/plans.json'
const DOCUMENT = 'docs/cuda-plans.md'

process.chdir(root)

await main('cuda-plans', async () => {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })
  await buildCuda(root, { targets: ['cuda_plans', 'cuda_driver_stand_in'] })
  const found = await ask()
  if (values.check) return compare(JSON.parse(readFileSync(TABLE, 'utf8')), found)
  writeFileSync(TABLE, `${JSON.stringify(found, null, 2)}\n`)
  writeFileSync(DOCUMENT, plansDocument(found, DEVICES.map(descriptionOf)))
  run('node_modules/.bin/prettier', ['--log-level', 'warn', '--write', TABLE])
  console.log(`Wrote ${TABLE} and ${DOCUMENT}`)
})

/** Of each device, precision and pattern: 'all', 'none', 'crashes', or the layers that have no engine; and whether some plans could be compiled. */
async function ask() {
  const layers = distinctLayers()
  const jobs = DEVICES.flatMap((device) => [
    ...PRECISIONS.map((precision) => ({ device, part: 'engines', precision, requests: requestsFor(layers, device, precision) })),
    ...PRECISIONS.map((precision) => ({ device, part: 'numbered', precision, requests: numberedRequests(layers, device, precision) })),
    { device, part: 'compiled', requests: COMPILED[device] ?? [] },
  ]).filter(({ requests }) => requests.length > 0)
  const versions = new Set()
  const lost = []
  const result = { cudnn: 0, frontend: 0, layers: layers.length, engines: {}, workspaceMiB: {}, compiled: {} }
  let done = 0
  // A plan for a runtime-compiled engine waits more than it computes.
  await inParallel(availableParallelism() * 3, jobs, async (job) => {
    const [version, ...answers] = await runTool(job)
    versions.add(JSON.stringify(version))
    Object.assign(result, version)
    if (job.part === 'numbered') lost.push(...unreachable(job, answers))
    else if (job.part === 'compiled') result.compiled[job.device] = compiledOf(job.requests, answers)
    else summarize(result, job, answers)
    if (process.stderr.isTTY) process.stderr.write(`\r${++done} of ${jobs.length} `)
  })
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  if (lost.length > 0) throw new Stop(`expected engines with the numbers from 0 on, got none for\n${lost.join('\n')}`)
  if (versions.size !== 1) throw new Stop(`expected one version of cuDNN, got ${[...versions].join(', ')}`)
  return ordered(result)
}

function summarize(result, { device, precision, requests }, answers) {
  const engines = ((result.engines[device] ??= {})[precision] = {})
  const workspace = ((result.workspaceMiB[device] ??= {})[precision] = {})
  for (const pattern of PATTERNS.map(patternKey)) {
    const asked = requests.map((request, index) => ({ request, answer: answers[index] })).filter(({ request }) => patternKey(request) === pattern)
    const without = asked.filter(({ answer }) => !answer.ok).map(({ request }) => layerKey(request.layer))
    engines[pattern] = asked.some(({ answer }) => answer.crashed)
      ? 'crashes'
      : without.length === 0
        ? 'all'
        : without.length === asked.length
          ? 'none'
          : without.sort()
    const largest = Math.max(0, ...asked.map(({ answer }) => answer.workspace ?? 0))
    if (without.length < asked.length && asked[0].request.build) workspace[pattern] = Math.ceil(largest / 2 ** 20)
  }
}

function compiledOf(requests, answers) {
  return Object.fromEntries(requests.map((request, index) => [`${request.precision} ${patternKey(request)} ${layerKey(request.layer)}`, answers[index].ok]))
}

/** Convolutions that have engines, of which one cannot be had by its number. What has no engine at all is in the table. */
function* unreachable({ device, requests }, answers) {
  for (const [index, { direction, tier, precision, deterministic, layer, numbered }] of requests.entries()) {
    const { ok, engines, numbered: built, reason } = answers[index]
    const what = `  ${device}, ${precision}${deterministic ? ', deterministic' : ''}, ${direction}, tier ${tier}, ${layerKey(layer)}`
    if (!ok && tier === 0) yield `${what}: ${reason}`
    else if (ok && built < Math.min(engines, numbered)) yield `${what}: number ${built} of ${engines}`
  }
}

/** Parallel jobs end in any order; the table has one. */
function ordered(result) {
  const sorted = (object, keys) => Object.fromEntries(keys.filter((key) => key in object).map((key) => [key, object[key]]))
  for (const part of ['engines', 'workspaceMiB']) {
    for (const device of DEVICES) result[part][device] = sorted(result[part][device], PRECISIONS)
    result[part] = sorted(result[part], DEVICES)
  }
  result.compiled = sorted(result.compiled, DEVICES)
  return result
}

/**
 * What the tool answers: its versions, then one object a request. Asking for some patterns ends the process, within cuDNN: all requests of
 * such a pattern count as `crashed`.
 */
async function runTool({ device, precision = '', requests }) {
  const crashed = new Set()
  for (;;) {
    const left = requests.filter((request) => !crashed.has(patternKey(request)))
    const { answers, status, signal, stderr } = await startTool(device, left)
    if (status === 0 && answers.length === left.length + 1) {
      const [version, ...rest] = answers
      return [version, ...requests.map((request) => (crashed.has(patternKey(request)) ? { ok: false, crashed: true } : rest.shift()))]
    }
    // The versions come first, so the answers are as many as the index of the request that did it.
    const culprit = left[answers.length - 1]
    if (signal !== 'SIGSEGV' || culprit === undefined) {
      throw new Stop(`the plans of ${device} ${precision} ended with ${signal ?? `status ${status}`}\n${stderr.slice(-2000)}`)
    }
    crashed.add(patternKey(culprit))
  }
}

function startTool(device, requests) {
  // Nothing of the toolkit: the tool finds that as the library does.
  const library = [join(root, CUDA_BUILD, 'stand-in'), process.env.LD_LIBRARY_PATH].filter(Boolean)
  return new Promise((resolve, reject) => {
    const tool = spawn(join(CUDA_BUILD, 'cuda_plans'), [], { env: { ...process.env, LD_LIBRARY_PATH: library.join(delimiter) } })
    const said = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr']) tool[stream].setEncoding('utf8').on('data', (text) => (said[stream] += text))
    tool.on('error', reject)
    tool.on('close', (status, signal) => {
      const answers = said.stdout.split('\n').filter(Boolean)
      resolve({ answers: answers.map((line) => JSON.parse(line)), status, signal, stderr: said.stderr })
    })
    tool.stdin.on('error', () => {}) // said by 'close'
    tool.stdin.end(JSON.stringify({ device: descriptionOf(device), requests }))
  })
}

function descriptionOf(device) {
  return JSON.parse(readFileSync(`native/cuda/devices/${device}.json`, 'utf8'))
}

async function inParallel(width, jobs, work) {
  const left = [...jobs]
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let job = left.shift(); job !== undefined; job = left.shift()) await work(job)
    }),
  )
}

function compare(wanted, found) {
  if (wanted.cudnn !== found.cudnn) {
    throw new Stop(`expected cuDNN ${wanted.cudnn}, of which ${TABLE} speaks, got ${found.cudnn}; npm run cuda:plans writes it anew`)
  }
  const differences = [...differing(wanted.engines, found.engines), ...differing(wanted.compiled, found.compiled)]
  if (differences.length > 0) throw new Stop(`cuDNN ${found.cudnn} has other plans than ${TABLE} says:\n${differences.join('\n')}`)
  const asked = Object.values(found.engines).flatMap((precisions) => Object.values(precisions).map((patterns) => Object.keys(patterns).length))
  console.log(
    `cuDNN ${found.cudnn}: ${asked.reduce((sum, count) => sum + count, 0)} combinations of device, precision and pattern over ${found.layers} layers are as ${TABLE} says`,
  )
}

function* differing(wanted, found, path = []) {
  if (typeof wanted === 'object' && typeof found === 'object' && !Array.isArray(wanted) && !Array.isArray(found)) {
    for (const key of new Set([...Object.keys(wanted), ...Object.keys(found)]))
      yield* differing(wanted[key] ?? 'nothing', found[key] ?? 'nothing', [...path, key])
  } else if (JSON.stringify(wanted) !== JSON.stringify(found)) {
    const say = (value) => (Array.isArray(value) ? `none for ${value.join('; ')}` : String(value))
    yield `  ${path.join(', ')}: expected ${say(wanted)}, got ${say(found)}`
  }
}
