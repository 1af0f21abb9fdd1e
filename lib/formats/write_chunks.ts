/** Writes many small and some large pieces by few system calls. */
import type { FileHandle } from 'node:fs/promises'

/** Bytes per system call: smaller pieces wait for each other in a buffer. */
const bufferBytes = 1 << 20
/** Longer ones are written from where they are. */
const longBytes = 1 << 16

export async function writeChunks(file: FileHandle, chunks: Iterable<Uint8Array>): Promise<void> {
  const buffer = new Uint8Array(bufferBytes)
  let used = 0
  for (const chunk of chunks) {
    if (used + chunk.length > bufferBytes || chunk.length >= longBytes) {
      await writeAll(file, buffer.subarray(0, used))
      used = 0
    }
    if (chunk.length >= longBytes) await writeAll(file, chunk)
    else {
      buffer.set(chunk, used)
      used += chunk.length
    }
  }
  await writeAll(file, buffer.subarray(0, used))
}

/** Whatever a single call takes of them. */
export async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await file.write(bytes, done, Math.min(bytes.length - done, 8 * bufferBytes))).bytesWritten
}
