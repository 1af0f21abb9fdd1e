/** Choices made by measurement, remembered in a file. Whatever is wrong with the file costs a warning and a new measurement, no more. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

const format = 1

interface Measurement {
  readonly choice: string
  readonly seconds: Readonly<Record<string, number>>
}

function directory(): string {
  return process.env['PRERESNET_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'preresnet')
}

const file = () => join(directory(), 'measurements.json')

export async function recall(key: string): Promise<string | undefined> {
  return (await read()).get(key)?.choice
}

export async function remember(key: string, choice: string, seconds: Readonly<Record<string, number>>): Promise<void> {
  const path = file()
  const entries = new Map(await read(true)).set(key, { choice, seconds })
  const aside = `${path}.${process.pid}`
  try {
    await mkdir(directory(), { recursive: true })
    await writeFile(aside, `${JSON.stringify({ format, measurements: Object.fromEntries(entries) }, null, 2)}\n`)
    await rename(aside, path)
  } catch (error) {
    warn(`${path}: could not be written, so the next process measures again: ${(error as Error).message}`)
  }
}

async function read(quiet = false): Promise<ReadonlyMap<string, Measurement>> {
  let text
  try {
    text = await readFile(file(), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && !quiet) warn(`${file()}: ${(error as Error).message}`)
    return new Map()
  }
  const entries = parse(text)
  if (entries === undefined && !quiet) warn(`${file()}: expected measurements of format ${format}, got something else; it is ignored and written anew`)
  return new Map(entries)
}

function parse(text: string): [string, Measurement][] | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const { format: found, measurements } = (value ?? {}) as { readonly format?: unknown; readonly measurements?: unknown }
  if (found !== format || typeof measurements !== 'object' || measurements === null || Array.isArray(measurements)) return undefined
  const entries = Object.entries(measurements as Readonly<Record<string, unknown>>)
  const wellFormed = (entry: [string, unknown]): entry is [string, Measurement] => typeof (entry[1] as Partial<Measurement> | null)?.choice === 'string'
  return entries.every(wellFormed) ? entries : undefined
}

function warn(text: string): void {
  process.emitWarning(text, { code: 'PRERESNET_CACHE' })
}
