/** Sizes of image files, by their headers. */
import { open, type FileHandle } from 'node:fs/promises'
import { throwIfAborted } from '../abort.js'
import { PreresnetError } from '../errors.js'
import { mapLimited } from '../limited.js'
import { loadBinding } from '../native/load.js'

interface Size {
  readonly height: number
  readonly width: number
}

/** A header is mostly shorter than this. */
const prefixBytes = 4096

/** As stored. ERR_FILE or ERR_IMAGE with the path. */
export async function storedSize(path: string): Promise<Size> {
  let file: FileHandle | undefined
  try {
    file = await open(path)
    const { bytesRead, buffer } = await file.read(Buffer.alloc(prefixBytes), 0, prefixBytes, 0)
    return sizeOf(buffer.subarray(0, bytesRead)) ?? loadBinding().imageSize(await file.readFile(), {})
  } catch (error) {
    if (error instanceof PreresnetError) throw new PreresnetError(error.code, `${path}: ${error.message}`, { cause: error })
    throw new PreresnetError('ERR_FILE', `${path}: cannot be read: ${(error as Error).message}`, { cause: error })
  } finally {
    await file?.close()
  }
}

/** Undefined where the header is not whole. */
function sizeOf(prefix: Uint8Array): Size | undefined {
  try {
    return loadBinding().imageSize(prefix, {})
  } catch (error) {
    if (error instanceof PreresnetError && error.code === 'ERR_IMAGE') return undefined
    throw error
  }
}

/** Whether all files have that size; looks no further than at the first (about) that has another. */
export async function allHaveSize(paths: readonly string[], { height, width }: Size, signal?: AbortSignal): Promise<boolean> {
  let all = true
  await mapLimited(paths, async (path) => {
    if (!all) return
    throwIfAborted(signal)
    const stored = await storedSize(path)
    all &&= stored.height === height && stored.width === width
  })
  return all
}
