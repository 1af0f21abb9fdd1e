import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { Parser } from 'tar'
import { PreresnetError } from '../errors.js'

/**
 * The files of a .tar.gz archive whose base name is in `wanted`, one after another. Decompression runs on Node's thread pool.
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
    for (const [name, contents] of received.splice(0)) receive(name, contents)
  }
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1 << 18 }), createGunzip({ chunkSize: 1 << 18 }), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        parser.write(chunk)
        deliver()
      }
    })
    parser.end()
    deliver()
  } catch (error) {
    if (error instanceof PreresnetError) throw error
    throw new PreresnetError('ERR_FILE', `${path}: cannot be read as a .tar.gz archive: ${(error as Error).message}`, { cause: error })
  }
}
