/** What a signal does before there is anything to save, and where nothing is. */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import test from 'ava'
import { lockFile } from '../../lib/training/directory_lock.js'
import { mainFile, preresnet } from './run.js'

const folder = await mkdtemp(join(tmpdir(), 'preresnet-signals-'))
const at = (name: string) => join(folder, name)
test.after.always(() => rm(folder, { recursive: true, force: true }))

/** A network that takes seconds to prepare, and longer to train than anybody waits. */
const deep = (output: string): string[] => [
  ...['train', '--family', 'cifar', '--depth', '1001', '--block', 'bottleneck', '--data', 'digits', '--batch', '16', '--threads', '1'],
  ...['--precision', 'fp32', '--steps', '1000000', '--output', at(output)],
]

/** Whether a process holds the directory; a lock may be there of one that is gone. */
function holds(pid: number | undefined, output: string): boolean {
  const path = join(at(output), lockFile)
  return existsSync(path) && readFileSync(path, 'utf8').includes(`"pid":${pid},`)
}

/** Calls `act` when the run has begun to prepare itself, which it tells by its lock. */
async function preparing(output: string, act: (child: ChildProcess) => void): Promise<{ status: number | null; stderr: string }> {
  const child = spawn(process.execPath, [mainFile, ...deep(output)], { stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  while (!holds(child.pid, output) && child.exitCode === null) await setTimeout(2)
  act(child)
  return { status: await ended, stderr }
}

for (const [signal, expected] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  test.serial(`${signal} before the first step ends it there`, async (t) => {
    const { status, stderr } = await preparing(signal, (child) => child.kill(signal))
    t.is(status, expected)
    t.is(stderr, `${signal}: leaving before the first step; once more leaves at once\n`)
    t.deepEqual(await readdir(folder), [], 'nothing is left behind')
  })
}

test.serial('a second signal leaves at once, and the next run takes over', async (t) => {
  const { status } = await preparing('twice', (child) => {
    child.kill('SIGTERM')
    child.kill('SIGINT')
  })
  t.true(status === 143 || status === 130, String(status))
  const again = await preparing('twice', (child) => child.kill('SIGTERM'))
  t.is(again.status, 143, again.stderr)
})

test.serial('quickstart does not claim to save', async (t) => {
  let sent = false
  const { status, stderr } = await preresnet(['quickstart', '--output', at('quick'), '--threads', '1'], {
    watch: (child, text) => {
      if (sent || !/^step /m.test(text)) return
      sent = true
      child.kill('SIGINT')
    },
  })
  t.is(status, 130, stderr)
  t.regex(stderr, /SIGINT: leaving; quickstart keeps no checkpoints, so nothing of the training is saved/)
  t.notRegex(stderr, /saving/)
  const names = await readdir(at('quick'))
  for (const name of ['model.safetensors', lockFile]) t.false(names.includes(name), name)
})
