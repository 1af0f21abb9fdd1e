/** How a command ends when it cannot do what was asked: one line on stderr, and an exit status. */
import { CommanderError } from 'commander'
import { PreresnetError } from '../errors.js'
import { launchOf, placeOf } from '../ranks/launch.js'
import type { Ranks } from '../ranks/ranks.js'
import { note } from './output.js'

/** 2: the command was not understood; 1: it failed. */
const usageStatus = 2
export const failureStatus = 1

/** Ends the command with a status, its message already printed. */
class Exit extends Error {
  constructor(readonly status: number) {
    super(`exit ${status}`)
  }
}

/** Whether the processes that a launcher started are one run. */
let together = false
/** Which of them this is, once it has joined the others. */
let joined: Ranks | undefined

/** From now on a failure is taken for one of all processes of the launcher. */
export function runTogether(): void {
  together = true
}

/** From now on errors say whose they are. */
export function speakAs(ranks: Ranks): void {
  joined = ranks
}

/**
 * Most failures are those of all processes (a wrong option, a missing library), or all hear of them, and one line is enough to say so: the first process of a
 * machine speaks, and once ranks have joined rank 0. Launchers end the others when the first has failed: one that is still there after this many milliseconds
 * may have failed alone, or rank 0 is gone, and speaks.
 */
const othersDelay = 2_000

/** How its errors begin, and after how many milliseconds it prints them. */
function speaker(): { readonly name: string; readonly delay: number } {
  if (joined !== undefined) return { name: `rank ${joined.rank} of ${joined.size}: `, delay: joined.rank === 0 ? 0 : othersDelay }
  if (!together) return { name: '', delay: 0 }
  try {
    const launch = launchOf(process.env)
    if (launch?.local !== undefined && launch.local > 0) return { name: `rank ${launch.rank} of ${launch.ranks}: `, delay: othersDelay }
    return { name: '', delay: 0 }
  } catch {
    // The variables themselves are what fails.
    return { name: '', delay: (placeOf(process.env) ?? 0) > 0 ? othersDelay : 0 }
  }
}

/** Prints the error and returns the exit status. PRERESNET_DEBUG=1 adds the stack and the causes. */
export function report(error: unknown): number {
  if (error instanceof Exit) return error.status
  if (error instanceof CommanderError && error.exitCode === 0) return 0
  const { code, message } = describeError(error)
  const status = code === 'ERR_OPTION' ? usageStatus : failureStatus
  const { name, delay } = speaker()
  const tell = (): void => {
    note(`preresnet: ${name}${code}: ${oneLine(message)}`)
    if (process.env.PRERESNET_DEBUG) note(stacks(error))
  }
  if (delay === 0) tell()
  else setTimeout(tell, delay)
  return status
}

function describeError(error: unknown): { code: string; message: string } {
  if (error instanceof PreresnetError) return error
  if (error instanceof CommanderError) return { code: 'ERR_OPTION', message: usage(error) }
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'ERR_INTERNAL', message: `${message} (a defect of preresnet; PRERESNET_DEBUG=1 shows where)` }
}

function usage(error: CommanderError): string {
  if (error.code === 'commander.help') return 'expected a command, got none; preresnet --help lists them'
  return error.message.replace(/^error: /, '').replace(/\s*\(Did you mean (.*)\?\)/, '; did you mean $1?')
}

function oneLine(message: string): string {
  return message.replace(/\s*\n\s*/g, ' ')
}

function stacks(error: unknown): string {
  const lines: string[] = []
  for (let cause = error; cause instanceof Error; cause = cause.cause) lines.push(cause.stack ?? cause.message)
  return lines.join('\ncaused by ')
}
