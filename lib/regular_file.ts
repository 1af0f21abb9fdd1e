/** Files of others, which may be anything: opening a named pipe waits for somebody who writes, for ever where nobody does. */
import { constants, type Stats } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { PreresnetError } from './errors.js'
import { bytesOfName } from './name_bytes.js'

const kinds = [
  ['isDirectory', 'a folder'],
  ['isFIFO', 'a named pipe'],
  ['isSocket', 'a socket'],
  ['isCharacterDevice', 'a device'],
  ['isBlockDevice', 'a device'],
] as const satisfies readonly (readonly [keyof Stats, string])[]

/** Throws an error without a path for what is no file. */
export function expectFile(status: Stats): void {
  if (status.isFile()) return
  const [, kind] = kinds.find(([is]) => status[is]()) ?? ['', 'something else']
  throw new Error(`expected a file, got ${kind}`)
}

/** Opens a file to read it, at once whatever it is. Errors are those of Node and of `expectFile`. */
export async function openFile(path: string): Promise<FileHandle> {
  const handle = await openAtOnce(path)
  try {
    expectFile(await handle.stat())
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** The same for anything that can be opened. Of a pipe, reading throws EAGAIN while there is nothing to read. */
export function openAtOnce(path: string): Promise<FileHandle> {
  return open(bytesOfName(path), constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
}

/** What went wrong, without the path that Node's errors end with: messages of ours begin with it. */
export function reasonOf(error: unknown): string {
  const { message, syscall } = error as NodeJS.ErrnoException
  const end = syscall === undefined ? -1 : message.lastIndexOf(`, ${syscall} `)
  return end < 0 ? message : message.slice(0, end)
}

/** ERR_FILE with the path and what went wrong; errors of ours stay as they are. */
export function unreadable(path: string, error: unknown): PreresnetError {
  return error instanceof PreresnetError ? error : new PreresnetError('ERR_FILE', `${path}: cannot be read: ${reasonOf(error)}`, { cause: error })
}

/** What a reader threw, with the hint behind its message where a file is not there. */
export function hintIfMissing(error: unknown, hint: string): unknown {
  const { code, message, cause } = error as PreresnetError
  return (cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT' ? new PreresnetError(code, `${message}; ${hint}`, { cause }) : error
}

/** All bytes of a file. ERR_FILE. */
export async function readRegularFile(path: string): Promise<Buffer> {
  try {
    await using file = await openFile(path)
    return await file.readFile()
  } catch (error) {
    throw unreadable(path, error)
  }
}
