/**
 * One run at a time in a directory. The kernel holds the lock, on a file in the directory, and drops it when the process ends, however it ends;
 * what the file says is for messages alone.
 */
import { closeSync, constants, fchmodSync, fstatSync, ftruncateSync, lstatSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs'
import { realpath, rmdir, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { makeDirectory } from '../directory.js'
import { PreresnetError } from '../errors.js'
import { fileError } from '../formats/files.js'
import { loadBinding } from '../native/load.js'
import { holdsWithoutKernel } from './earlier_lock.js'

export const lockFile = '.preresnet.lock'

/** Without following a link: removing the lock removes the name, which must be the file's own. */
const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW

/** Each one that fails means that a holder removed the file at just that moment. */
const mostAttempts = 100

/** What the file says of the process that has the lock. */
interface Holder {
  readonly pid: number
  readonly host: string
  readonly since?: string
}

/** A file that this process has locked. */
interface LockedFile {
  readonly path: string
  /** Tells the file from another one of its name; the system gives the number to no other file while this one is open. */
  readonly identity: string
  readonly unlock: () => void
}

export class DirectoryLock implements AsyncDisposable {
  readonly #file: LockedFile
  /** Directories that were made for it, the outermost first. */
  readonly #made: readonly string[]

  private constructor(file: LockedFile, made: readonly string[]) {
    this.#file = file
    this.#made = made
  }

  /** Makes the directory where it is not there. ERR_CHECKPOINT where another run works in it, of this process or another one. */
  static async take(directory: string): Promise<DirectoryLock> {
    let made: string[]
    try {
      made = await makeDirectory(directory)
    } catch (error) {
      throw fileError('could not create', directory, error, 'ERR_CHECKPOINT')
    }
    try {
      return new DirectoryLock(acquire(directory, join(await realpath(directory), lockFile)), made)
    } catch (error) {
      await removeEmpty(made)
      throw fileError('could not lock', directory, error, 'ERR_CHECKPOINT')
    }
  }

  /** All of them or none, each once, whatever it is called; in one order, so that of two runs that want the same ones at least one goes on. */
  static async takeAll(directories: readonly string[]): Promise<AsyncDisposable> {
    const locks: AsyncDisposable[] = []
    const made: string[] = []
    const dispose = async (): Promise<void> => {
      for (const lock of locks.reverse()) await lock[Symbol.asyncDispose]()
      await removeEmpty(made)
    }
    try {
      for (const directory of await distinct(directories, made)) locks.push(await DirectoryLock.take(directory))
    } catch (error) {
      await dispose()
      throw error
    }
    return { [Symbol.asyncDispose]: dispose }
  }

  /** Leaves nothing behind: directories that were made for a run that wrote nothing go too. Never throws: what the run has come to matters more. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { path, identity, unlock } = this.#file
    try {
      // Before it is unlocked: afterwards it may be another one's.
      if (identityAt(path) === identity) rmSync(path)
    } catch (error) {
      warn(`${fileError('could not remove', path, error).message}; the file may stay: it locks nothing any more`)
    }
    unlock()
    await removeEmpty(this.#made)
  }
}

/** Throws where another one has the lock. In one go, so that whoever finds the file locked finds in it by whom. */
function acquire(directory: string, path: string): LockedFile {
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const file = openSync(path, flags)
    try {
      const unlock = lockOpenFile(path, file)
      if (unlock === undefined) throw inUse(directory, readHolder(file))
      const identity = identityOf(fstatSync(file, { bigint: true }))
      if (identityAt(path) === identity) {
        claim(directory, file, path, unlock)
        return { path, identity, unlock }
      }
      unlock()
    } finally {
      closeSync(file)
    }
  }
  throw new PreresnetError('ERR_CHECKPOINT', `${directory}: ${path} was removed by others ${mostAttempts} times while this process locked it`)
}

/** Undefined where another one has it. The lock outlives the descriptor. */
function lockOpenFile(path: string, file: number): (() => void) | undefined {
  try {
    return loadBinding().lockFile(file) ?? undefined
  } catch (error) {
    if (!(error instanceof PreresnetError)) throw error
    if (error.code !== 'ERR_UNSUPPORTED') throw new PreresnetError('ERR_CHECKPOINT', `${path}: ${error.message}`, { cause: error })
    // Refusing would bar such disks altogether.
    warn(`${path}: ${error.message}; nothing keeps a second run out of this directory`)
    return () => undefined
  }
}

/** Says in the file whose it is now. Where that fails, it is unlocked. */
function claim(directory: string, file: number, path: string, unlock: () => void): void {
  let mine = false
  try {
    const before = readHolder(file)
    if (before !== undefined && holdsWithoutKernel(before, fstatSync(file).mtimeMs)) throw inUse(directory, before)
    mine = true
    openToOthers(directory, file)
    const holder: Holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() }
    ftruncateSync(file, writeSync(file, JSON.stringify(holder), 0))
  } catch (error) {
    try {
      if (mine) rmSync(path, { force: true })
    } finally {
      unlock()
    }
    throw error
  }
}

/** Whoever may make files in the directory may lock it: a run of another user that was killed would bar it to all others. */
function openToOthers(directory: string, file: number): void {
  const { uid, mode } = fstatSync(file)
  const wanted = statSync(directory).mode & 0o666
  if (uid !== process.geteuid?.() || (mode & 0o666) === wanted) return
  try {
    fchmodSync(file, wanted)
  } catch {
    // File systems without modes have one for all files.
  }
}

/** Undefined where the file is empty or says something else. */
function readHolder(file: number): Holder | undefined {
  try {
    const buffer = Buffer.alloc(4096)
    const holder = JSON.parse(buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, 0))) as Partial<Holder> | null
    return Number.isSafeInteger(holder?.pid) && typeof holder?.host === 'string' ? (holder as Holder) : undefined
  } catch {
    return undefined
  }
}

function inUse(directory: string, holder: Holder | undefined): PreresnetError {
  const remedy = 'wait for it to end, or take another directory'
  if (holder === undefined) return new PreresnetError('ERR_CHECKPOINT', `${directory}: another run works in this directory; ${remedy}`)
  const { pid, host, since } = holder
  const who = `process ${pid}${pid === process.pid && host === hostname() ? ', this one,' : ''} on host ${host}`
  const when = since === undefined ? '' : ` since ${since}`
  return new PreresnetError('ERR_CHECKPOINT', `${directory}: another run works in this directory (${who}${when}); ${remedy}`)
}

function identityOf({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): string {
  return `${dev} ${ino}`
}

function identityAt(path: string): string | undefined {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return found && identityOf(found)
}

/** By what they are, sorted by where they are; those that are not there are made, and added to `made`. */
async function distinct(directories: readonly string[], made: string[]): Promise<string[]> {
  const found = new Map<string, { readonly name: string; readonly path: string }>()
  for (const name of directories) {
    try {
      made.push(...(await makeDirectory(name)))
      const identity = identityOf(await stat(name, { bigint: true }))
      if (!found.has(identity)) found.set(identity, { name, path: await realpath(name) })
    } catch (error) {
      throw fileError('could not create', name, error, 'ERR_CHECKPOINT')
    }
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1)).map(({ name }) => name)
}

function warn(message: string): void {
  process.emitWarning(message, { code: 'PRERESNET_LOCK' })
}

async function removeEmpty(made: readonly string[]): Promise<void> {
  for (const path of [...made].reverse()) {
    // Where something is in it, it stays.
    await rmdir(path).catch(() => undefined)
  }
}
