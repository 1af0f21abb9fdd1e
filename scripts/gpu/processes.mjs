// The programs that the checks start.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Stop } from '../support/run.mjs'

/** Runs a command; its output, status and whether it outlasted `limit` seconds. */
export function attempt(command, args, { limit, ...options }) {
  const { status, signal, stdout, stderr, error } = spawnSync(command, args.map(String), {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: Math.max(1, Math.round(limit * 1000)),
    killSignal: 'SIGKILL',
    ...options,
  })
  if (error !== undefined && error.code !== 'ETIMEDOUT') return { status: 127, stdout: '', stderr: error.message, late: false }
  return { status: status ?? signal, stdout, stderr, late: error?.code === 'ETIMEDOUT' }
}

/** The command line of preresnet. */
export const preresnet = ({ home }, words, options) => attempt(process.execPath, [join(home, 'dist/lib/cli/main.js'), ...words], { cwd: home, ...options })

/** JSON that a command printed; Stop with its last words where there is none. */
export function json({ status, stdout, stderr, late }, what) {
  try {
    return JSON.parse(stdout)
  } catch {
    throw new Stop(`${what}: ${late ? 'took too long' : `status ${status}: ${lastWords(stderr)}`}`)
  }
}

export const lastWords = (text) => (text ?? '').trim().split('\n').slice(-3).join(' | ')

/** Python must find its own libraries, not those of the bundle. */
export function pythonEnvironment() {
  const { PRERESNET_BUNDLE_LIBRARIES, LD_LIBRARY_PATH, ...rest } = process.env
  const paths = (LD_LIBRARY_PATH ?? '').split(':').filter((path) => path !== '' && path !== PRERESNET_BUNDLE_LIBRARIES)
  return { ...rest, PYTHONDONTWRITEBYTECODE: '1', ...(paths.length > 0 && { LD_LIBRARY_PATH: paths.join(':') }) }
}

/** PyTorch's side of the same work, as JSON. */
export function twin({ repository, python, secondsLeft }, words) {
  const args = [join(repository, 'bench/pytorch/gpu.py'), ...words, '--json']
  return json(attempt(python, args, { limit: secondsLeft(), env: pythonEnvironment() }), args.join(' '))
}
