/** What every file of ours needs: errors that name the file, writes that survive a crash. */
import { createHash, randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { access, constants, lstat, open, readlink, realpath, rename, rm, type FileHandle } from 'node:fs/promises'
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
 * old. A link is followed; what is no regular file, as a device or a pipe, is written in place. Resolves with what `write` gave.
 */
export async function replaceFileBy<T>(path: string, write: (file: FileHandle) => Promise<T>): Promise<T> {
  checkPath('file to write', path)
  try {
    const target = await regularFile(path)
    if (target === undefined) return await writeInPlace(path, write)
    return await writeAside(target, write)
  } catch (error) {
    throw fileError('could not write', path, error)
  }
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

async function writeAside<T>(path: string, write: (file: FileHandle) => Promise<T>): Promise<T> {
  const mode = await modeOfWritable(path)
  const directory = dirname(path)
  // Two writers at a time have a name each. The path's own name may be as long as names can be.
  const aside = join(directory, `.${basename(path).slice(0, 40)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    const file = await open(aside, 'wx')
    let result
    try {
      if (mode !== undefined) await file.chmod(mode)
      result = await write(file)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(aside, path)
    await syncDirectory(directory)
    return result
  } catch (error) {
    await rm(aside, { force: true }).catch(() => undefined)
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

async function writeInPlace<T>(path: string, write: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, 'w')
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
