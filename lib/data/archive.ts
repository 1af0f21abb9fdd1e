import { createReadStream } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { Parser } from 'tar'
import { PreresnetError } from '../errors.js'
import { readAtMost } from '../formats/file_range.js'
import { openFile } from '../regular_file.js'

/** A browser may have unpacked what it downloaded, without another name. */
async function isGzip(path: string): Promise<boolean> {
  const file = await openFile(path)
  try {
    const magic = await readAtMost(file, 0, 2)
    return magic.length < 2 || (magic[0] === 0x1f && magic[1] === 0x8b) || !(await isTar(file))
  } finally {
    await file.close()
  }
}

/** Whether the header of a first file has its magic. */
async function isTar(file: FileHandle): Promise<boolean> {
  return (await readAtMost(file, 257, 5)).toString('latin1') === 'ustar'
}

/**
 * The files of a .tar.gz or .tar archive whose base name is in `wanted`, one after another. Decompression runs on Node's thread pool.
 * Throws ERR_FILE for an archive that is missing, truncated or damaged.
 */
export async function readArchive(path: string, wanted: ReadonlySet<string>, receive: (name: string, contents: Uint8Array) => unknown): Promise<void> {
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry) => {
      const name = basename(entry.path)
      if (entry.type !== 'File' || !wanted.has(name)) {
        entry.resume()
        return
      }
      const chunks: Buffer[] = []
      entry.on('data', (chunk) => chunks.push(Buffer.from(chunk)))
      entry.on('end', () => received.push([name, Buffer.concat(chunks)]))
    },
  })
  const received: [string, Buffer][] = []
  let failure: unknown
  parser.on('error', (error: unknown) => (failure ??= error))
  const deliver = (): void => {
    if (failure !== undefined) throw failure as Error
    try {
      for (const [name, contents] of received.splice(0)) receive(name, contents)
    } catch (error) {
      failure = error
      throw error
    }
  }
  try {
    const zipped = await isGzip(path)
    const file = createReadStream(path, { highWaterMark: 1 << 18 })
    const parse = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
      for await (const chunk of chunks) {
        parser.write(chunk)
        deliver()
      }
    }
    await (zipped ? pipeline(file, createGunzip({ chunkSize: 1 << 18 }), parse) : pipeline(file, parse))
    parser.end()
    deliver()
  } catch (thrown) {
    // A pipeline whose end fails may tell only that its streams were aborted for it.
    const error = failure ?? thrown
    if (error instanceof PreresnetError) throw error
    throw new PreresnetError('ERR_FILE', `${path}: cannot be read as a .tar.gz archive: ${(error as Error).message}`, { cause: error })
  }
}
