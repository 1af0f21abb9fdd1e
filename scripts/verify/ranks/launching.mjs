// What the checks of several ranks share: the library for MPI, runs under mpirun, the processes of a run, the bits that it ends with.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Stop } from '../../support/run.mjs'

const root = join(import.meta.dirname, '../../..')
export const cli = join(root, 'dist/lib/cli/main.js')

/** Open MPI asks to be told that root may start it, and that processes may outnumber cores. */
const OPEN_MPI_FLAGS = ['--allow-run-as-root', '--oversubscribe', '--bind-to', 'none']

/** The MPI of mpirun and mpicxx, or with `mpich` Debian's mpirun.mpich and mpicxx.mpich. `library`: preresnet_mpi.so built for it. */
export function mpiFor({ mpich = false, work }) {
  const compiler = mpich ? 'mpicxx.mpich' : 'mpicxx'
  const library = join(work, mpich ? 'preresnet_mpich.so' : 'preresnet_mpi.so')
  const env = { ...process.env, MPICXX: compiler }
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/build-mpi.mjs'), library], { stdio: ['ignore', 'ignore', 'inherit'], env })
  if (status !== 0) throw new Stop(`the library for MPI could not be built by ${compiler}`)
  return { mpirun: mpich ? 'mpirun.mpich' : 'mpirun', flags: mpich ? [] : OPEN_MPI_FLAGS, library }
}

/** A folder that is gone afterwards. */
export async function withWork(name, check) {
  const work = mkdtempSync(join(tmpdir(), `preresnet-${name}-`))
  try {
    return await check(work)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Runs a command. `ended` gives its status, what it wrote and how many seconds it took; after `limit` milliseconds it is ended, and `hung` is true. */
export function started(command, { env, limit = 120_000, cwd } = {}) {
  const begin = performance.now()
  const child = spawn(command[0], command.slice(1), { env: { ...process.env, ...env }, cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let [stdout, stderr, hung] = ['', '', false]
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const stop = () => {
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  }
  const late = setTimeout(() => {
    hung = true
    stop()
  }, limit)
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(late)
      resolve({ code, stdout, stderr, hung, seconds: (performance.now() - begin) / 1000 })
    })
  })
  return { child, ended, said: () => stderr, stop }
}

/** The command line of `words` of preresnet, by mpirun where there are several ranks. */
export function commandOf({ mpirun, flags }, ranks, words) {
  const command = [process.execPath, cli, ...words]
  return ranks === 1 ? command : [mpirun, ...flags, '-n', String(ranks), ...command]
}

/** Hashes of weights, statistics and momentum at the end, after the number of the step. */
export function bits(output) {
  const newest = readdirSync(output)
    .filter((name) => /^step-\d+$/.test(name))
    .sort()
    .at(-1)
  const { step, files } = JSON.parse(readFileSync(join(output, newest, 'state.json'), 'utf8'))
  return [step, ...Object.values(files).map(({ sha256 }) => sha256)].join(' ')
}

/** Process ids of the ranks that have this word in their command line: rank 0 first, as Open MPI, MPICH and Slurm say. */
export function rankProcesses(word) {
  const found = []
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      if (words[0] !== process.execPath || !words.includes(word)) continue
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
      const rank = environment.map((entry) => /^(?:OMPI_COMM_WORLD_RANK|PMI_RANK|SLURM_PROCID)=(\d+)$/.exec(entry)?.[1]).find((value) => value !== undefined)
      found.push({ pid: Number(pid), rank: Number(rank ?? 0) })
    } catch {
      // It has ended meanwhile.
    }
  }
  return found.sort((a, b) => a.rank - b.rank).map(({ pid }) => pid)
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** The next of a row of numbers below 2,147,483,647 that a seed from 1 on begins. */
export const following = (random) => (random * 48271) % 2147483647
