/** One run at a time in a directory. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readlinkSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import { DirectoryLock, lockFile } from '../../lib/training/directory_lock.js'
import { fit, type FitOptions } from '../../lib/training/index.js'
import { temporaryDirectory } from '../formats/directory.js'
import { someDigits, tiny } from './tiny.js'

async function options(directory: string, steps = 4, learningRate = 0.1): Promise<FitOptions> {
  return { train: (await someDigits()).train, batch: 8, steps, threads: 1, learningRate, checkpoint: { directory, every: 2, resume: true } }
}

test('a second run in the same directory is refused, whatever it is called; the first goes on', async (t) => {
  const base = await temporaryDirectory(t)
  const directory = join(base, 'run')
  await symlink(directory, join(base, 'link'))
  const first = fit(tiny(), await options(directory))
  const others = await Promise.all([`${directory}/`, join(base, 'link')].map(async (name) => fit(tiny(), await options(name))))
  for (const { finished } of others) {
    await t.throwsAsync(finished, {
      code: 'ERR_CHECKPOINT',
      message: new RegExp(`^${base}/\\S+: another run works in this directory \\(process ${process.pid}, this one, on host `),
    })
  }
  t.is((await first.finished).step, 4)
  t.false((await readdir(directory)).includes(lockFile))
  t.is((await fit(tiny(), await options(directory, 6)).finished).step, 6, 'the lock is gone with the run')
})

test('nothing is left behind by a run that fails', async (t) => {
  const directory = await temporaryDirectory(t)
  await t.throwsAsync(fit(tiny(), await options(directory, 50, 1e30)).finished, { code: 'ERR_NOT_FINITE' })
  t.false((await readdir(directory)).includes(lockFile))
})

const module = new URL('../../lib/training/directory_lock.js', import.meta.url).href

/** Takes a lock and waits. */
const holderScript = (directory: string): string =>
  `const { DirectoryLock } = await import(${JSON.stringify(module)}); globalThis.lock = await DirectoryLock.take(${JSON.stringify(directory)})`

/** A process that takes a lock and waits. */
async function holder(directory: string): Promise<{ readonly pid: number; readonly kill: () => Promise<void> }> {
  const script = `${holderScript(directory)}; console.log('taken'); setInterval(() => {}, 1e6)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  await once(child.stdout, 'data')
  const kill = async () => {
    child.kill('SIGKILL')
    await ended
  }
  return { pid: child.pid!, kill }
}

test('another process is named; when it was killed, its lock is taken over', async (t) => {
  const directory = await temporaryDirectory(t)
  const { pid, kill } = await holder(directory)
  try {
    const { since } = JSON.parse(await readFile(join(directory, lockFile), 'utf8')) as { since: string }
    t.is(new Date(since).toISOString(), since)
    await t.throwsAsync(DirectoryLock.take(directory), {
      code: 'ERR_CHECKPOINT',
      message: `${directory}: another run works in this directory (process ${pid} on host ${hostname()} since ${since}); wait for it to end, or take another directory`,
    })
  } finally {
    await kill()
  }
  t.deepEqual(await readdir(directory), [lockFile])
  await (await DirectoryLock.take(directory))[Symbol.asyncDispose]()
  t.deepEqual(await readdir(directory), [])
})

test('threads of one process exclude each other too; the lock of one that was terminated is free', async (t) => {
  const directory = await temporaryDirectory(t)
  const script = `${holderScript(directory)}; (await import('node:worker_threads')).parentPort.postMessage('taken'); setInterval(() => {}, 1e6)`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`))
  await once(worker, 'message')
  try {
    await t.throwsAsync(DirectoryLock.take(directory), { code: 'ERR_CHECKPOINT', message: new RegExp(`\\(process ${process.pid}, this one, on host`) })
  } finally {
    await worker.terminate()
  }
  await using _lock = await DirectoryLock.take(directory)
  t.pass()
})

test('of many who find a stale lock one takes it', async (t) => {
  const directory = await temporaryDirectory(t)
  const { kill } = await holder(directory)
  await kill()
  const takers = await Promise.allSettled(Array.from({ length: 20 }, () => DirectoryLock.take(directory)))
  const locks = takers.flatMap((taker) => (taker.status === 'fulfilled' ? [taker.value] : []))
  t.is(locks.length, 1)
  await locks[0]![Symbol.asyncDispose]()
  t.deepEqual(await readdir(directory), [])
})

test('of six takers at a time exactly one gets a stale lock, every time', async (t) => {
  const directory = await temporaryDirectory(t)
  for (let trial = 0; trial < 100; trial++) {
    await writeFile(join(directory, lockFile), earlier({ id: String(trial) }))
    const takers = await Promise.allSettled(Array.from({ length: 6 }, () => DirectoryLock.take(directory)))
    const locks = takers.flatMap((taker) => (taker.status === 'fulfilled' ? [taker.value] : []))
    t.is(locks.length, 1, `trial ${trial}`)
    await locks[0]![Symbol.asyncDispose]()
    t.deepEqual(await readdir(directory), [])
  }
})

/** Takes the lock again and again. Prints how often, and 'two' where another one had it too. */
const contender = (directory: string): string => `
const { DirectoryLock } = await import(${JSON.stringify(module)})
const { mkdirSync, rmdirSync } = await import('node:fs')
const { setTimeout } = await import('node:timers/promises')
const directory = ${JSON.stringify(directory)}
let taken = 0
let end = false
process.stdin.on('data', () => { end = true })
console.log('ready')
while (!end) {
  try {
    const lock = await DirectoryLock.take(directory)
    try { mkdirSync(directory + '/held') } catch { console.log('two') }
    taken++
    await setTimeout(0)
    rmdirSync(directory + '/held')
    await lock[Symbol.asyncDispose]()
  } catch (error) {
    if (!/another run works/.test(error.message)) console.log(error.message)
  }
  await setTimeout(0)
}
console.log(taken)
process.exit()`

test('processes that want the lock at the same time have it one at a time', async (t) => {
  const directory = await temporaryDirectory(t)
  const children = Array.from({ length: 3 }, () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', contender(directory)], { stdio: ['pipe', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
    return { child, ready: once(child.stdout, 'data'), closed: once(child, 'close'), text: () => text }
  })
  await Promise.all(children.map(({ ready }) => ready))
  await setTimeout(1500)
  for (const { child, closed } of children) {
    child.stdin.write('end')
    await closed
  }
  for (const { text } of children) t.regex(text(), /^ready\n\d+\n$/)
  t.true(children.some(({ text }) => Number(text().split('\n')[1]) > 1))
})

/** Field 22 of /proc/PID/stat, of a process whose name has no spaces. */
const startOf = (pid: number): string => readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[21]!

/** What versions before the kernel's lock wrote: by default for a process that has ended. */
function earlier(more: object): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return JSON.stringify({ pid: 2 ** 22 + 1, started: '1', host: hostname(), machine: null, boot, space: readlinkSync('/proc/self/ns/pid'), id: 'x', ...more })
}

test('a process of an earlier version holds its directory by the file alone, while it lives', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, lockFile)
  const child = spawn('sleep', ['1000'])
  const ended = once(child, 'exit')
  await once(child, 'spawn')
  const text = earlier({ pid: child.pid, started: startOf(child.pid!) })
  await writeFile(path, text)
  try {
    await t.throwsAsync(DirectoryLock.take(directory), {
      code: 'ERR_CHECKPOINT',
      message: `${directory}: another run works in this directory (process ${child.pid} on host ${hostname()}); wait for it to end, or take another directory`,
    })
    t.is(await readFile(path, 'utf8'), text)
  } finally {
    child.kill('SIGKILL')
    await ended
  }
  await using _lock = await DirectoryLock.take(directory)
  t.pass()
})

const parent = { pid: process.ppid, started: startOf(process.ppid) }

/** In seconds: earlier versions touched the file every five. */
const [silent, touched] = [13, 5]
const setAge = async (path: string, seconds: number): Promise<void> => {
  const time = Date.now() / 1000 - seconds
  await utimes(path, time, time)
}

for (const [what, more] of [
  ['on another host', { host: 'far', boot: 'far' }],
  ['on another host, with the number of this process', { host: 'far', boot: 'far', pid: process.pid }],
  ['in another container', { space: 'pid:[1]' }],
  ['on a host that hides what it is', { host: 'far', boot: null, space: null }],
] as const) {
  test(`a process of an earlier version ${what} holds its directory while it touches the file`, async (t) => {
    const directory = await temporaryDirectory(t)
    const path = join(directory, lockFile)
    const text = earlier(more)
    await writeFile(path, text)
    await setAge(path, touched)
    await t.throwsAsync(DirectoryLock.take(directory), { code: 'ERR_CHECKPOINT', message: /: another run works in this directory \(process \d+ on host / })
    t.is(await readFile(path, 'utf8'), text)
    await setAge(path, silent)
    await using _lock = await DirectoryLock.take(directory)
    t.like(JSON.parse(await readFile(path, 'utf8')), { pid: process.pid, host: hostname() })
  })
}

test('whoever may make files in the directory may lock what a killed run has left', async (t) => {
  const directory = await temporaryDirectory(t)
  for (const mode of [0o700, 0o770, 0o777]) {
    await chmod(directory, mode)
    await using _lock = await DirectoryLock.take(directory)
    t.is((await stat(join(directory, lockFile))).mode & 0o777, mode & 0o666)
  }
})

for (const [what, text] of [
  ['of a process of the same number that began at another time', earlier({ ...parent, started: '1' })],
  ['of a process before the last start of this machine', earlier({ ...parent, boot: 'earlier' })],
  ['of an earlier version, of a process elsewhere', earlier({ ...parent, host: 'far', boot: 'far' })],
  ['of an earlier version, of this process', earlier({ pid: process.pid, started: startOf(process.pid) })],
  ['of no process that can be read', 'x'],
  ['without content', ''],
] as const) {
  test(`a lock ${what} is free`, async (t) => {
    const directory = await temporaryDirectory(t)
    const path = join(directory, lockFile)
    await writeFile(path, text)
    await setAge(path, silent)
    await using _lock = await DirectoryLock.take(directory)
    t.like(JSON.parse(await readFile(path, 'utf8')), { pid: process.pid, host: hostname() })
  })
}

test('what takers of earlier versions have left blocks nobody', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, lockFile)
  for (const name of [path, `${path}.stale.0123456789abcdef`, `${path}.1234.tmp`]) await writeFile(name, earlier({}))
  await (await DirectoryLock.take(directory))[Symbol.asyncDispose]()
  t.false((await readdir(directory)).includes(lockFile))
})

test('a run locks its checkpoints and its output', async (t) => {
  const base = await temporaryDirectory(t)
  const [checkpoints, output] = [join(base, 'checkpoints'), join(base, 'output')]
  for (const directory of [checkpoints, output]) {
    await using _lock = await DirectoryLock.take(directory)
    const { finished } = fit(tiny(), { ...(await options(checkpoints)), output })
    await t.throwsAsync(finished, { code: 'ERR_CHECKPOINT', message: new RegExp(`^${directory}: another run works in this directory`) })
  }
  t.deepEqual(await readdir(base), [], 'directories that were made for it are gone')
  await using run = fit(tiny(), { ...(await options(checkpoints)), output })
  await run.finished
  for (const directory of [checkpoints, output]) t.false((await readdir(directory)).includes(lockFile))
})

test('directories are locked once each, by whatever names', async (t) => {
  const base = await temporaryDirectory(t)
  await symlink('.', join(base, 'link'))
  await using _locks = await DirectoryLock.takeAll([join(base, 'run'), join(base, 'link', 'run'), `${base}/run/`, join(base, 'run', 'inner')])
  t.deepEqual((await readdir(join(base, 'run'), { recursive: true })).sort(), [lockFile, 'inner', `inner/${lockFile}`])
})

test('a lock that is no longer the file of its name is left alone', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, lockFile)
  const lock = await DirectoryLock.take(directory)
  await writeFile(`${path}.other`, 'of another')
  await rename(`${path}.other`, path)
  await lock[Symbol.asyncDispose]()
  t.is(await readFile(path, 'utf8'), 'of another')
})

test('a directory may go while it is locked, and come again', async (t) => {
  const directory = join(await temporaryDirectory(t), 'run')
  const lock = await DirectoryLock.take(directory)
  await rm(directory, { recursive: true })
  await mkdir(directory)
  const next = await DirectoryLock.take(directory)
  await lock[Symbol.asyncDispose]()
  t.deepEqual(await readdir(directory), [lockFile], 'not of the first, which was for another directory')
  await t.throwsAsync(DirectoryLock.take(directory), { code: 'ERR_CHECKPOINT' })
  await next[Symbol.asyncDispose]()
  t.deepEqual(await readdir(directory), [])
})

test('a lock is no link, and no directory', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, lockFile)
  await symlink(join(directory, 'elsewhere'), path)
  await t.throwsAsync(DirectoryLock.take(directory), { code: 'ERR_CHECKPOINT', message: `${directory}: could not lock: too many links, or links in a circle` })
  t.deepEqual(await readdir(directory), [lockFile])
  await rm(path)
  await mkdir(path)
  await t.throwsAsync(DirectoryLock.take(directory), { code: 'ERR_CHECKPOINT', message: `${directory}: could not lock: is a directory` })
})

test('a directory that takes no files', async (t) => {
  await t.throwsAsync(DirectoryLock.take('/proc'), { code: 'ERR_CHECKPOINT', message: /^\/proc: could not lock: / })
})
