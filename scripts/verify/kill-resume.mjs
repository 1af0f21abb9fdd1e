// Training killed at 20 moments, five of them while a checkpoint is written, and resumed each time with another number of threads
// and of loader workers: weights and optimizer state must end bit for bit as in a run that nobody touched.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { verdict } from './common.mjs'

const cli = fileURLToPath(new URL('../../dist/lib/cli/main.js', import.meta.url))
const steps = 150
const work = mkdtempSync(join(tmpdir(), 'preresnet-kill-'))

function train(output, extra, onStart = () => {}) {
  const recipe = ['--model', 'preresnet-20', '--data', 'digits', '--batch', '32', '--steps', String(steps), '--seed', '3', '--precision', 'fp32']
  const child = spawn(
    process.execPath,
    [cli, 'train', ...recipe, '--pad', '2', '--checkpoint-every', '5', '--validate-every', '1000000', '--output', output, ...extra],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let message = ''
  child.stderr.on('data', (chunk) => (message += chunk))
  onStart(child)
  return new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal, message })))
}

/** Newest whole checkpoint's two tensors files. */
function state(output) {
  const root = readdirSync(output, { recursive: true }).map(String)
  const newest = root
    .filter((name) => /step-\d+$/.test(name))
    .sort((a, b) => Number(/\d+$/.exec(a)[0]) - Number(/\d+$/.exec(b)[0]))
    .at(-1)
  const hash = (name) =>
    createHash('sha256')
      .update(readFileSync(join(output, newest, name)))
      .digest('hex')
  return { newest, model: hash('model.safetensors'), optimizer: hash('optimizer.safetensors') }
}

/** Whether a checkpoint is being written: its directory under a temporary name is there. */
function writing(output) {
  try {
    return readdirSync(output, { recursive: true }).some((name) => /step-\d+.*(tmp|partial|incomplete)|\.tmp/.test(String(name)))
  } catch {
    return false
  }
}

const whole = join(work, 'whole')
const started = performance.now()
const first = await train(whole, ['--threads', '2', '--workers', '1'])
if (first.code !== 0) throw new Error(first.message)
const duration = performance.now() - started

const killed = join(work, 'killed')
let kills = 0
let whileWriting = 0
let finished = false
for (let attempt = 0; kills < 20 && attempt < 200; attempt++) {
  const wantWriting = whileWriting < 5 && kills >= 10
  const extra = ['--threads', String(1 + (attempt % 3)), '--workers', String(1 + (attempt % 2)), ...(attempt > 0 ? ['--resume'] : [])]
  const result = await train(killed, extra, (child) => {
    if (!wantWriting) {
      setTimeout(() => child.kill('SIGKILL'), 0.3 * duration * Math.random() + 700)
      return
    }
    const poll = setInterval(() => {
      if (!writing(killed)) return
      clearInterval(poll)
      child.kill('SIGKILL')
    }, 0)
    child.on('exit', () => clearInterval(poll))
  })
  if (result.signal === 'SIGKILL') {
    kills++
    if (wantWriting) whileWriting++
  } else if (result.code === 0) {
    // Finished before it was killed: begin again, so that every kill meets a run.
    if (kills >= 20) finished = true
    else rmSync(killed, { recursive: true, force: true })
  } else throw new Error(`resume failed with ${result.code}: ${result.message}`)
}
if (!finished) {
  const last = await train(killed, ['--threads', '1', '--workers', '2', '--resume'])
  if (last.code !== 0) throw new Error(last.message)
}
const expected = state(whole)
const got = state(killed)
rmSync(work, { recursive: true, force: true })
verdict({
  check: 'killed and resumed',
  kills,
  whileWriting,
  expected,
  got,
  passed: kills === 20 && whileWriting >= 5 && JSON.stringify(expected) === JSON.stringify(got),
})
