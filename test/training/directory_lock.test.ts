/** One run at a time in a directory. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
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
      message: new RegExp(`^${base}/\\S+: another run works in this directory \\(this process ${process.pid}\\)`),
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

/** A process that takes a lock and waits. */
async function holder(directory: string): Promise<{ readonly pid: number; readonly kill: () => Promise<void> }> {
  const module = new URL('../../lib/training/directory_lock.js', import.meta.url).href
  const script = `const { DirectoryLock } = await import(${JSON.stringify(module)}); await DirectoryLock.take(${JSON.stringify(directory)}); console.log('taken'); setInterval(() => {}, 1e6)`
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
    await t.throwsAsync(DirectoryLock.take(directory), {
      code: 'ERR_CHECKPOINT',
      message: `${directory}: another run works in this directory (process ${pid}); wait for it to end, or take another directory`,
    })
  } finally {
    await kill()
  }
  t.deepEqual(await readdir(directory), [lockFile])
  await (await DirectoryLock.take(directory))[Symbol.asyncDispose]()
  t.deepEqual(await readdir(directory), [])
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

test('a process of the same number that began at another time is another one', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, lockFile)
  await DirectoryLock.take(directory)
  const holds = JSON.parse(await readFile(path, 'utf8')) as object
  await writeFile(path, JSON.stringify({ ...holds, started: '1' }))
  await using _lock = await DirectoryLock.take(directory)
  t.pass()
})

test('a process on another machine counts as alive while its lock is touched', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, lockFile)
  await writeFile(path, JSON.stringify({ pid: 1, started: '1', place: 'elsewhere', host: 'far', id: 'x' }))
  await t.throwsAsync(DirectoryLock.take(directory), {
    code: 'ERR_CHECKPOINT',
    message: /\(process 1 on far\); wait for it to end, .*, or remove .*\.preresnet\.lock if it has ended/,
  })
  await utimes(path, 0, 0)
  await using _lock = await DirectoryLock.take(directory)
  t.pass()
})

test('a lock that another run has taken over is left alone', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, lockFile)
  const lock = await DirectoryLock.take(directory)
  await writeFile(path, 'of another')
  await lock[Symbol.asyncDispose]()
  t.is(await readFile(path, 'utf8'), 'of another')
})
