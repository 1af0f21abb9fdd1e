/**
 * What was measured on this machine, so that it need not be measured again: one JSON file a subject in the cache directory. A file that cannot
 * be read is no reason to fail: it is set aside, and whoever asked is told in a word.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

const FORMAT = 1

/** $PRERESNET_CACHE, else $XDG_CACHE_HOME/preresnet, else ~/.cache/preresnet. */
export function cacheDirectory(): string {
  const { PRERESNET_CACHE, XDG_CACHE_HOME } = process.env
  if (PRERESNET_CACHE !== undefined && PRERESNET_CACHE !== '') return PRERESNET_CACHE
  return join(XDG_CACHE_HOME !== undefined && XDG_CACHE_HOME !== '' ? XDG_CACHE_HOME : join(homedir(), '.cache'), 'preresnet')
}

export class Remembered<T> {
  private constructor(
    private readonly file: string,
    private readonly place: string,
    /** By key; of this place alone. */
    readonly entries: Map<string, T>,
    private readonly elsewhere: Readonly<Record<string, unknown>>,
    /** Why nothing, or not everything, is remembered. */
    readonly note: string | undefined,
  ) {}

  /** `place`: what the figures hold for (device, driver, versions); others are kept in the same file, untouched. `valid` throws nothing. */
  static async open<T>(subject: string, place: string, valid: (value: unknown) => value is T): Promise<Remembered<T>> {
    const file = join(cacheDirectory(), `${subject}.json`)
    const text = await readFile(file, 'utf8').catch(() => undefined)
    if (text === undefined) return new Remembered(file, place, new Map<string, T>(), {}, undefined)
    try {
      const { format, places } = JSON.parse(text) as { format?: unknown; places?: Record<string, Record<string, unknown>> }
      if (format !== FORMAT || typeof places !== 'object' || places === null) throw new TypeError('another format')
      const here = Object.entries(places[place] ?? {})
      const entries = here.filter((entry): entry is [string, T] => valid(entry[1]))
      const note =
        entries.length === here.length ? undefined : `${file}: ${here.length - entries.length} entries are not what they should be and are measured again`
      return new Remembered(file, place, new Map(entries), places, note)
    } catch (error) {
      return new Remembered(file, place, new Map<string, T>(), {}, `${file} cannot be used (${(error as Error).message}); what it held is measured again`)
    }
  }

  /** Written aside and renamed. Resolves with a word where the file cannot be written. */
  async save(): Promise<string | undefined> {
    const places = { ...this.elsewhere, [this.place]: Object.fromEntries([...this.entries].sort(([a], [b]) => (a < b ? -1 : 1))) }
    const aside = `${this.file}.${process.pid}`
    try {
      await mkdir(cacheDirectory(), { recursive: true })
      await writeFile(aside, `${JSON.stringify({ format: FORMAT, places }, null, 1)}\n`)
      await rename(aside, this.file)
      return undefined
    } catch (error) {
      return `${this.file} cannot be written (${(error as Error).message}); the same will be measured next time`
    }
  }
}
