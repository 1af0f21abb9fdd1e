/** What every file of ours needs: errors that name the file, writes that survive a crash. */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, type Stats } from 'node:fs'
import { access, constants, lstat, open, readdir, readlink, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { PreresnetError, type ErrorCode } from '../errors.js'
import { reasonOf } from '../regular_file.js'
import { path as checkPath } from '../options/values.js'

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

/** What a file holds is not what its format demands. */
export const malformed = (path: string, reason: string): PreresnetError => new PreresnetError('ERR_FILE', `${path}: ${reason}`)

/** A failed system call as one line; an error of ours stays what it is. */
export function fileError(action: string, path: string, cause: unknown, code: ErrorCode = 'ERR_FILE'): PreresnetError {
  if (cause instanceof PreresnetError) return cause
  const { code: errno } = cause as NodeJS.ErrnoException
  return new PreresnetError(code, `${path}: ${action}: ${(errno && reasons[errno]) ?? reasonOf(cause)}`, { cause })
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
 * another one replace it: that one keeps its owner and its names, but a write that is cut off leaves half of it. Resolves with what `write` gave.
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
    if (target !== undefined && (await modeOfWritable(target)) === undefined) await access(dirname(target), constants.W_OK).catch(uncreatable(target))
    if (target !== undefined) return
    if ((await stat(path)).isDirectory()) throw Object.assign(new Error('is a directory'), { code: 'EISDIR' })
    await access(path, constants.W_OK)
  } catch (error) {
    throw fileError('could not write', path, error)
  }
}

/**
 * Removes what writers of this file that were killed have left, where it was last written before `latest`, in milliseconds. All of it only where
 * nobody else writes the file at this time.
 */
export async function removeTemporaries(path: string, latest = Infinity): Promise<void> {
  const prefix = temporaryPrefix(path)
  try {
    for (const name of await readdir(dirname(path))) {
      if (!name.startsWith(prefix) || !/^[0-9a-f]{12}\.tmp$/.test(name.slice(prefix.length))) continue
      const temporary = join(dirname(path), name)
      if ((await lstat(temporary)).mtimeMs < latest) await rm(temporary)
    }
  } catch {
    // Another writer removes them too, or the directory cannot be read: they are in nobody's way.
  }
}

/** The name that a writer's file has before it is the new one is this with 12 hex digits. The path's own name may be as long as names can be. */
const temporaryPrefix = (path: string): string => `.${basename(path).slice(0, 40)}.`

/** No writer lets its file be for so long, in milliseconds. */
const longestPause = 3_600_000

/** As many links as Linux follows. */
const mostLinks = 40

/** Where a path leads to, by whatever links: a regular file, or the name of a new one. Undefined for anything else, and for open files, as /dev/stdout. */
async function regularFile(path: string, links = mostLinks): Promise<string | undefined> {
  if (path.endsWith('/') || links === 0) return undefined
  const directory = await realpath(dirname(path))
  // Whoever has such a file open goes on writing to it: another one of its name would not be the same.
  if (directory.startsWith('/proc/')) return undefined
  const at = join(directory, basename(path))
  const found = await statistics(at)
  if (found?.isSymbolicLink() === true) return regularFile(resolve(directory, await readlink(at)), links - 1)
  return found === undefined || found.isFile() ? at : undefined
}

async function statistics(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Of a file that is there: its rights, which the new one gets. One that may not be written is not replaced either. */
async function modeOfWritable(path: string): Promise<number | undefined> {
  const found = await statistics(path)
  if (found === undefined) return undefined
  await access(path, constants.W_OK)
  return found.mode & 0o777
}

/** Where a directory's rights or what is mounted there forbid what the file itself allows. */
const isForbidden = (error: unknown): boolean => ['EACCES', 'EPERM', 'EROFS', 'EBUSY', 'EXDEV'].includes((error as NodeJS.ErrnoException).code ?? '')

/** The error of a new file that its directory does not take. */
const uncreatable =
  (path: string) =>
  (error: unknown): never => {
    throw isForbidden(error) ? fileError(`could not create a file in ${dirname(path)}`, path, error) : error
  }

async function replaceRegular<T>(path: string, write: (file: FileHandle) => Promise<T>): Promise<T> {
  const mode = await modeOfWritable(path)
  // Two writers at a time have a name each.
  const aside = join(dirname(path), `${temporaryPrefix(path)}${randomBytes(6).toString('hex')}.tmp`)
  let file
  try {
    file = await open(aside, 'wx')
  } catch (error) {
    if (mode === undefined || !isForbidden(error)) return uncreatable(path)(error)
    return writeInPlace(path, write)
  }
  try {
    let result
    try {
      // By the clock of the file system that both are on.
      await removeTemporaries(path, (await file.stat()).mtimeMs - longestPause)
      if (mode !== undefined) await file.chmod(mode)
      result = await write(file)
      await file.sync()
    } finally {
      await file.close()
    }
    await putInPlace(aside, path, mode !== undefined)
    return result
  } finally {
    // Where it has become the file, there is nothing to remove.
    await rm(aside, { force: true }).catch(() => undefined)
  }
}

async function putInPlace(aside: string, path: string, exists: boolean): Promise<void> {
  try {
    await rename(aside, path)
  } catch (error) {
    if (!exists || !isForbidden(error)) throw error
    return writeInPlace(path, async (file) => {
      for await (const chunk of createReadStream(aside)) await file.writeFile(chunk as Buffer)
    })
  }
  await syncDirectory(dirname(path))
}

/** The file stays the one it is. */
async function writeInPlace<T>(path: string, write: (file: FileHandle) => Promise<T>): Promise<T> {
  // Without O_CREAT, which directories like /tmp refuse for files of others; the name of a directory says so only with it.
  const file = await open(path, path.endsWith('/') ? 'w' : constants.O_WRONLY | constants.O_TRUNC)
  try {
    const result = await write(file)
    if ((await file.stat()).isFile()) await file.sync()
    return result
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
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer)
  } catch (error) {
    throw fileError('could not read', path, error)
  }
  return hash.digest('hex')
}
