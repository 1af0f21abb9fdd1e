/**
 * What was measured on this machine, so that it need not be measured again: one JSON file a subject in the cache directory. A file that cannot
 * be read is no reason to fail: it is set aside, and whoever asked is told in a word.
 */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cacheDirectory } from '../cache_directory.js'
import { makeDirectory } from '../directory.js'

const FORMAT = 1

let written = 0

const NO_DIRECTORY =
  'there is no cache directory: expected an absolute path in PRERESNET_CACHE, XDG_CACHE_HOME or HOME; measurements are not remembered and are made again next time'

/** Tells the program that runs: as warnings of the process with code PRERESNET_CACHE, which Node prints where nobody listens. */
export function warn(notes: readonly string[]): void {
  for (const note of notes) process.emitWarning(note, { code: 'PRERESNET_CACHE' })
}

type Entries = Readonly<Record<string, Readonly<Record<string, unknown>>>>

export class Remembered<T> {
  private constructor(
    /** Undefined where there is no cache directory. */
    private readonly file: string | undefined,
    private readonly cacheKey: string,
    private readonly valid: (value: unknown) => value is T,
    /** By key; of this cache key alone. */
    readonly entries: Map<string, T>,
    /** Why nothing, or not everything, is remembered. */
    readonly note: string | undefined,
  ) {}

  /** `cacheKey`: what the figures hold for (device, driver, versions); others are kept in the same file, untouched. `valid` throws nothing. */
  static async open<T>(subject: string, cacheKey: string, valid: (value: unknown) => value is T): Promise<Remembered<T>> {
    const directory = cacheDirectory()
    if (directory === undefined) return new Remembered(undefined, cacheKey, valid, new Map(), NO_DIRECTORY)
    const file = join(directory, `${subject}.json`)
    const { entriesByKey, note } = await read(file)
    const here = Object.entries(entriesByKey[cacheKey] ?? {})
    const entries = validOf(here, valid)
    const fewer = here.length - entries.length
    const reason = note ?? (fewer > 0 ? `${file}: ${fewer} entries are not what they should be and are measured again` : undefined)
    return new Remembered(file, cacheKey, valid, new Map(entries), reason)
  }

  /** Beside what others have written since. Written aside and renamed. Resolves with a word where the file cannot be written. */
  async save(): Promise<string | undefined> {
    const { file } = this
    if (file === undefined) return undefined // `note` says why.
    const { entriesByKey } = await read(file)
    const entries = new Map([...validOf(Object.entries(entriesByKey[this.cacheKey] ?? {}), this.valid), ...this.entries])
    const sorted = Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
    const aside = `${file}.${process.pid}.${written++}`
    try {
      await makeDirectory(dirname(file))
      await writeFile(aside, `${JSON.stringify({ format: FORMAT, places: { ...entriesByKey, [this.cacheKey]: sorted } }, null, 1)}\n`)
      await rename(aside, file)
      return undefined
    } catch (error) {
      return `${file} cannot be written (${(error as Error).message}); the same will be measured next time`
    }
  }
}

function validOf<T>(entries: readonly [string, unknown][], valid: (value: unknown) => value is T): [string, T][] {
  return entries.filter((entry): entry is [string, T] => valid(entry[1]))
}

/** No entries where there is no such file yet; none and a word where it is not what it should be. */
async function read(file: string): Promise<{ readonly entriesByKey: Entries; readonly note?: string }> {
  try {
    const { format, places: entriesByKey } = JSON.parse(await readFile(file, 'utf8')) as { readonly format?: unknown; readonly places?: unknown }
    if (format !== FORMAT) throw new TypeError(`expected format ${FORMAT}, got ${JSON.stringify(format)}`)
    if (!isRecord(entriesByKey) || !Object.values(entriesByKey).every(isRecord))
      throw new TypeError('expected an object of objects under "places", got something else')
    return { entriesByKey: entriesByKey as Entries }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { entriesByKey: {} }
    return { entriesByKey: {}, note: `${file} cannot be used (${(error as Error).message}); what it held is measured again` }
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
