/** What a lock does where the file system fails. */
import { open, readdir, writeFile } from 'node:fs/promises'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import test from 'ava'
import { type ErrorCode, PreresnetError } from '../../lib/errors.js'
import { loadBinding } from '../../lib/native/load.js'
import { DirectoryLock, lockFile } from '../../lib/training/directory_lock.js'
import { fit } from '../../lib/training/index.js'
import { temporaryDirectory } from '../formats/directory.js'
import { someDigits, tiny } from './tiny.js'

const { rmSync, writeSync } = fs
const whole = { rmSync, writeSync }

/** One function of the file system fails from here on, where `fails` says so of its first argument. */
function breakDown(name: keyof typeof whole, code: string, fails: (first: unknown) => boolean): void {
  const works = whole[name] as (...values: unknown[]) => unknown
  const broken = (...values: unknown[]): unknown => {
    if (fails(values[0])) throw Object.assign(new Error(`${code}: a test`), { code })
    return works(...values)
  }
  Object.assign(fs, { [name]: broken })
  syncBuiltinESMExports()
}

function repair(): void {
  Object.assign(fs, whole)
  syncBuiltinESMExports()
}

test.afterEach.always(repair)

/** The next warning of this process. */
const warning = () => new Promise<string>((resolve) => process.once('warning', ({ message }) => resolve(message)))

test.serial('a full disk leaves no lock, and nothing else', async (t) => {
  const directory = await temporaryDirectory(t)
  breakDown('writeSync', 'ENOSPC', () => true)
  await t.throwsAsync(DirectoryLock.take(directory), { code: 'ERR_CHECKPOINT', message: `${directory}: could not lock: no space left on the device` })
  repair()
  t.deepEqual(await readdir(directory), [])
  await using _lock = await DirectoryLock.take(directory)
})

test.serial('a lock that cannot be removed costs no result, and the process takes it again', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = fs.realpathSync(directory)
  const { train } = await someDigits()
  const warned = warning()
  breakDown('rmSync', 'EIO', (name) => name === join(path, lockFile))
  const run = fit(tiny(), { train, batch: 8, steps: 2, threads: 1, learningRate: 0.1, output: directory })
  t.is((await run.finished).step, 2)
  t.regex(await warned, /could not remove: EIO: a test; the file may stay: it locks nothing any more/)
  t.true(fs.existsSync(join(path, lockFile)))
  repair()
  await (await DirectoryLock.take(directory))[Symbol.asyncDispose]()
  t.false(fs.existsSync(join(path, lockFile)))
})

/** The addon's lock fails so while `act` runs. */
async function withLockThatFails(code: ErrorCode, message: string, act: () => Promise<void>): Promise<void> {
  const binding = loadBinding()
  const fail = (): never => {
    throw new PreresnetError(code, message)
  }
  Object.assign(binding, { lockFile: fail })
  try {
    await act()
  } finally {
    Reflect.deleteProperty(binding, 'lockFile')
  }
}

test.serial('a file system without locks locks nothing, and a warning says so', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(fs.realpathSync(directory), lockFile)
  await withLockThatFails('ERR_UNSUPPORTED', 'the file system has no locks: No locks available', async () => {
    const warned = warning()
    const lock = await DirectoryLock.take(directory)
    t.is(await warned, `${path}: the file system has no locks: No locks available; nothing keeps a second run out of this directory`)
    await lock[Symbol.asyncDispose]()
  })
  t.deepEqual(await readdir(directory), [])
})

test.serial('any other failure of a lock ends the run, and says where', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(fs.realpathSync(directory), lockFile)
  await withLockThatFails('ERR_FILE', 'cannot lock a file: Input/output error', async () => {
    await t.throwsAsync(DirectoryLock.take(directory), { code: 'ERR_CHECKPOINT', message: `${path}: cannot lock a file: Input/output error` })
  })
})

test('a descriptor that cannot be locked is refused', async (t) => {
  const path = join(await temporaryDirectory(t), 'file')
  await writeFile(path, '')
  const file = await open(path, 'r')
  try {
    t.throws(() => loadBinding().lockFile(file.fd), { code: 'ERR_FILE', message: 'cannot lock a file: Bad file descriptor' })
  } finally {
    await file.close()
  }
  t.throws(() => loadBinding().lockFile(2 ** 30), { code: 'ERR_FILE', message: 'cannot keep a file open for its lock: Bad file descriptor' })
})
