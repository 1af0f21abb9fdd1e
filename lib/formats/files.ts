/** What every file of ours needs: errors that name the file, writes that survive a crash. */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, type Stats } from 'node:fs'
import { access, constants, lstat, open, readdir, readlink, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { PreresnetError, type ErrorCode } from '../errors.js'
import { path as checkPath } from '../options.js'

/** As Linux counts. */
const mostLinks = 40

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'disk quota exceeded',
  EROFS: 'the file system is read-only',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
  EEXIST: 'exists already',
  EMFILE: 'too many open files',
  ELOOP: 'too many links, or links in a circle',
  EFBIG: 'the file would be larger than allowed',
}

/** A failed system call as one line; an error of ours stays what it is. */
export function fileError(action: string, path: string, cause: unknown, code: ErrorCode = 'ERR_FILE'): PreresnetError {
  if (cause instanceof PreresnetError) return cause
  const { code: errno, message } = cause as NodeJS.ErrnoException
  return new PreresnetError(code, `${path}: ${action}: ${(errno && reasons[errno]) ?? message}`, { cause })
}

/** Makes names created, renamed or removed in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** Replaces a small file as a whole. */
export function replaceFile(path: string, content: string): Promise<void> {
  return replaceFileBy(path, (file) => file.writeFile(content))
}

/**
 * Replaces a file as a whole by what `write` writes: readers see the old content or the new, also after a crash, and a write that fails leaves the
 * old. A link is followed; what is no regular file, as a device or a pipe, is written in place. So is a writable file whose directory does not let
 * another one take its place: that one keeps its owner and its names, but a write that is cut off leaves half of it. Resolves with what `write` gave.
 */
export async function replaceFileBy<T>(path: string, write: (file: FileHandle) => Promise<T>): Promise<T> {
  checkPath('file to write', path)
  try {
    const target = await regularFile(path)
    if (target === undefined) return await writeInPlace(path, write)
    return await replaceRegular(target, write)
  } catch (error) {
    throw fileError('could not write', path, error)
  }
}

/** Whether `replaceFile` can do its work, as far as one can tell before; nothing changes. ERR_FILE where it cannot. */
export async function checkReplaceable(path: string): Promise<void> {
  checkPath('file to write', path)
  try {
    const target = await regularFile(path)
    if (target === undefined) {
      if ((await stat(path)).isDirectory()) throw Object.assign(new Error('is a directory'), { code: 'EISDIR' })
      await access(path, constants.W_OK)
      return
    }
    const aside = await openAside(target, await modeOfWritable(target))
    if (aside === undefined) return
    await aside.file.close()
    await rm(aside.path)
  } catch (error) {
    throw fileError('could not write', path, error)
  }
}

/** Removes what writers of this file that were killed have left. Only where nobody else writes it at this time. */
export async function removeTemporaries(path: string): Promise<void> {
  await removeTemporariesUntil(path, Infinity)
}

/** Where a path leads to, by whatever links: a regular file, or the name of a new one. Undefined for anything else, and for open files, as /dev/stdout. */
async function regularFile(path: string): Promise<string | undefined> {
  if (path.endsWith('/')) return undefined
  let at = path
  for (let links = 0; links < mostLinks; links++) {
    const directory = await realpath(dirname(at))
    // Whoever has such a file open goes on writing to it: another one of its name would not be the same.
    if (directory.startsWith('/proc/')) return undefined
    at = join(directory, basename(at))
    const found = await statistics(at)
    if (found === undefined || found.isFile()) return at
    if (!found.isSymbolicLink()) return undefined
    at = resolve(directory, await readlink(at))
  }
  // The system says that these are too many.
  return undefined
}

async function statistics(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** A new file beside another one. */
interface Aside {
  readonly path: string
  readonly file: FileHandle
}

/** Where a directory's rights or what is mounted there forbid what the file itself allows. */
const forbidden = new Set(['EACCES', 'EPERM', 'EROFS', 'EBUSY', 'EXDEV'])

const isForbidden = (error: unknown): boolean => forbidden.has((error as NodeJS.ErrnoException).code ?? '')

/** No writer lets its file be for so long, in milliseconds. */
const longestPause = 3_600_000

/** Without O_CREAT, which directories like /tmp refuse for files of others. */
const existing = constants.O_WRONLY | constants.O_TRUNC

async function replaceRegular<T>(path: string, write: (file: FileHandle) => Promise<T>): Promise<T> {
  const mode = await modeOfWritable(path)
  const aside = await openAside(path, mode)
  if (aside === undefined) {
    return overwrite(path, write)
  }
  try {
    let result
    try {
      // By the clock of the file system that both are on.
      await removeTemporariesUntil(path, (await aside.file.stat()).mtimeMs - longestPause)
      if (mode !== undefined) await aside.file.chmod(mode)
      result = await write(aside.file)
      await aside.file.sync()
    } finally {
      await aside.file.close()
    }
    await putInPlace(aside.path, path, mode !== undefined)
    return result
  } catch (error) {
    await rm(aside.path, { force: true }).catch(() => undefined)
    throw error
  }
}

/** The name that a writer's file has before it is the new one is this with 12 hex digits. The path's own name may be as long as names can be. */
const temporaryPrefix = (path: string): string => `.${basename(path).slice(0, 40)}.`

/** Undefined where the directory takes no new file, and the path is one that can be written: by its mode, which only such a one has. */
async function openAside(path: string, mode: number | undefined): Promise<Aside | undefined> {
  const directory = dirname(path)
  // Two writers at a time have a name each.
  const aside = join(directory, `${temporaryPrefix(path)}${randomBytes(6).toString('hex')}.tmp`)
  try {
    return { path: aside, file: await open(aside, 'wx') }
  } catch (error) {
    if (isForbidden(error)) {
      if (mode !== undefined) return undefined
      throw fileError(`could not create a file in ${directory}`, path, error)
    }
    throw error
  }
}

async function putInPlace(aside: string, path: string, exists: boolean): Promise<void> {
  try {
    await rename(aside, path)
  } catch (error) {
    if (!exists || !isForbidden(error)) throw error
    await overwrite(path, async (file) => {
      for await (const chunk of createReadStream(aside)) await file.writeFile(chunk as Uint8Array)
    })
    await rm(aside)
    return
  }
  await syncDirectory(dirname(path))
}

/** The file stays the one it is. */
function overwrite<T>(path: string, write: (file: FileHandle) => Promise<T>): Promise<T> {
  const synced = async (file: FileHandle): Promise<T> => {
    const result = await write(file)
    await file.sync()
    return result
  }
  return writeInPlace(path, synced, existing)
}

async function removeTemporariesUntil(path: string, latest: number): Promise<void> {
  const directory = dirname(path)
  const prefix = temporaryPrefix(path)
  try {
    for (const name of await readdir(directory)) {
      if (!name.startsWith(prefix) || !/^[0-9a-f]{12}\.tmp$/.test(name.slice(prefix.length))) continue
      const temporary = join(directory, name)
      if ((await lstat(temporary)).mtimeMs < latest) await rm(temporary)
    }
  } catch {
    // Another writer removes them too, or the directory cannot be read: they are in nobody's way.
  }
}

/** Of a file that is there: its rights, which the new one gets. One that may not be written is not replaced either. */
async function modeOfWritable(path: string): Promise<number | undefined> {
  const found = await statistics(path)
  if (found === undefined) return undefined
  await access(path, constants.W_OK)
  return found.mode & 0o777
}

async function writeInPlace<T>(path: string, write: (file: FileHandle) => Promise<T>, flags: string | number = 'w'): Promise<T> {
  const file = await open(path, flags)
  try {
    return await write(file)
  } finally {
    await file.close()
  }
}

/** Writes and syncs a new file. */
export async function writeDurably(path: string, content: string): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Hex SHA-256 of a file, read in chunks that leave the event loop free. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256')
  let file
  try {
    file = await open(path, 'r')
    const chunk = new Uint8Array(1 << 20)
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length)
      if (bytesRead === 0) return hash.digest('hex')
      hash.update(chunk.subarray(0, bytesRead))
    }
  } catch (error) {
    throw fileError('could not read', path, error)
  } finally {
    await file?.close()
  }
}
