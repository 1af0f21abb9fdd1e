/** Files that are read here and there while a dataset is opened, wherever they lie. */
import { openSized, readRange, type RangeReader } from '../formats/file_range.js'
import { unreadable } from '../regular_file.js'

export interface ByteFile extends RangeReader, AsyncDisposable {
  /** A path, or an address. */
  readonly path: string
  /** When it was last written, in milliseconds; 0 where that is not known. */
  readonly modified: number
  /** What a server says of its contents; absent of a file on a disk. */
  readonly etag?: string
  close(): Promise<void>
}

/** A file on a disk. ERR_FILE. */
export async function openLocal(path: string): Promise<ByteFile> {
  try {
    const file = await openSized(path)
    const { mtimeMs } = await file.handle.stat()
    const close = (): Promise<void> => file.handle.close()
    return {
      path,
      size: file.size,
      modified: mtimeMs,
      read: (position, length) => readRange(file, position, length),
      close,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    throw unreadable(path, error)
  }
}
