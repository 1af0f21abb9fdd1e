/** Values of a command's options: the command line wins over `--config FILE`, the file over what is usual. */
import { readFile } from 'node:fs/promises'
import { PreresnetError } from '../errors.js'
import { describe, invalid, nearest } from '../options/values.js'
import type { Option, Table, ValuesOf } from '../options/spec.js'

/** `learningRate` is `--learning-rate`, and "learning-rate" in a file. */
export function optionName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** What a command puts under the values that were given: it wins over what is usual. */
export type Underneath = (given: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>

/** `given`: what the parser found on the command line, by key. */
export async function resolveOptions<S extends Table>(
  specs: S,
  given: Readonly<Record<string, unknown>>,
  underneath: Underneath = () => ({}),
): Promise<ValuesOf<S>> {
  const { config } = given
  const file = typeof config === 'string' ? await readConfig(config, specs) : {}
  const values: Record<string, unknown> = {}
  for (const [key, spec] of Object.entries(specs)) {
    const word = given[key]
    if (word !== undefined) values[key] = spec.read(`--${optionName(key)}`, typeof word === 'string' ? spec.flag!.parse(word) : word)
    else if (key in file) values[key] = file[key]
  }
  const below = underneath(values)
  for (const [key, spec] of Object.entries(specs)) {
    values[key] ??= key in below ? spec.read(`--${optionName(key)}`, below[key]) : spec.fallback
    if (spec.required && values[key] === undefined) throw missing(key, spec)
  }
  return values as ValuesOf<S>
}

function missing(key: string, { accepts }: Option): PreresnetError {
  return new PreresnetError('ERR_OPTION', `--${optionName(key)}: expected ${accepts}, got none`)
}

async function readConfig(path: string, specs: Table): Promise<Readonly<Record<string, unknown>>> {
  const content = await parseJson(path)
  if (content === null || typeof content !== 'object' || Array.isArray(content)) throw invalid(`--config ${path}`, 'an object of options', content)
  const keys = new Map(Object.keys(specs).map((key) => [optionName(key), key]))
  const values: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(content)) {
    const key = keys.get(name)
    if (key === undefined) throw unknownName(path, name, [...keys.keys()])
    values[key] = specs[key]!.read(`${path}: ${name}`, value)
  }
  return values
}

function unknownName(path: string, name: string, known: readonly string[]): PreresnetError {
  const near = nearest(name, known) ?? nearest(optionName(name), known)
  return new PreresnetError(
    'ERR_OPTION',
    `${path}: unknown option ${JSON.stringify(name)}; ${near === undefined ? `known: ${known.join(', ')}` : `did you mean ${JSON.stringify(near)}?`}`,
  )
}

async function parseJson(path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new PreresnetError('ERR_FILE', `--config ${path}: cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause })
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new PreresnetError('ERR_FILE', `--config ${path}: expected JSON, got ${describe(text)}`, { cause })
  }
}
