// Which of cuDNN's kernels is the fastest for every distinct convolution of the networks that are measured: the milliseconds of every candidate
// that ran, by convolution. What is found is remembered in PRERESNET_CACHE, so that the checks after this one need not find it.
import { join } from 'node:path'
import { attempt, json } from './processes.mjs'
import { ROWS } from './speed.mjs'

const SMALL = [[JSON.stringify({ family: 'cifar', depth: 8, input: { height: 8, width: 8, channels: 3 }, classes: 10 }), 1]]
/** For a process to begin, and to end where it is told to. */
const MARGIN = 10

export async function tuning({ home, device, emulated, rows, secondsLeft, say, keep }) {
  const runs = []
  const networks = (rows ?? Object.keys(ROWS)).map((row) => [ROWS[row].network, ROWS[row].batch])
  for (const [network, batch] of emulated ? SMALL : networks) {
    if (secondsLeft() < 2 * MARGIN) break
    const words = [join(home, 'scripts/gpu/tune-network.mjs'), network, batch, device, Math.round(secondsLeft() - MARGIN)]
    try {
      runs.push(json(attempt(process.execPath, words, { limit: secondsLeft(), cwd: home, stdio: ['ignore', 'pipe', 'inherit'] }), words.slice(1).join(' ')))
    } catch (error) {
      runs.push({ network, batch, error: error.message })
    }
    const { error, sites, timed, seconds, found } = runs.at(-1)
    say(`${runs.at(-1).network} at ${batch}: ${error ?? `${timed} of ${sites} convolutions in ${seconds.toFixed(1)} s, ${tiersOf(found)}`}`)
    keep({ runs })
  }
  return { passed: runs.length > 0 && runs.every(({ error }) => error === undefined), cache: process.env.PRERESNET_CACHE, runs }
}

function tiersOf(found) {
  const all = Object.values(found)
  return ['plain', 'precompiled', 'runtime-compiled']
    .map((name, tier) => [name, all.filter((each) => each.tier === tier).length])
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
}
