/** Parts of files that are read when they are needed. */
import type { FileHandle } from 'node:fs/promises'
import { PreresnetError } from '../errors.js'
import { openFile } from '../regular_file.js'

/** Bytes per system call. */
const chunkBytes = 8 << 20

/** A file whose size is known: whoever reads a length from it can compare before anything is allocated. */
export interface SizedFile {
  readonly path: string
  readonly size: number
  readonly handle: FileHandle
}

/** Errors are those of `openFile`. Whoever opens the file closes its handle. */
export async function openSized(path: string): Promise<SizedFile> {
  const handle = await openFile(path)
  try {
    const { size } = await handle.stat()
    return { path, size, handle }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** ERR_FILE where the file has become shorter. */
export async function readRange(file: SizedFile, position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  return readInto(file, position, new Uint8Array(length))
}

/** Fills these bytes and gives them back; ERR_FILE where the file has become shorter. */
export async function readInto({ path, handle }: SizedFile, position: number, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const { length } = bytes
  for (let done = 0; done < length;) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(chunkBytes, length - done), position + done)
    if (bytesRead === 0) throw new PreresnetError('ERR_FILE', `${path}: truncated: expected ${length} bytes at ${position}, got ${done}`)
    done += bytesRead
  }
  return bytes
}

/** As many of these bytes as there are, by one system call: for files that may be shorter. */
export async function readAtMost(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
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

/** What can be read here and there, whose size is known. */
export interface RangeReader {
  readonly size: number
  /** Bytes that lie inside the size. */
  read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>>
}

/** A reader of many short pieces: with each that is read come the bytes behind it, which are likely to be next. */
export class ByteWindow implements RangeReader {
  readonly #reader: RangeReader
  readonly #least: number
  #bytes = new Uint8Array(0)
  #position = 0

  /** So many bytes are read at least, where there are as many. */
  constructor(reader: RangeReader, least: number) {
    this.#reader = reader
    this.#least = least
  }

  get size(): number {
    return this.#reader.size
  }

  /** A view of bytes that lie inside the size. */
  async read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (position < this.#position || position + length > this.#position + this.#bytes.length) {
      this.#bytes = await this.#reader.read(position, Math.min(Math.max(length, this.#least), this.size - position))
      this.#position = position
    }
    return this.#bytes.subarray(position - this.#position, position - this.#position + length)
  }
}

/** The same of a file. ERR_FILE where the file has become shorter. */
export class FileWindow extends ByteWindow {
  readonly file: SizedFile

  constructor(file: SizedFile, least: number) {
    super({ size: file.size, read: (position, length) => readRange(file, position, length) }, least)
    this.file = file
  }
}

/** Tensors can share bytes of a file. Together they may take so many times what there is: a small file must not fill the memory. */
export const mostRepeated = 4
