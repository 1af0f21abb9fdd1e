// Under a real mpirun, one of three ranks stands still or never comes while the others start: all end within 15 s of --start-timeout, and one line says which
// rank it was. MPI: what mpirun and mpicxx are on this machine; with --mpich Debian's mpirun.mpich and mpicxx.mpich.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Stop, main } from '../support/run.mjs'
import { verdict } from './common.mjs'

const root = join(import.meta.dirname, '../..')
const { values } = parseArgs({ options: { mpich: { type: 'boolean', default: false }, timeout: { type: 'string', default: '6' } } })
const work = mkdtempSync(join(tmpdir(), 'preresnet-ranks-start-'))
const library = join(work, 'preresnet_mpi.so')
const rankVariable = values.mpich ? 'PMI_RANK' : 'OMPI_COMM_WORLD_RANK'
const launcher = values.mpich ? ['mpirun.mpich'] : ['mpirun', '--allow-run-as-root', '--oversubscribe', '--bind-to', 'none']
const limit = Number(values.timeout)

/** What becomes of one rank instead of its command; `at`: milliseconds after which it is stopped. */
const faults = [
  { name: 'stopped before its program begins', rank: 1, shell: 'kill -STOP $$', says: /rank 1 stands still \(process \d+ was stopped by a signal\)/ },
  { name: 'rank 0 stopped before its program begins', rank: 0, shell: 'kill -STOP $$', says: /rank 0 stands still \(process \d+ was stopped by a signal\)/ },
  { name: 'never begins to join', rank: 2, shell: 'exec sleep 600', says: /rank 2 has not begun to join \(process \d+\)/ },
  ...[150, 300, 450, 600].map((at) => ({ name: `stopped after ${at} ms`, rank: 1, shell: `(sleep ${at / 1000}; kill -STOP $$) &`, at })),
]

function train(fault) {
  const command = [process.execPath, join(root, 'dist/lib/cli/main.js'), 'train', '--model', 'preresnet-20', '--data', 'digits', '--batch', '30']
  const flags = ['--steps', '100000', '--threads', '1', '--precision', 'fp32', '--start-timeout', String(limit), '--output', join(work, 'run')]
  const script = join(work, 'rank.sh')
  writeFileSync(script, `if [ "$${rankVariable}" = ${fault.rank} ]; then ${fault.shell}\nfi\nexec "$@"\n`)
  const [program, ...rest] = [...launcher, '-n', '3', 'sh', script, ...command, ...flags]
  const child = spawn(program, rest, { env: { ...process.env, PRERESNET_MPI: library }, stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  let message = ''
  child.stderr.on('data', (chunk) => (message += chunk))
  return { child, ended: new Promise((resolve) => child.on('exit', (code) => resolve({ code, message }))) }
}

main('ranks-start', async () => {
  const compiler = values.mpich ? 'mpicxx.mpich' : 'mpicxx'
  const built = spawnSync(process.execPath, [join(root, 'scripts/build-mpi.mjs'), library], { stdio: 'inherit', env: { ...process.env, MPICXX: compiler } })
  if (built.status !== 0) throw new Stop(`the library for MPI could not be built by ${compiler}`)
  const trials = []
  try {
    for (const fault of faults) {
      const begin = performance.now()
      const { child, ended } = train(fault)
      const hanging = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), (limit + 60) * 1000)
      const { code, message } = await ended
      clearTimeout(hanging)
      const seconds = (performance.now() - begin) / 1000
      const line = message.split('\n').find((text) => text.startsWith('preresnet: ')) ?? ''
      // Whoever was stopped at some moment may have joined before: then the others miss it as at any step.
      const says = fault.says ?? /rank 1 (stands still|has not begun to join|of 3 has said nothing)/
      trials.push({ fault: fault.name, code, seconds, line, passed: code !== 0 && says.test(line) && seconds < limit + 15 })
      console.error(JSON.stringify(trials.at(-1)))
    }
    verdict({ mpi: launcher[0], limit, trials, passed: trials.every(({ passed }) => passed) })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
})
