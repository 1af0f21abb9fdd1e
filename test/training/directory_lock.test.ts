/** One run at a time in a directory. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { utimesSync } from 'node:fs'
import { readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import test from 'ava'
import { DirectoryLock, lockFile } from '../../lib/training/directory_lock.js'
import { tryTake } from '../../lib/training/lock_file.js'
import { lives, thisProcess } from '../../lib/training/lock_holder.js'
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

/** What a process wrote that has ended since: `more` tells such locks apart. */
function deadText(more: object): string {
  return JSON.stringify({ ...thisProcess(), started: '1', ...more })
}

test('of six takers at a time exactly one gets a stale lock, every time', async (t) => {
  const directory = await temporaryDirectory(t)
  for (let trial = 0; trial < 100; trial++) {
    await writeFile(join(directory, lockFile), deadText({ id: String(trial) }))
    const takers = await Promise.allSettled(Array.from({ length: 6 }, () => DirectoryLock.take(directory)))
    const locks = takers.flatMap((taker) => (taker.status === 'fulfilled' ? [taker.value] : []))
    t.is(locks.length, 1, `trial ${trial}`)
    await locks[0]![Symbol.asyncDispose]()
    t.deepEqual(await readdir(directory), [])
  }
})

/** Takes the lock again and again, and leaves it each time as a process does that is killed. Prints how often, and 'two' where another one had it too. */
const contender = (lock: string, holder: string, directory: string): string => `
const { DirectoryLock, lockFile } = await import(${JSON.stringify(lock)})
const { thisProcess } = await import(${JSON.stringify(holder)})
const { mkdirSync, renameSync, rmdirSync, writeFileSync } = await import('node:fs')
const { setTimeout } = await import('node:timers/promises')
const directory = ${JSON.stringify(directory)}
let taken = 0
let end = false
process.stdin.on('data', () => { end = true })
console.log('ready')
while (!end) {
  try {
    await DirectoryLock.take(directory, { beat: 1e6 })
  } catch (error) {
    if (!/another run works/.test(error.message)) console.log(error.message)
    await setTimeout(0)
    continue
  }
  try { mkdirSync(directory + '/held') } catch { console.log('two') }
  taken++
  await setTimeout(0)
  const own = directory + '/' + process.pid
  writeFileSync(own, JSON.stringify({ ...thisProcess(), started: '1' }))
  rmdirSync(directory + '/held')
  renameSync(own, directory + '/' + lockFile)
}
console.log(taken)
process.exit()`

test('processes that take over from dead ones have the lock one at a time', async (t) => {
  const directory = await temporaryDirectory(t)
  const [lock, holds] = ['directory_lock', 'lock_holder'].map((name) => new URL(`../../lib/training/${name}.js`, import.meta.url).href)
  const children = Array.from({ length: 3 }, () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', contender(lock!, holds!, directory)], { stdio: ['pipe', 'pipe', 'inherit'] })
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

test('a taker that was killed while it took over blocks nobody', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, lockFile)
  const stale = deadText({ id: 'stale' })
  await writeFile(path, stale)
  // As tryTake leaves it between its marker and its rename.
  const hash = createHash('sha256').update(`${lockFile}\0${stale}`).digest('hex').slice(0, 16)
  await writeFile(`${path}.stale.${hash}`, deadText({ id: 'taker' }))
  await writeFile(`${path}.1234.tmp`, deadText({ id: 'taker' }))
  await (await DirectoryLock.take(directory))[Symbol.asyncDispose]()
  t.deepEqual(await readdir(directory), [], 'what it left is gone')
})

test('a live taker is waited for', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, lockFile)
  const stale = deadText({ id: 'stale' })
  await writeFile(path, stale)
  const marker = `${path}.stale.${createHash('sha256').update(`${lockFile}\0${stale}`).digest('hex').slice(0, 16)}`
  await writeFile(marker, JSON.stringify(thisProcess()))
  t.is(await tryTake(path, JSON.stringify(thisProcess()), {}), 'again')
  t.is(await readFile(path, 'utf8'), stale)
  const taken = DirectoryLock.take(directory)
  await rm(marker)
  await using _lock = await taken
  t.pass()
})

test('a process before the last start of this machine has ended; one elsewhere cannot be seen', (t) => {
  const self = { pid: process.pid, started: '7', host: 'here', machine: 'm', boot: 'b', space: 's', id: 'x' }
  t.is(lives({ ...self, boot: 'earlier', space: 'other' }, self), false)
  t.is(lives({ ...self, boot: 'earlier', host: 'there' }, self), undefined, 'a copy of the image')
  t.is(lives({ ...self, boot: 'earlier', machine: 'n' }, self), undefined)
  t.is(lives({ ...self, boot: 'earlier', machine: null }, { ...self, machine: null }), undefined)
  t.is(lives({ ...self, boot: null }, self), undefined)
  t.is(lives({ ...self, space: 'other' }, self), undefined, 'another container')
  t.is(lives(self, self), false, 'another start')
  t.true(lives(thisProcess(), thisProcess()))
})

const far = JSON.stringify({ pid: 1, started: '1', host: 'far', machine: 'm', boot: 'b', space: 's', id: 'x' })

test('a process that cannot be seen holds its lock while it touches it', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, lockFile)
  await writeFile(path, far)
  // Hours behind, and yet alive.
  let seconds = 1000
  const timer = setInterval(() => utimesSync(path, ++seconds, seconds), 20)
  try {
    await t.throwsAsync(DirectoryLock.take(directory, { beat: 400 }), {
      code: 'ERR_CHECKPOINT',
      message: `${directory}: another run works in this directory (process 1 on far, which touches ${path}); wait for it to end, or take another directory`,
    })
  } finally {
    clearInterval(timer)
  }
  t.is(await readFile(path, 'utf8'), far)
})

for (const [what, text] of [
  ['of a process elsewhere', far],
  ['without content', ''],
] as const) {
  test(`a lock ${what} is taken over when nobody touches it, whatever clocks say`, async (t) => {
    const directory = await temporaryDirectory(t)
    const path = join(directory, lockFile)
    await writeFile(path, text)
    const ahead = Date.now() / 1000 + 86_400
    await utimes(path, ahead, ahead)
    const warned = warningAbout(path)
    await using _lock = await DirectoryLock.take(directory, { beat: 20 })
    t.regex(await warned, /watching for 1 s whether it still touches this file/)
  })
}

test('watching ends with the signal', async (t) => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, lockFile), far)
  const abort = new AbortController()
  const taken = DirectoryLock.take(directory, { beat: 1e6, signal: abort.signal })
  await warningAbout(directory)
  abort.abort()
  await t.throwsAsync(taken, { code: 'ERR_ABORTED' })
})

test('a holder touches its lock, until it is of another', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, lockFile)
  await using _lock = await DirectoryLock.take(directory, { beat: 20 })
  await utimes(path, 1, 1)
  while ((await stat(path)).mtimeMs === 1000) await setTimeout(5)
  const warned = warningAbout(path)
  const other = join(directory, 'other')
  await writeFile(other, far)
  await utimes(other, 1, 1)
  await rename(other, path)
  t.regex(await warned, /the lock of this run is gone or another run's/)
  t.is((await stat(path)).mtimeMs, 1000)
})

/** The first warning of this process that names the path. */
function warningAbout(path: string): Promise<string> {
  return new Promise((resolve) => {
    process.on('warning', function listener({ message }) {
      if (!message.includes(path)) return
      process.off('warning', listener)
      resolve(message)
    })
  })
}

test('a run locks its checkpoints and its output', async (t) => {
  const base = await temporaryDirectory(t)
  const [checkpoints, output] = [join(base, 'checkpoints'), join(base, 'output')]
  for (const place of [checkpoints, output]) {
    await using _lock = await DirectoryLock.take(place)
    const { finished } = fit(tiny(), { ...(await options(checkpoints)), output })
    await t.throwsAsync(finished, { code: 'ERR_CHECKPOINT', message: new RegExp(`^${place}: another run works in this directory`) })
  }
  t.deepEqual(await readdir(base), [], 'directories that were made for it are gone')
  await using run = fit(tiny(), { ...(await options(checkpoints)), output })
  await run.finished
  for (const place of [checkpoints, output]) t.false((await readdir(place)).includes(lockFile))
})

test('directories are locked once each, by whatever names', async (t) => {
  const base = await temporaryDirectory(t)
  await symlink('.', join(base, 'link'))
  await using _locks = await DirectoryLock.takeAll([join(base, 'run'), join(base, 'link', 'run'), `${base}/run/`, join(base, 'run', 'inner')])
  t.deepEqual((await readdir(join(base, 'run'), { recursive: true })).sort(), [lockFile, 'inner', `inner/${lockFile}`])
})

test('a lock that another run has taken over is left alone', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, lockFile)
  const lock = await DirectoryLock.take(directory)
  await writeFile(path, 'of another')
  await lock[Symbol.asyncDispose]()
  t.is(await readFile(path, 'utf8'), 'of another')
})
