// The sides of a pair: one fresh process each, which prints one measurement as JSON.
import { spawn } from 'node:child_process'
import { Stop } from '../../scripts/support/run.mjs'
import { described } from '../rows.mjs'
import { modelPath } from '../runtimes/model.mjs'

/** A network by its name, or as the command line describes it. */
const named = (network) => (network in described ? Object.entries(described[network]).flatMap(([key, value]) => [`--${key}`, value]) : [network])

/** sessions: how many compute at a time, as other runtimes do with several requests. */
export const ours = ({ work, network, batch, precision }, { threads, seconds }, sessions = 1) => ({
  command: process.execPath,
  words: [
    ...['dist/lib/cli/main.js', 'bench', work, ...named(network), '--batch', batch, '--precision', precision ?? 'auto'],
    ...['--device', 'cpu', '--threads', threads, '--sessions', sessions, '--seconds', seconds, '--json'],
  ],
})

const pytorch = ({ work, network, batch }, { threads, seconds, python, compile: scope }, { precision, memoryFormat, compile }) => ({
  command: python,
  words: [
    ...[`bench/pytorch/${work}.py`, '--network', network, '--batch', batch, '--precision', precision, '--memory-format', memoryFormat],
    ...(compile ? ['--compile', scope] : []),
    ...['--threads', threads, '--seconds', seconds, '--json'],
  ],
})

const runtime = ({ network, batch }, { seconds, runtimes }, { runtime: name, precision, hint, threads }) => ({
  command: runtimes,
  words: [
    ...['bench/runtimes/infer.py', '--runtime', name, '--model', modelPath(network), '--network', network, '--batch', batch],
    ...['--precision', precision, '--hint', hint, '--threads', threads, '--seconds', seconds, '--json'],
  ],
})

/** The other side of a row, in one of its configurations. */
export const opposite = (row, settings, configuration) => (row.against === 'other runtimes' ? runtime : pytorch)(row, settings, configuration)

/** What a process prints as JSON. One that fails or takes longer than `limit` seconds is a Stop that says why. */
export async function run({ command, words }, { limit }) {
  const args = words.map(String)
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' }, detached: true })
  // The process and whatever it started (a compiler's workers) end together.
  const end = () => {
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // All of them have ended already.
    }
  }
  const interrupted = () => {
    end()
    process.exit(130)
  }
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  let late = false
  const timer = setTimeout(() => {
    late = true
    end()
  }, limit * 1000)
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr = (stderr + text).slice(-4000)))
  try {
    const status = await new Promise((resolve, reject) => child.on('error', reject).on('close', (code, signal) => resolve(code ?? signal)))
    if (late) throw new Stop(`took longer than ${limit} s`)
    if (status !== 0) throw new Stop(`ended with ${status}: ${stderr.trim().split('\n').at(-1)}`)
    return JSON.parse(stdout)
  } catch (error) {
    throw new Stop(`${[command, ...args].join(' ')}: ${error.message}`)
  } finally {
    clearTimeout(timer)
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    end()
  }
}
