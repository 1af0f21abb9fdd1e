// Launches nvcc and keeps what ptxas says of every kernel beside the object file, as OBJECT.ptxas: scripts/cuda/kernels.mjs reads it.
// Everything else that the compiler says is passed on.
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'

const [compiler, ...parameters] = process.argv.slice(2)
const object = parameters[parameters.indexOf('-o') + 1]
const { status, signal, stdout, stderr, error } = spawnSync(compiler, parameters, { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['inherit', 'pipe', 'pipe'] })
if (error !== undefined) throw error

const lines = `${stdout}${stderr}`.split('\n').filter((line) => line !== '')
// Two lines of figures follow `Function properties for NAME`.
const isNote = (line, index) => line.startsWith('ptxas info') || /^\s+\d+ bytes stack frame/.test(line) || lines[index - 1]?.includes('Function properties for')
const notes = lines.filter(isNote)
const rest = lines.filter((line, index) => !isNote(line, index))
if (rest.length > 0) process.stderr.write(`${rest.join('\n')}\n`)
if (parameters.includes('-c') && object !== undefined) {
  rmSync(`${object}.ptxas`, { force: true })
  if (status === 0) writeFileSync(`${object}.ptxas`, `${notes.join('\n')}\n`)
}
process.exitCode = signal === null ? status : 1
