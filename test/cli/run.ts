/** Runs the command line as a user does. */
import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { commands } from '../../lib/cli/commands.js'
import { documentSchema } from '../../lib/cli/json/document.js'
import { violations } from '../support/json_schema.js'

export const mainFile = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url))
export const goldenDirectory = fileURLToPath(new URL('../../../test/goldens', import.meta.url))

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Called once the process runs, and with every piece of stderr. */
  readonly watch?: (child: ChildProcess, stderr: string) => void
}

/** Tests of a file run together; this many of their processes do. */
const slots = 3
let running = 0
const waiting: (() => void)[] = []

/** What `--json` prints is judged by its schema, whatever else a test looks at. */
export async function preresnet(words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const outcome = await inTurn(words, options)
  if (words.includes('--json') && outcome.stdout !== '') {
    const wrong = violations(documentSchema(commands.findLast(({ name }) => `${words.join(' ')} `.startsWith(`${name} `))!.json), JSON.parse(outcome.stdout))
    if (wrong.length > 0) throw new Error(`preresnet ${words.join(' ')}: ${wrong.slice(0, 10).join('; ')}`)
  }
  return outcome
}

async function inTurn(words: readonly string[], options: RunOptions): Promise<Outcome> {
  if (running >= slots) await new Promise<void>((resolve) => waiting.push(resolve))
  running++
  try {
    return await run(words, options)
  } finally {
    running--
    waiting.shift()?.()
  }
}

function run(words: readonly string[], { cwd, env, watch }: RunOptions): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [mainFile, ...words], {
      cwd,
      env: { ...process.env, PRERESNET_DEBUG: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
      watch?.(child, stderr)
    })
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, stdout, stderr }))
  })
}
