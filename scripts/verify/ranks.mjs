// The promise of one tree under a real mpirun: four groups of statistics, four accumulations, 2 ranks x 2 accumulations, 2 ranks x 2 groups and 4 ranks end with
// the same bits; and what becomes of the others when one rank is killed, stands still or is missing. MPI: what mpirun and mpicxx are on this machine; with
// --mpich Debian's mpirun.mpich and mpicxx.mpich.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Stop, main } from '../support/run.mjs'
import { verdict } from './common.mjs'

const root = join(import.meta.dirname, '../..')
const cli = join(root, 'dist/lib/cli/main.js')
const { values } = parseArgs({
  options: {
    mpich: { type: 'boolean', default: false },
    steps: { type: 'string', default: '50' },
    trials: { type: 'string', default: '6' },
    seed: { type: 'string', default: '1' },
  },
})
const work = mkdtempSync(join(tmpdir(), 'preresnet-ranks-'))
const library = join(work, 'preresnet_mpi.so')
const mpirun = values.mpich ? 'mpirun.mpich' : 'mpirun'
/** Open MPI asks to be told that root may start it, and that processes may outnumber cores. */
const launcherFlags = values.mpich ? [] : ['--allow-run-as-root', '--oversubscribe', '--bind-to', 'none']
const environment = { ...process.env, PRERESNET_MPI: library }

const recipe = [
  ...['--model', 'preresnet-20', '--unit', 'dropout-shortcut', '--data', 'digits', '--pad', '2', '--flip', '--batch', '32', '--seed', '3'],
  ...['--clip-norm', '0.5', '--label-smoothing', '0.1', '--validate-every', '1000000', '--checkpoint-every', '10', '--threads', '1'],
]

function start(ranks, output, extra) {
  const command = [process.execPath, cli, 'train', ...recipe, '--output', output, ...extra]
  const whole = ranks === 1 ? command : [mpirun, ...launcherFlags, '-n', String(ranks), ...command]
  const child = spawn(whole[0], whole.slice(1), { env: environment, stdio: ['ignore', 'ignore', 'pipe'] })
  let message = ''
  child.stderr.on('data', (chunk) => (message += chunk))
  return { child, ended: new Promise((resolve) => child.on('exit', (code) => resolve({ code, message }))) }
}

/** Hashes of weights, statistics and momentum at the end. */
function bits(output) {
  const newest = readdirSync(output)
    .filter((name) => /^step-\d+$/.test(name))
    .sort()
    .at(-1)
  const { step, files } = JSON.parse(readFileSync(join(output, newest, 'state.json'), 'utf8'))
  return [step, ...Object.values(files).map(({ sha256 }) => sha256)].join(' ')
}

async function trained(ranks, name, extra) {
  const output = join(work, name)
  const { code, message } = await start(ranks, output, extra).ended
  if (code !== 0) throw new Stop(`${name}: status ${code}: ${message}`)
  return bits(output)
}

const mixtures = [
  [1, 'four accumulations', ['--accumulate', '4']],
  [2, '2 ranks x 2 accumulations', ['--accumulate', '2']],
  [2, '2 ranks x 2 groups', ['--statistics-groups', '2']],
  [4, '4 ranks', []],
]

/** Process ids of the ranks: children of mpirun, or of its helper, that run our command. */
function rankProcesses(output) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        return words[0] === process.execPath && words.includes(output)
      } catch {
        return false
      }
    })
    .map(Number)
    .sort((a, b) => a - b)
}

/** Milliseconds after which a run that does not end is ended. */
const limit = 60_000

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Ends one of three ranks at some moment. Seconds until all have ended, and whether what is resumed ends as the run that nobody touched. */
async function failing(signal, after, expected, index) {
  const output = join(work, `failing ${index}`)
  const steps = ['--steps', values.steps, '--precision', 'fp32']
  const { ended } = start(3, output, ['--batch', '33', ...steps])
  const starting = Date.now()
  while (rankProcesses(output).length < 3) {
    if (Date.now() - starting > limit) throw new Stop('the ranks did not start')
    await pause(20)
  }
  await pause(after)
  const pids = rankProcesses(output)
  if (pids.length < 3) return { signal, after, over: true, passed: true }
  const hit = pids[index % 3]
  const begin = performance.now()
  process.kill(hit, signal)
  const hanging = setTimeout(() => rankProcesses(output).forEach((pid) => process.kill(pid, 'SIGKILL')), limit)
  const { code, message } = await ended
  clearTimeout(hanging)
  const seconds = (performance.now() - begin) / 1000
  // Whoever launches may end the others before they have spoken, but for a rank that stands still, of which it knows nothing.
  const named = signal !== 'SIGSTOP' || /rank \d of 3 has said nothing for 8 s/.test(message)
  const left = rankProcesses(output).length
  await trained(3, `failing ${index}`, ['--batch', '33', ...steps, '--resume'])
  return { signal, after, code, seconds, named, left, passed: code !== 0 && named && left === 0 && seconds < 15 && bits(output) === expected }
}

main('ranks', async () => {
  const compiler = values.mpich ? 'mpicxx.mpich' : 'mpicxx'
  const built = spawnSync(process.execPath, [join(root, 'scripts/build-mpi.mjs'), library], { stdio: 'inherit', env: { ...process.env, MPICXX: compiler } })
  if (built.status !== 0) throw new Stop(`the library for MPI could not be built by ${compiler}`)
  const results = {}
  /** Each is told at once: a run takes minutes. */
  const told = (name, passed) => {
    results[name] = passed
    console.error(JSON.stringify({ [name]: passed }))
  }
  try {
    for (const precision of ['fp32', 'bf16']) {
      const run = ['--steps', values.steps, '--precision', precision]
      const expected = await trained(1, `${precision} four groups`, [...run, '--statistics-groups', '4'])
      for (const [ranks, name, extra] of mixtures)
        told(`${precision}, ${name}`, (await trained(ranks, `${precision} ${name}`, [...run, ...extra])) === expected)
    }
    const three = ['--batch', '33', '--steps', values.steps, '--precision', 'fp32']
    const once = await trained(3, 'three ranks', three)
    told('3 ranks, twice', (await trained(3, 'three ranks again', three)) === once)
    // As docs/ranks.md starts them: each takes its share of the threads.
    told('2 ranks, threads unsaid', (await trained(2, 'threads unsaid', ['--threads', '0', '--steps', '5'])).startsWith('5 '))
    const failures = []
    let random = Number(values.seed)
    for (let index = 0; index < Number(values.trials); index++) {
      random = (random * 48271) % 2147483647
      failures.push(await failing(index % 2 === 0 ? 'SIGKILL' : 'SIGSTOP', random % 6000, once, index))
      console.error(JSON.stringify(failures.at(-1)))
    }
    const passed = Object.values(results).every(Boolean) && failures.every((trial) => trial.passed)
    verdict({ mpi: mpirun, steps: Number(values.steps), results, failures, passed })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
})
