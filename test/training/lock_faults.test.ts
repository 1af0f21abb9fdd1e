/** What a lock does where the file system fails. */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import test from 'ava'
import { DirectoryLock, lockFile } from '../../lib/training/directory_lock.js'
import { fit } from '../../lib/training/index.js'
import { temporaryDirectory } from '../formats/directory.js'
import { someDigits, tiny } from './tiny.js'

const { linkSync, writeFileSync, rmSync } = fs
const whole = { linkSync, writeFileSync, rmSync }

/** One function of the file system fails from here on, where `fails` says so of its first argument. */
function breakDown(name: 'linkSync' | 'writeFileSync' | 'rmSync', code: string, fails: (first: unknown) => boolean): void {
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

test.serial('a full disk leaves no lock, and nothing else', async (t) => {
  const directory = await temporaryDirectory(t)
  breakDown('writeFileSync', 'ENOSPC', (file) => {
    // As the system does: the file is there, and empty.
    if (typeof file === 'string') whole.writeFileSync(file, '')
    return true
  })
  await t.throwsAsync(DirectoryLock.take(directory), { code: 'ERR_CHECKPOINT', message: `${directory}: could not lock: no space left on the device` })
  t.deepEqual(fs.readdirSync(directory), [])
})

test.serial('a lock that cannot be removed costs no result, and the process takes it again', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = fs.realpathSync(directory)
  const { train } = await someDigits()
  const warned = new Promise<string>((resolve) => process.once('warning', ({ message }) => resolve(message)))
  breakDown('rmSync', 'EIO', (name) => name === join(path, lockFile))
  const run = fit(tiny(), { train, batch: 8, steps: 2, threads: 1, learningRate: 0.1, output: directory })
  t.is((await run.finished).step, 2)
  t.regex(await warned, /could not remove: EIO: a test; this process may take it over/)
  t.true(fs.existsSync(join(path, lockFile)))
  repair()
  await (await DirectoryLock.take(directory))[Symbol.asyncDispose]()
  t.false(fs.existsSync(join(path, lockFile)))
})

test.serial('a file system without links', async (t) => {
  const directory = await temporaryDirectory(t)
  breakDown('linkSync', 'EPERM', () => true)
  const lock = await DirectoryLock.take(directory)
  await t.throwsAsync(DirectoryLock.take(directory), { code: 'ERR_CHECKPOINT', message: /\(this process \d+\)/ })
  await lock[Symbol.asyncDispose]()
  t.deepEqual(fs.readdirSync(directory), [])
})
