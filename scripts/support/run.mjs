// Child processes of the set-up and check scripts: output goes straight through, failure ends the script with one line.
import { spawnSync } from 'node:child_process'

/** A failure that is already explained: shown without a stack. */
export class Stop extends Error {}

/** Runs a command with the terminal's input and output; throws Stop if it fails. */
export function run(command, args, options = {}) {
  const { status, signal, error } = spawnSync(command, args, { stdio: 'inherit', ...options })
  if (error !== undefined) throw new Stop(`cannot run ${command}: ${error.message}`)
  if (signal !== null) throw new Stop(`${command} was ended by ${signal}`)
  if (status !== 0) throw new Stop(`failed with exit status ${status}: ${[command, ...args].join(' ')}`)
}

/** What a command prints, or undefined where it is missing or fails. */
export function output(command, args, options = {}) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], ...options })
  return status === 0 ? stdout : undefined
}

/** Runs a script's body; a Stop or a mistyped option becomes one line on stderr and exit status 1. */
export async function main(name, body) {
  try {
    await body()
  } catch (error) {
    const explained = error instanceof Stop || error.code?.startsWith('ERR_PARSE_ARGS')
    console.error(explained ? `${name}: ${error.message}` : error)
    process.exitCode = 1
  }
}
