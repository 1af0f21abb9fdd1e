// The model of scaling beside what two ranks take (as root; needs iproute2, ethtool, util-linux and Open MPI): one rank a core, in two network namespaces that a
// veth joins, which `tbf` limits to each of --rates (Mbit/s). The median of --runs runs of --steps steps must be within 20 % of what `plan` says of
// the bandwidth and latency that `doctor --distributed` measures there; `byRate` is the same with the rate that tbf was given.
//   node scripts/verify/network.mjs [--rates 1000,100] [--runs 5] [--steps 100] [--model NAME] [--batch N]
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Stop, main, output } from '../support/run.mjs'
import { verdict } from './common.mjs'
import { cli, mpiFor, started, withWork } from './ranks/launching.mjs'
import { acrossNamespaces } from './ranks/namespaces.mjs'

const { values } = parseArgs({
  options: {
    rates: { type: 'string', default: '1000,100' },
    runs: { type: 'string', default: '5' },
    steps: { type: 'string', default: '100' },
    model: { type: 'string', default: 'preresnet-20' },
    batch: { type: 'string', default: '32' },
  },
})
/** Steps before those that count. */
const WARM = 10
const LOG_EVERY = 10
const LIMIT = 0.2

/** What a command of preresnet prints on two ranks. */
const onRanks = (link, env) => async (words) => {
  const { code, stdout, stderr } = await started(link.command(env, [process.execPath, cli, ...words]), { env }).ended
  if (code !== 0) throw new Stop(`status ${code}: ${stderr.slice(-1500)}`)
  return stdout
}

const recipe = (batch, folder) => [
  ...['train', '--model', values.model, '--data', 'digits', '--batch', String(batch), '--precision', 'fp32', '--threads', '1', '--output', folder],
  ...['--steps', String(WARM + Number(values.steps)), '--log-every', String(LOG_EVERY), '--validate-every', '1000000', '--checkpoint-every', '1000000'],
]

/** Mean seconds of a step, but for the first ones. */
function stepSeconds(folder, batch) {
  const lines = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trim().split('\n')
  const rates = lines
    .map((line) => JSON.parse(line))
    .flatMap(({ kind, step, imagesPerSecond }) => (kind !== 'validation' && step > WARM ? [imagesPerSecond] : []))
  return rates.reduce((sum, rate) => sum + batch / rate, 0) / rates.length
}

/** What a rank computes for, while the other core is at work too: two processes that know nothing of each other. */
async function computeSeconds(work, batch) {
  const runs = [0, 1].map((core) => started(['taskset', '-c', String(core), process.execPath, cli, ...recipe(batch, join(work, `alone-${core}`))]).ended)
  for (const { code, stderr } of await Promise.all(runs)) if (code !== 0) throw new Stop(stderr)
  return Math.max(...[0, 1].map((core) => stepSeconds(join(work, `alone-${core}`), batch)))
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1]

async function measured(link, ranks, work, rate, compute) {
  link.limit(rate)
  const { reduction } = JSON.parse(await ranks(['doctor', '--distributed', '--json'])).distributed
  const seconds = []
  for (let index = 0; index < Number(values.runs); index++) {
    const folder = join(work, `${rate}-${index}`)
    await ranks(recipe(values.batch, folder))
    seconds.push(stepSeconds(folder, Number(values.batch)))
    console.error(JSON.stringify({ rate, seconds: seconds.at(-1) }))
  }
  const modelled = (bandwidth) => {
    const network = ['--network-bandwidth', String((8 * bandwidth) / 1e9), '--network-latency', String(1e6 * reduction.latencySeconds)]
    const plan = [
      cli,
      'plan',
      values.model,
      '--batch',
      values.batch,
      '--ranks',
      '2',
      '--step-time',
      String(1e3 * compute),
      ...network,
      '--threads',
      '1',
      '--json',
    ]
    return JSON.parse(output(process.execPath, plan, { maxBuffer: 1 << 26 })).scaling.rows.at(-1).stepSeconds
  }
  const [model, byRate] = [reduction.bytesPerSecond, rate * 125e3].map(modelled)
  const found = median(seconds)
  return {
    rate,
    ...reduction,
    compute,
    seconds,
    median: found,
    model,
    ratio: found / model,
    byRate: found / byRate,
    passed: Math.abs(found / model - 1) <= LIMIT,
  }
}

main('network', () =>
  withWork('network', async (work) => {
    if (cpus().length < 2) throw new Stop('expected two cores, got one')
    const env = { PRERESNET_MPI: mpiFor({ work }).library }
    const link = acrossNamespaces({ work, hosts: [1, 1], pinned: true })
    try {
      const ranks = onRanks(link, env)
      const compute = await computeSeconds(work, Number(values.batch) / 2)
      const rows = []
      for (const rate of values.rates.split(',').map(Number)) {
        rows.push(await measured(link, ranks, work, rate, compute))
        console.error(JSON.stringify(rows.at(-1)))
      }
      verdict({ model: values.model, batch: Number(values.batch), rows, passed: rows.every(({ passed }) => passed) })
    } finally {
      link.end()
    }
  }),
)
