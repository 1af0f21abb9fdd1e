/** Readers that go away and disks that are full. */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { mainFile } from './run.js'

const folder = await mkdtemp(join(tmpdir(), 'preresnet-streams-'))
const at = (name: string) => join(folder, name)
test.after.always(() => rm(folder, { recursive: true, force: true }))

/** 'gone': a pipe that nobody reads; 'full': a device without space. */
type Target = 'read' | 'gone' | 'full'

interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function run(words: readonly string[], targets: { readonly stdout?: Target; readonly stderr?: Target }): Promise<Outcome> {
  const { stdout = 'read', stderr = 'read' } = targets
  const full = openSync('/dev/full', 'w')
  const child = spawn(process.execPath, [mainFile, ...words], {
    env: { ...process.env, PRERESNET_DEBUG: '' },
    stdio: ['ignore', stdout === 'full' ? full : 'pipe', stderr === 'full' ? full : 'pipe'],
  })
  closeSync(full)
  if (stdout === 'gone') child.stdout!.destroy()
  if (stderr === 'gone') child.stderr!.destroy()
  const texts = { stdout: '', stderr: '' }
  if (stdout === 'read') child.stdout!.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()))
  if (stderr === 'read') child.stderr!.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, ...texts }))
  })
}

for (const words of [['--help'], ['train', '--help'], ['summary', 'preresnet-20'], ['plan', 'preresnet-20', '--json']]) {
  test(`${words.join(' ')}: a closed pipe ends it quietly`, async (t) => {
    const { status, stderr } = await run(words, { stdout: 'gone' })
    t.is(status, 141)
    t.is(stderr, '')
  })

  test(`${words.join(' ')}: a full disk is one line`, async (t) => {
    const { status, stderr } = await run(words, { stdout: 'full' })
    t.is(status, 1)
    t.is(stderr, 'preresnet: ERR_FILE: standard output: could not write: no space left on the device\n')
  })
}

test('an error that nobody reads still has its status', async (t) => {
  for (const stderr of ['gone', 'full'] as const) t.is((await run(['summary', 'preresnet-163'], { stderr })).status, 2)
})

const training = (output: string): string[] => [
  ...['train', '--family', 'cifar', '--depth', '8', '--widths', '16,16,16', '--data', 'digits', '--batch', '16', '--threads', '1', '--precision', 'fp32'],
  ...['--steps', '12', '--log-every', '1', '--validate-every', '1000', '--checkpoint-every', '4', '--output', at(output)],
]

for (const stderr of ['gone', 'full'] as const) {
  test(`training goes on where its progress is ${stderr}`, async (t) => {
    const { status, stdout } = await run(training(stderr), { stderr })
    t.is(status, 0)
    t.is(stdout, `${at(stderr)}/model.safetensors\n`)
    t.true((await readdir(at(stderr))).includes('step-00000012'))
  })
}

test('training whose result nobody reads is saved', async (t) => {
  const { status, stderr } = await run([...training('unread'), '--json'], { stdout: 'gone' })
  t.is(status, 141)
  t.is(stderr, '')
  const names = await readdir(at('unread'))
  for (const name of ['step-00000012', 'model.safetensors', 'result.json']) t.true(names.includes(name), name)
})
