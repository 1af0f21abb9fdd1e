/**
 * A file that at most one process has. It appears with its whole content, by a link, and changes hands by a rename. Whoever takes it from a
 * process that has ended holds a marker for just that content meanwhile, which is such a file too: takers that are killed block nobody either.
 */
import { createHash, randomUUID } from 'node:crypto'
import { closeSync, fstatSync, linkSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { throwIfAborted } from '../abort.js'
import { lives, parseHolder, thisProcess } from './lock_holder.js'

export const lockFile = '.preresnet.lock'

/** How often holders touch their lock, in milliseconds: those who cannot see the process see this. */
export const lockBeat = 5000
/** For how many beats a lock is watched that nobody touches: one may come late. */
const watchedBeats = 2.4

export interface LockOptions {
  readonly signal?: AbortSignal
  readonly beat?: number
}

interface Seen {
  readonly text: string
  readonly touched: number
}

const noLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])
/** A file beside the lock whose writer is unknown is left for so long, in milliseconds. */
const litterAge = 3_600_000

/** Locks of this process that have ended, but could not be removed. */
export const ended = new Set<string>()

/** One attempt to have the file with this text: 'taken', 'again' where others are at it, or the text of the process that holds it. */
export async function tryTake(path: string, text: string, options: LockOptions): Promise<'taken' | 'again' | { readonly heldBy: string }> {
  if (publish(path, text)) return 'taken'
  const found = look(path)
  if (found === undefined) return 'again'
  // A link over a network may have been made although the answer was lost.
  if (found.text === text) return 'taken'
  if (await isHeld(path, found, options)) return { heldBy: found.text }
  const marker = markerOf(path, found.text)
  if ((await tryTake(marker, text, options)) !== 'taken') return 'again'
  // No other process changes what is there from here on: it would need this marker.
  try {
    return replace(path, found.text, text) ? 'taken' : 'again'
  } finally {
    quietly(() => removeOwn(marker, text))
  }
}

/** Where the file has this text. */
export function removeOwn(path: string, text: string): void {
  if (look(path)?.text === text) rmSync(path, { force: true })
}

/** What takers that were killed have left; for the one who holds the lock. */
export function removeLitter(path: string, text: string): void {
  const directory = dirname(path)
  const kept = basename(markerOf(path, text)) // Whoever takes this lock for a dead one's must be alone with that.
  quietly(() => {
    const now = statSync(path).mtimeMs
    for (const name of readdirSync(directory)) {
      if (!name.startsWith(`${basename(path)}.`) || name === kept) continue
      const found = look(join(directory, name))
      if (found === undefined) continue
      const alive = isKnownToLive(found.text)
      if (alive === false || (alive === undefined && now - found.touched > litterAge)) rmSync(join(directory, name), { force: true })
    }
  })
}

function markerOf(path: string, text: string): string {
  const hash = createHash('sha256')
    .update(`${basename(path)}\0${text}`)
    .digest('hex')
    .slice(0, 16)
  return join(dirname(path), `${lockFile}.stale.${hash}`)
}

/** False where there is one. */
function publish(path: string, text: string): boolean {
  const own = prepare(path, text)
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (code === undefined || !noLinks.has(code)) throw error
    return create(path, text)
  } finally {
    quietly(() => rmSync(own, { force: true }))
  }
}

function replace(path: string, old: string, text: string): boolean {
  const own = prepare(path, text)
  try {
    if (look(path)?.text !== old) return false
    renameSync(own, path)
    return true
  } finally {
    quietly(() => rmSync(own, { force: true }))
  }
}

/** The text in a file of its own; none where it does not fit on the disk. */
function prepare(path: string, text: string): string {
  const own = join(dirname(path), `${lockFile}.${randomUUID()}.tmp`)
  create(own, text)
  return own
}

/** False where there is one. Where a file system has no links, who reads half of it cannot tell whose it is, and watches it. */
function create(path: string, text: string): boolean {
  let file
  try {
    file = openSync(path, 'wx')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
  try {
    writeFileSync(file, text)
    return true
  } catch (error) {
    quietly(() => rmSync(path, { force: true }))
    throw error
  } finally {
    quietly(() => closeSync(file))
  }
}

/** Opened each time: network file systems ask the server then. */
function look(path: string): Seen | undefined {
  let file
  try {
    file = openSync(path, 'r')
    return { touched: fstatSync(file).mtimeMs, text: readFileSync(file, 'utf8') }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function isKnownToLive(text: string): boolean | undefined {
  const holder = parseHolder(text)
  if (holder === undefined) return undefined
  return ended.has(holder.id) ? false : lives(holder, thisProcess())
}

async function isHeld(path: string, found: Seen, { signal, beat = lockBeat }: LockOptions): Promise<boolean> {
  const alive = isKnownToLive(found.text)
  if (alive !== undefined) return alive
  const holder = parseHolder(found.text)
  const who = holder === undefined ? 'its process cannot be read' : `process ${holder.pid} on ${holder.host} cannot be seen from here`
  const duration = beat * watchedBeats
  process.emitWarning(`${path}: ${who}; watching for ${Math.ceil(duration / 1000)} s whether it still touches this file`, { code: 'PRERESNET_LOCK' })
  // No clock of another machine: only whether anything changes.
  for (const end = performance.now() + duration; performance.now() < end;) {
    await setTimeout(beat / 5, undefined, { signal }).catch(() => undefined)
    throwIfAborted(signal)
    const now = look(path)
    if (now?.text !== found.text) return false // Another one; whoever takes the lock compares it.
    if (now.touched !== found.touched) return true
  }
  return false
}

function quietly(act: () => void): void {
  try {
    act()
  } catch {
    // What stays lies beside the lock, and the next one who has it removes it.
  }
}
