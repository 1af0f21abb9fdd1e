/** One run at a time in a directory: a file says which process works there. */
import { open, realpath, rmdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { throwIfAborted } from '../abort.js'
import { PreresnetError } from '../errors.js'
import { fileError } from '../formats/files.js'
import { makeDirectory } from '../directory.js'
import { ended, lockBeat, lockFile, type LockOptions, removeLitter, removeOwn, tryTake } from './lock_file.js'
import { type Holder, parseHolder, sharesProcesses, thisProcess } from './lock_holder.js'

export { lockFile }

/** While others are at the same lock: each needs it for a moment. */
const pause = 10
const mostAttempts = 1000

export class DirectoryLock implements AsyncDisposable {
  readonly #path: string
  readonly #text: string
  readonly #id: string
  /** Directories that were made for it, the outermost first. */
  readonly #made: readonly string[]
  readonly #timer: NodeJS.Timeout
  /** Released or lost. */
  #over = false

  private constructor(path: string, text: string, id: string, made: readonly string[], beat: number) {
    this.#path = path
    this.#text = text
    this.#id = id
    this.#made = made
    this.#timer = setInterval(() => void this.#touch(), beat).unref()
  }

  /**
   * Makes the directory where it is not there. ERR_CHECKPOINT where another run works in it; a lock whose process is gone is taken over. One of a
   * process that cannot be seen from here is watched for some seconds, with a warning of this process that says so.
   */
  static async take(directory: string, options: LockOptions = {}): Promise<DirectoryLock> {
    const holder = thisProcess()
    const text = JSON.stringify(holder)
    let made: string[]
    try {
      made = await makeDirectory(directory)
    } catch (error) {
      throw fileError('could not create', directory, error, 'ERR_CHECKPOINT')
    }
    try {
      const path = join(await realpath(directory), lockFile)
      await acquire(directory, path, text, options)
      removeLitter(path, text)
      return new DirectoryLock(path, text, holder.id, made, options.beat ?? lockBeat)
    } catch (error) {
      await removeEmpty(made)
      throw fileError('could not lock', directory, error, 'ERR_CHECKPOINT')
    }
  }

  /** All of them or none, each once, whatever it is called; in one order, so that of two runs that want the same ones at least one goes on. */
  static async takeAll(directories: readonly string[], options: LockOptions = {}): Promise<AsyncDisposable> {
    const locks: AsyncDisposable[] = []
    const release = async (): Promise<void> => {
      for (const lock of locks.reverse()) await lock[Symbol.asyncDispose]()
    }
    const made: string[] = []
    try {
      for (const directory of await distinct(directories, made)) locks.push(await DirectoryLock.take(directory, options))
    } catch (error) {
      await release()
      await removeEmpty(made)
      throw error
    }
    const dispose = async (): Promise<void> => {
      await release()
      await removeEmpty(made)
    }
    return { [Symbol.asyncDispose]: dispose }
  }

  async #touch(): Promise<void> {
    let file
    try {
      file = await open(this.#path, 'r+')
      const now = new Date()
      if ((await file.readFile('utf8')) === this.#text) await file.utimes(now, now)
      else this.#lost()
    } catch (error) {
      // Anything else may be over at the next beat.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') this.#lost()
    } finally {
      await file?.close().catch(() => undefined)
    }
  }

  #lost(): void {
    if (this.#over) return
    this.#over = true
    clearInterval(this.#timer)
    warn(`${this.#path}: the lock of this run is gone or another run's; if another one works in the directory, end one of them`)
  }

  /** Leaves nothing behind: directories that were made for a run that wrote nothing go too. Never throws: what the run has come to matters more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true
    clearInterval(this.#timer)
    try {
      removeOwn(this.#path, this.#text)
    } catch (error) {
      ended.add(this.#id)
      warn(`${fileError('could not remove', this.#path, error).message}; this process may take it over, and others when it has ended`)
    }
    await removeEmpty(this.#made)
  }
}

/** Throws where the lock is held. */
async function acquire(directory: string, path: string, text: string, options: LockOptions): Promise<void> {
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    throwIfAborted(options.signal)
    const outcome = await tryTake(path, text, options)
    if (outcome === 'taken') return
    if (outcome !== 'again') throw new PreresnetError('ERR_CHECKPOINT', `${directory}: ${inUse(parseHolder(outcome.heldBy), path)}`)
    await setTimeout(pause)
  }
  throw new PreresnetError('ERR_CHECKPOINT', `${directory}: ${path} could not be taken in ${mostAttempts} attempts: others are at it, or it leads nowhere`)
}

function inUse(holder: Holder | undefined, path: string): string {
  const remedy = 'wait for it to end, or take another directory'
  if (holder === undefined) return `another run works in this directory, whose lock ${path} is touched, but cannot be read; ${remedy}`
  const { pid, host } = holder
  if (!sharesProcesses(holder, thisProcess())) return `another run works in this directory (process ${pid} on ${host}, which touches ${path}); ${remedy}`
  return `another run works in this directory (${pid === process.pid ? 'this process' : 'process'} ${pid}); ${remedy}`
}

/** By what they are, sorted by where they are; those that are not there are made, and added to `made`. */
async function distinct(directories: readonly string[], made: string[]): Promise<string[]> {
  const found = new Map<string, { readonly name: string; readonly place: string }>()
  for (const name of directories) {
    try {
      made.push(...(await makeDirectory(name)))
      const { dev, ino } = await stat(name, { bigint: true })
      if (!found.has(`${dev} ${ino}`)) found.set(`${dev} ${ino}`, { name, place: await realpath(name) })
    } catch (error) {
      throw fileError('could not create', name, error, 'ERR_CHECKPOINT')
    }
  }
  return [...found.values()].sort((a, b) => (a.place < b.place ? -1 : 1)).map(({ name }) => name)
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
