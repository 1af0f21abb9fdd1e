/** Parts of files that are read when they are needed. */
import type { FileHandle } from 'node:fs/promises'
import { PreresnetError } from '../errors.js'

/** Bytes per system call. */
const chunkBytes = 8 << 20

/** A file whose size is known: whoever reads a length from it can compare before anything is allocated. */
export interface SizedFile {
  readonly path: string
  readonly size: number
  readonly handle: FileHandle
}

/** ERR_FILE where the file has become shorter. */
export async function readRange({ path, handle }: SizedFile, position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length)
  for (let done = 0; done < length;) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(chunkBytes, length - done), position + done)
    if (bytesRead === 0) throw new PreresnetError('ERR_FILE', `${path}: truncated: expected ${length} bytes at ${position}, got ${done}`)
    done += bytesRead
  }
  return bytes
}

/** Bytes that lie in a file, inside its size; the file must stay open. */
export class FileRange {
  readonly position: number
  readonly length: number
  readonly #file: SizedFile

  constructor(file: SizedFile, position: number, length: number) {
    this.#file = file
    this.position = position
    this.length = length
  }

  read(): Promise<Uint8Array<ArrayBuffer>> {
    return readRange(this.#file, this.position, this.length)
  }
}
