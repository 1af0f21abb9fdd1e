// The promise of one tree under a real mpirun: four groups of statistics, four accumulations, 2 ranks x 2 accumulations, 2 ranks x 2 groups and 4 ranks end with
// the same bits; so do 8 groups and 8 ranks; 3 ranks give theirs again; and what 4 ranks began, 2 ranks or one process go on with to the bits of a run of one process.
// MPI: what mpirun and mpicxx are on this machine; with --mpich Debian's mpirun.mpich and mpicxx.mpich.
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Stop, main } from '../support/run.mjs'
import { verdict } from './common.mjs'
import { bits, commandOf, mpiFor, started, withWork } from './ranks/launching.mjs'

const { values } = parseArgs({ options: { mpich: { type: 'boolean', default: false }, steps: { type: 'string', default: '50' } } })

const recipe = [
  ...['train', '--model', 'preresnet-20', '--unit', 'dropout-shortcut', '--data', 'digits', '--pad', '2', '--flip', '--batch', '32', '--seed', '3'],
  ...['--clip-norm', '0.5', '--label-smoothing', '0.1', '--validate-every', '1000000', '--checkpoint-every', '10', '--threads', '1'],
]

const mixtures = [
  [1, 'four accumulations', ['--accumulate', '4']],
  [2, '2 ranks x 2 accumulations', ['--accumulate', '2']],
  [2, '2 ranks x 2 groups', ['--statistics-groups', '2']],
  [4, '4 ranks', []],
]

/** Who goes on with what four ranks began. */
const others = [
  [2, '2 ranks x 2 groups', ['--statistics-groups', '2']],
  [2, '2 ranks x 2 accumulations', ['--accumulate', '2']],
  [1, 'one process with 4 groups', ['--statistics-groups', '4']],
]

main('ranks', () =>
  withWork('ranks', async (work) => {
    const mpi = mpiFor({ ...values, work })
    const results = {}
    /** Each is told at once: a run takes minutes. */
    const told = (name, passed) => {
      results[name] = passed
      console.error(JSON.stringify({ [name]: passed }))
    }
    const trained = async (ranks, name, extra) => {
      const output = join(work, name)
      const { code, stderr } = await started(commandOf(mpi, ranks, [...recipe, '--output', output, ...extra]), {
        env: { PRERESNET_MPI: mpi.library },
        limit: 600_000,
      }).ended
      if (code !== 0) throw new Stop(`${name}: status ${code}: ${stderr}`)
      return bits(output)
    }
    for (const precision of ['fp32', 'bf16']) {
      const run = ['--steps', values.steps, '--precision', precision]
      const expected = await trained(1, `${precision} four groups`, [...run, '--statistics-groups', '4'])
      for (const [ranks, name, extra] of mixtures)
        told(`${precision}, ${name}`, (await trained(ranks, `${precision} ${name}`, [...run, ...extra])) === expected)
    }
    const eight = ['--steps', '20', '--precision', 'fp32']
    told('8 ranks', (await trained(8, 'eight ranks', eight)) === (await trained(1, 'eight groups', [...eight, '--statistics-groups', '8'])))
    const three = ['--batch', '33', '--steps', values.steps, '--precision', 'fp32']
    told('3 ranks, twice', (await trained(3, 'three ranks', three)) === (await trained(3, 'three ranks again', three)))
    // As docs/ranks.md starts them: each takes its share of the threads.
    told('2 ranks, threads unsaid', (await trained(2, 'threads unsaid', ['--threads', '0', '--steps', '5'])).startsWith('5 '))

    const constant = ['--schedule', 'constant', '--precision', 'fp32']
    const whole = await trained(1, 'never interrupted', [...constant, '--steps', values.steps, '--statistics-groups', '4'])
    await trained(4, 'begun', [...constant, '--steps', '20'])
    for (const [ranks, name, extra] of others) {
      cpSync(join(work, 'begun'), join(work, `then ${name}`), { recursive: true })
      told(`4 ranks, resumed by ${name}`, (await trained(ranks, `then ${name}`, [...constant, '--steps', values.steps, '--resume', ...extra])) === whole)
    }
    verdict({ mpi: mpi.mpirun, steps: Number(values.steps), results, passed: Object.values(results).every(Boolean) })
  }),
)
