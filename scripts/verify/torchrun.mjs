// A real torchrun on this machine: the processes that it starts find their ranks by its variables; between CPUs, which it gives no MPI, they are refused in one line; one
// process by itself trains, and what torchrun starts again after a kill resumes, to the bits of a run that nobody touched.
//   node scripts/verify/torchrun.mjs TORCHRUN    the program, as in a virtual environment that has torch
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Stop, main } from '../support/run.mjs'
import { verdict } from './common.mjs'
import { bits, cli, pause, rankProcesses, started, withWork } from './ranks/launching.mjs'

const { positionals } = parseArgs({ allowPositionals: true })
const recipe = [
  ...['train', '--model', 'preresnet-20', '--data', 'digits', '--batch', '32', '--steps', '200', '--precision', 'fp32', '--threads', '1'],
  ...['--validate-every', '1000000', '--checkpoint-every', '20', '--log-every', '20'],
]

main('torchrun', () =>
  withWork('torchrun', async (work) => {
    const [torchrun] = positionals
    if (torchrun === undefined) throw new Stop('expected the path of torchrun, got none')
    const torch = (processes, more, command) =>
      started([torchrun, '--standalone', `--nproc-per-node=${processes}`, ...more, '--no-python', ...command], { env: { OMP_NUM_THREADS: '1' } })
    const launched = (processes, more, words) => torch(processes, more, [process.execPath, cli, ...words])
    const results = {}
    const told = (name, passed, seen) => {
      results[name] = passed
      console.error(JSON.stringify({ [name]: passed, seen }))
    }
    const several = await launched(3, [], [...recipe, '--output', join(work, 'several')]).ended
    const lines = several.stderr.split('\n').filter((line) => line.startsWith('preresnet: '))
    told(
      'three processes: one line that says what they are',
      several.code !== 0 && lines.length === 1 && /torchrun started 3 processes that MPI does not know/.test(lines[0]),
      lines,
    )
    const launch = JSON.stringify(join(cli, '../../ranks/launch.js'))
    const asked = await torch(3, [], [process.execPath, '-e', `import(${launch}).then(({ launchOf }) => console.log(JSON.stringify(launchOf(process.env))))`])
      .ended
    const ranks = [...asked.stdout.matchAll(/\{.*\}/g)].map(([text]) => JSON.parse(text)).sort((a, b) => a.rank - b.rank)
    const right =
      ranks.length === 3 &&
      ranks.every(({ launcher, rank, local, ranks: all }, index) => launcher === 'torchrun' && rank === index && local === index && all === 3)
    told('three processes find their ranks', right, ranks)

    const untouched = await launched(1, [], [...recipe, '--output', join(work, 'untouched')]).ended
    told('one process trains', untouched.code === 0, untouched.stderr.slice(-200))
    const output = join(work, 'restarted')
    const run = launched(1, ['--max-restarts=1'], [...recipe, '--output', output, '--resume'])
    let over = false
    void run.ended.then(() => (over = true))
    while (!over && !/^step 60\//m.test(run.said())) await pause(100)
    rankProcesses(output).forEach((pid) => process.kill(pid, 'SIGKILL'))
    const { code, stderr } = await run.ended
    told(
      'killed, started again by torchrun, resumed: the same bits',
      code === 0 && /resumed at step/.test(stderr) && bits(output) === bits(join(work, 'untouched')),
      /resumed at step.*/.exec(stderr)?.[0],
    )
    verdict({ results, passed: Object.values(results).every(Boolean) })
  }),
)
