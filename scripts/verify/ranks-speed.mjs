// What ranks cost beside threads, on two cores: 2 ranks of one thread and one process of two threads with 2 statistics groups, batch 128 in all, in turn; the median of
// the pairs must be at least 0.95 times the images/s.
//   node scripts/verify/ranks-speed.mjs [--model preresnet-110] [--pairs 9] [--steps 12] [--precision fp32]
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Stop, main } from '../support/run.mjs'
import { verdict } from './common.mjs'
import { commandOf, mpiFor, started, withWork } from './ranks/launching.mjs'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'preresnet-110' },
    pairs: { type: 'string', default: '9' },
    steps: { type: 'string', default: '12' },
    precision: { type: 'string', default: 'fp32' },
  },
})
/** Steps before those that count. */
const WARM = 4
const LEAST = 0.95
const steps = WARM + Number(values.steps)

const recipe = [
  ...['train', '--model', values.model, '--data', 'digits', '--batch', '128', '--precision', values.precision, '--log-every', '4'],
  ...['--steps', String(steps), '--validate-every', '1000000', '--checkpoint-every', '1000000'],
]

function ratesIn(output) {
  const file = join(output, 'metrics.jsonl')
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line)).flatMap(({ kind, step, imagesPerSecond }) => (kind !== 'validation' && step > WARM ? [imagesPerSecond] : []))
}

main('ranks-speed', () =>
  withWork('speed', async (work) => {
    const mpi = mpiFor({ work })
    let runs = 0
    /** Images a second, but for the first steps. The run is ended where its last step is done: what follows is not of interest. */
    const speed = async (ranks, extra) => {
      const output = join(work, `run-${++runs}`)
      const run = started(commandOf(mpi, ranks, [...recipe, ...extra, '--output', output]), { env: { PRERESNET_MPI: mpi.library } })
      const last = setInterval(() => ratesIn(output).length === Number(values.steps) / 4 && run.stop(), 50)
      const { stderr } = await run.ended
      clearInterval(last)
      const rates = ratesIn(output)
      if (rates.length !== Number(values.steps) / 4) throw new Stop(`expected ${steps} steps, got ${stderr.slice(-500)}`)
      return rates.length / rates.reduce((sum, rate) => sum + 1 / rate, 0)
    }
    const pairs = []
    for (let index = 0; index < Number(values.pairs); index++) {
      const ranks = await speed(2, ['--threads', '1'])
      const threads = await speed(1, ['--threads', '2', '--statistics-groups', '2'])
      pairs.push({ ranks, threads, ratio: ranks / threads })
      console.error(JSON.stringify(pairs.at(-1)))
    }
    const ratios = pairs.map(({ ratio }) => ratio).sort((a, b) => a - b)
    const median = ratios[ratios.length >> 1]
    verdict({ model: values.model, precision: values.precision, pairs, median, passed: median >= LEAST })
  }),
)
