// One of three ranks fails, at random moments of every phase: it is killed, stands still, finds the disk full, computes NaN, or its link is cut. All ranks end within 15 s,
// the cause is named, and what is resumed ends with the bits of a run that never failed. Prints what it drew. Open MPI, as root: a full disk is a tmpfs, the cut link a veth.
//   node scripts/verify/rank-failures.mjs [--trials 50] [--seed 1] [--only KIND] [--phase PHASE]
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Stop, main, output as outputOf } from '../support/run.mjs'
import { verdict } from './common.mjs'
import { bits, cli, commandOf, following, mpiFor, pause, rankProcesses, started, withWork } from './ranks/launching.mjs'
import { acrossNamespaces } from './ranks/namespaces.mjs'

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    phase: { type: 'string', default: '' },
  },
})
const MOST_SECONDS = 15
/** Seconds after which a trial that does not end is ended. */
const LIMIT = 60
const fault = join(import.meta.dirname, 'ranks/fault.mjs')

const recipe = [
  ...['train', '--family', 'cifar', '--depth', '8', '--data', 'digits', '--batch', '33', '--steps', '60', '--precision', 'fp32', '--threads', '1'],
  ...['--validate-every', '15', '--checkpoint-every', '10', '--log-every', '5', '--resume', '--output'],
]

/** How often a phase may come before the one that is hit, and the milliseconds within it. */
const phases = {
  start: { times: 1, delay: 1500 },
  joined: { times: 1, delay: 400 },
  step: { times: 15, delay: 60 },
  validation: { times: 4, delay: 300 },
  save: { times: 6, delay: 20 },
  end: { times: 1, delay: 20 },
}
const kinds = {
  SIGKILL: {
    phases: Object.keys(phases),
    ranks: [0, 1, 2],
    said: (rank) => new RegExp(`rank ${rank} of 3 has said nothing|process rank ${rank} with PID \\d+ on node \\S+ exited on signal 9`),
  },
  SIGSTOP: {
    phases: Object.keys(phases),
    ranks: [0, 1, 2],
    said: (rank) =>
      new RegExp(`rank ${rank} of 3 has said nothing|${rank} of 3.* not (?:joined|come)|all ranks have ended their run, but .* one of them stands still`),
  },
  // Rank 0 alone writes.
  disk: { phases: ['start', 'joined', 'step', 'validation', 'save', 'end'], ranks: [0], said: () => /rank 0 of 3.*(?:ENOSPC|no space|full)/i },
  // What has been computed is not looked at again.
  NaN: { phases: ['joined', 'step'], ranks: [0, 1, 2], said: (rank) => new RegExp(`rank ${rank} of 3.*not finite`) },
  link: {
    phases: ['joined', 'step', 'validation', 'save'],
    ranks: [2],
    said: () => /rank [02] of 3 has said nothing|lost contact|lost connection|unable to reach/i,
  },
}

/** A trial by random numbers. */
function drawn(draw) {
  const pick = (list) => list[draw() % list.length]
  const kind = values.only === '' ? pick(Object.keys(kinds)) : values.only
  const phase = values.phase === '' ? pick(kinds[kind].phases) : values.phase
  const { times, delay } = phases[phase]
  return { kind, phase, rank: pick(kinds[kind].ranks), times: draw() % times, delay: draw() % delay }
}

async function trial(index, given, { work, mpi, across, expected }) {
  const folder = join(work, `trial-${index}`)
  const marker = join(work, `marker-${index}`)
  mkdirSync(folder)
  const full = given.kind === 'disk'
  if (full) outputOf('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', folder])
  const link = given.kind === 'link' ? across() : undefined
  const output = join(folder, 'run')
  const words = [...recipe, output]
  const faulty = JSON.stringify({ ...given, marker, folder })
  const command = [process.execPath, '--import', fault, cli, ...words]
  const env = { PRERESNET_MPI: mpi.library, PRERESNET_FAULT: faulty }
  const run = started(link === undefined ? [mpi.mpirun, ...mpi.flags, '-n', '3', ...command] : link.command(env, command), { env, limit: 1000 * 2 * LIMIT })
  try {
    let over = false
    void run.ended.then(() => (over = true))
    const begin = Date.now()
    while (!existsSync(marker) && !over && Date.now() - begin < 1000 * LIMIT) await pause(20)
    if (!existsSync(marker)) {
      const { code, stderr } = await run.ended
      // It had ended before the moment came.
      return { ...given, over: true, code, passed: code === 0 && bits(output) === expected, ...(code !== 0 && { said: stderr.slice(-1500) }) }
    }
    const at = Number(readFileSync(marker, 'utf8')) || Date.now()
    link?.cut()
    while (rankProcesses(output).length > 0 && Date.now() - at < 1000 * LIMIT) await pause(50)
    const seconds = (Date.now() - at) / 1000
    const left = rankProcesses(output)
    left.forEach((pid) => process.kill(pid, 'SIGKILL'))
    // Whoever launches may wait for the other side of a cut link.
    if (link !== undefined) run.stop()
    link?.end()
    const { code, stderr } = await run.ended
    const named = kinds[given.kind].said(given.rank).test(stderr)
    rmSync(join(folder, 'filler'), { force: true })
    const resumed = await started(commandOf(mpi, 3, words), { env }).ended
    const same = resumed.code === 0 && bits(output) === expected
    // At its very end a run may have nothing left that could fail.
    const well = code === 0 && given.phase === 'end'
    const passed = left.length === 0 && seconds <= MOST_SECONDS && same && (well || (code !== 0 && named))
    return {
      ...given,
      code,
      seconds,
      named,
      left: left.length,
      same,
      passed,
      ...(!passed && { said: stderr.slice(-1500), resumed: resumed.stderr.slice(-500) }),
    }
  } finally {
    link?.end()
    if (full) outputOf('umount', [folder])
  }
}

main('rank-failures', () =>
  withWork('failures', async (work) => {
    if (values.only !== '' && kinds[values.only] === undefined) throw new Stop(`--only: expected one of ${Object.keys(kinds).join(', ')}, got ${values.only}`)
    const mpi = mpiFor({ work })
    const untouched = join(work, 'untouched')
    const { code, stderr } = await started(commandOf(mpi, 3, [...recipe, untouched]), { env: { PRERESNET_MPI: mpi.library } }).ended
    if (code !== 0) throw new Stop(stderr)
    const context = { work, mpi, across: () => acrossNamespaces({ work, hosts: [2, 1] }), expected: bits(untouched) }
    let random = Number(values.seed)
    const draw = () => (random = following(random))
    const trials = []
    for (let index = 0; index < Number(values.trials); index++) {
      trials.push(await trial(index, drawn(draw), context))
      console.error(JSON.stringify(trials.at(-1)))
    }
    const slowest = Math.max(0, ...trials.map(({ seconds = 0 }) => seconds))
    verdict({
      seed: Number(values.seed),
      trials: trials.length,
      failed: trials.filter(({ passed }) => !passed).length,
      slowest,
      passed: trials.every(({ passed }) => passed),
    })
  }),
)
