/** What was found out about files of data, in the cache folder: a second start does not look at each of them. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { cacheDirectory } from '../cache_directory.js'
import { makeDirectory } from '../directory.js'

export interface IndexCache {
  readonly folder: string
  /** Data of fewer samples are looked at again each time. */
  readonly least: number
}

const leastSamples = 1024

export function usualCache(): IndexCache | undefined {
  const folder = cacheDirectory()
  return folder === undefined ? undefined : { folder: join(folder, 'indexes'), least: leastSamples }
}

export interface Findings<T> {
  /** What they depend on, as JSON. */
  readonly key: readonly unknown[]
  /** Throws for what is not whole, or another's. */
  read(path: string): Promise<T>
  /** Whether what was read still holds. */
  isCurrent(found: T): Promise<boolean> | boolean
  make(): Promise<T>
  /** Whether what was made can be believed next time, and takes longer to make than to read. */
  isWorth(made: T, cache: IndexCache): boolean
  write(path: string, made: T): Promise<void>
}

/** What was remembered, while it holds, or else what `make` finds. `fresh`: what was remembered is not believed. */
export async function remembered<T>(findings: Findings<T>, cache: IndexCache | undefined, fresh = false): Promise<T> {
  if (cache === undefined) return findings.make()
  const key = createHash('sha256').update(JSON.stringify(findings.key)).digest('hex')
  const path = join(cache.folder, `${key.slice(0, 32)}.safetensors`)
  const found = fresh ? undefined : await findings.read(path).catch(() => undefined)
  if (found !== undefined && (await findings.isCurrent(found))) return found
  const made = await findings.make()
  if (findings.isWorth(made, cache)) await write(cache.folder, path, () => findings.write(path, made))
  return made
}

async function write(folder: string, path: string, work: () => Promise<void>): Promise<void> {
  try {
    await makeDirectory(folder)
    await work()
  } catch (error) {
    process.emitWarning(`${path} cannot be written (${(error as Error).message}); the files of the data will be looked at again next time`, {
      code: 'PRERESNET_CACHE',
    })
  }
}
