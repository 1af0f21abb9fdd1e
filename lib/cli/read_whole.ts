import { setTimeout as sleep } from 'node:timers/promises'
import type { FileHandle } from 'node:fs/promises'
import { expectFile, openAtOnce } from '../regular_file.js'

/** A file, or what a pipe gives that somebody writes to, as shells make of <(command). Errors are those of Node and of `expectFile`. */
export async function readWhole(path: string): Promise<Uint8Array> {
  await using file = await openAtOnce(path)
  const status = await file.stat()
  if (status.isFIFO()) return await readPipe(file)
  expectFile(status)
  return await file.readFile()
}

async function readPipe(pipe: FileHandle): Promise<Uint8Array> {
  const parts: Buffer[] = []
  const part = Buffer.alloc(1 << 16)
  for (;;) {
    const { bytesRead } = await pipe.read(part, 0, part.length, null).catch(nothingYet)
    if (bytesRead === 0) break
    if (bytesRead < 0) await sleep(10)
    else parts.push(Buffer.from(part.subarray(0, bytesRead)))
  }
  if (parts.length === 0) throw new Error('expected a file, got a named pipe to which nobody writes')
  return Buffer.concat(parts)
}

function nothingYet(error: NodeJS.ErrnoException): { bytesRead: number } {
  if (error.code !== 'EAGAIN') throw error
  return { bytesRead: -1 }
}
