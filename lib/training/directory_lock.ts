/** One run at a time in a directory: a file says which process works there. */
import { randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { readFile, rename, rm, rmdir, stat, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { PreresnetError } from '../errors.js'
import { fileError } from '../formats/files.js'
import { makeDirectory } from './directory.js'

export const lockFile = '.preresnet.lock'

/** Who holds a lock. */
interface Holder {
  readonly pid: number
  /** In ticks since the machine was started: another process may have the same number later. */
  readonly started: string
  /** Boot of a machine, and its space of process numbers (containers have their own): within it, one can see whether a process lives. */
  readonly place: string
  readonly host: string
  /** Tells the locks of one process apart. */
  readonly id: string
}

/** How often a lock says that it is held, for those who cannot see the process, and after how long it is stale for them. Milliseconds. */
const beat = 30_000
const silence = 10 * beat

export class DirectoryLock implements AsyncDisposable {
  readonly #path: string
  readonly #text: string
  /** Directories that were made for it, the outermost first. */
  readonly #made: readonly string[]
  readonly #timer: NodeJS.Timeout

  private constructor(path: string, text: string, made: readonly string[]) {
    this.#path = path
    this.#text = text
    this.#made = made
    this.#timer = setInterval(() => void this.#touch(), beat).unref()
  }

  /** Makes the directory where it is not there. ERR_CHECKPOINT where another run works in it; a lock whose process is gone is taken over. */
  static async take(directory: string): Promise<DirectoryLock> {
    const path = join(directory, lockFile)
    const text = JSON.stringify(self())
    let made: string[]
    try {
      made = await makeDirectory(directory)
    } catch (error) {
      throw fileError('could not create', directory, error, 'ERR_CHECKPOINT')
    }
    try {
      while (!create(path, text)) await removeStale(directory, path)
      return new DirectoryLock(path, text, made)
    } catch (error) {
      await removeEmpty(made)
      throw fileError('could not lock', directory, error, 'ERR_CHECKPOINT')
    }
  }

  async #touch(): Promise<void> {
    const now = new Date()
    await utimes(this.#path, now, now).catch(() => undefined)
  }

  /** Leaves nothing behind: directories that were made for a run that wrote nothing go too. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    // A directory that was removed in the meantime has no lock either.
    if ((await readText(this.#path)) === this.#text) await rm(this.#path, { force: true })
    await removeEmpty(this.#made)
  }
}

/** At once, so that nobody reads half of it, and no crash leaves less. False where there is one. */
function create(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Throws where the lock is held. */
async function removeStale(directory: string, path: string): Promise<void> {
  const text = await readText(path)
  if (text === undefined) return
  const holder = parse(text)
  if (await isHeld(path, holder)) throw new PreresnetError('ERR_CHECKPOINT', `${directory}: ${inUse(holder, path)}`)
  // Moved aside first: of several who found it stale, one gets it, and nobody removes a new one.
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if ((await readText(aside)) === text) await rm(aside, { force: true })
  else await rename(aside, path)
}

function inUse(holder: Holder | undefined, path: string): string {
  const remedy = 'wait for it to end, or take another directory'
  if (holder === undefined) return `another run works in this directory, and its lock ${path} cannot be read; ${remedy}`
  const { pid, host, place } = holder
  if (place !== self().place) return `another run works in this directory (process ${pid} on ${host}); ${remedy}, or remove ${path} if it has ended`
  return `another run works in this directory (${pid === process.pid ? 'this process' : 'process'} ${pid}); ${remedy}`
}

async function isHeld(path: string, holder: Holder | undefined): Promise<boolean> {
  if (holder?.place === self().place) return isAlive(holder)
  const touched = await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
  return Date.now() - touched < silence
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const now = startOf(pid)
  // Processes of other users may be hidden.
  return now === undefined || now === started
}

function self(): Holder {
  const host = hostname()
  const boot = known(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()) ?? host
  const place = `${boot} ${known(() => readlinkSync('/proc/self/ns/pid')) ?? host}`
  return { pid: process.pid, started: startOf(process.pid) ?? '', place, host, id: randomUUID() }
}

/** Sandboxes do without some of /proc. */
function known(read: () => string): string | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** Field 22 of /proc/PID/stat; '' of a process that has ended and was not waited for; undefined where it cannot be seen. */
function startOf(pid: number): string | undefined {
  const line = known(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  if (line === undefined) return undefined
  // The name before may hold anything, parentheses too.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? '' : fields[19]
}

function parse(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Partial<Holder> | null
    return Number.isSafeInteger(holder?.pid) && typeof holder?.place === 'string' ? (holder as Holder) : undefined
  } catch {
    return undefined
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function removeEmpty(made: readonly string[]): Promise<void> {
  for (const path of [...made].reverse()) {
    try {
      await rmdir(path)
    } catch {
      return // Something is in it.
    }
  }
}
