/** What every file of ours needs: errors that name the file, writes that survive a crash. */
import { createHash } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { PreresnetError, type ErrorCode } from '../errors.js'

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

/** Replaces a small file as a whole: readers see the old content or the new, also after a crash. */
export async function replaceFile(path: string, content: string): Promise<void> {
  // The same name each time: what a killed writer has left is written over.
  const aside = join(dirname(path), `.${basename(path)}.tmp`)
  try {
    await writeDurably(aside, content)
    await rename(aside, path)
    await syncDirectory(dirname(path))
  } catch (error) {
    await rm(aside, { force: true }).catch(() => undefined)
    throw fileError('could not write', path, error)
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
