/** Indexes of archives in the cache folder, so that a second opening reads no headers. */
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { cacheDirectory } from '../cache_directory.js'
import { makeDirectory } from '../directory.js'
import { mapLimited } from '../limited.js'
import { bytesOfName, isUtf8Name } from '../name_bytes.js'
import { readIndex, writeIndex, type SampleIndex } from './sample_index.js'

export interface IndexCache {
  readonly folder: string
  /** Indexes of fewer samples are made again each time. */
  readonly least: number
}

const leastSamples = 4096

function usualCache(): IndexCache | undefined {
  const folder = cacheDirectory()
  return folder === undefined ? undefined : { folder: join(folder, 'indexes'), least: leastSamples }
}

/**
 * The index of these files: the one that was remembered, while all have the size and time that they had, or else what `make` finds. `kind` and `classes` are the
 * rest of what it depends on.
 */
export async function rememberedIndex(
  kind: string,
  files: readonly string[],
  classes: readonly string[] | undefined,
  make: () => Promise<SampleIndex>,
  cache = usualCache(),
): Promise<SampleIndex> {
  const absolute = files.map((file) => resolve(file))
  if (cache === undefined || !absolute.every(isUtf8Name)) return make()
  const key = createHash('sha256')
    .update(JSON.stringify([kind, absolute, classes ?? null]))
    .digest('hex')
  const path = join(cache.folder, `${key.slice(0, 32)}.safetensors`)
  const found = await readIndex(path).catch(() => undefined)
  if (found !== undefined && (await isCurrent(found, absolute))) return found
  const made = await make()
  if (made.labels.length >= cache.least)
    await remember(cache.folder, path, { ...made, shards: made.shards.map((shard, index) => ({ ...shard, name: absolute[index]! })) })
  return made
}

async function isCurrent({ shards }: SampleIndex, absolute: readonly string[]): Promise<boolean> {
  if (shards.length !== absolute.length) return false
  const same = await mapLimited([...shards.entries()], async ([index, { name, bytes, modified }]) => {
    if (name !== absolute[index]) return false
    // Whoever reads the files says what is wrong with one that is missing.
    const status = await stat(bytesOfName(name)).catch(() => undefined)
    return status?.size === bytes && status.mtimeMs === modified
  })
  return same.every(Boolean)
}

async function remember(folder: string, path: string, index: SampleIndex): Promise<void> {
  try {
    await makeDirectory(folder)
    await writeIndex(path, index)
  } catch (error) {
    process.emitWarning(`${path} cannot be written (${(error as Error).message}); the headers of the archives will be read again next time`, {
      code: 'PRERESNET_CACHE',
    })
  }
}
