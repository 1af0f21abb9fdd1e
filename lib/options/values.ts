/** Checks of single values, with one wording everywhere: expected ..., got ... (type ...). */
import { PreresnetError } from '../errors.js'

/** The largest number of 32 bits. */
export const largestFloat = 2 ** 128 - 2 ** 104

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Without the keys whose values are undefined. */
export function defined<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> }
}

/** How a value is shown in an error. */
export function describe(value: unknown): string {
  if (value instanceof Promise) return 'a promise; await it'
  // Of the length of a batch or a model: not to be spelt out.
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name} of ${(value as Partial<Uint8Array>).length ?? value.byteLength}`
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  let text: string
  try {
    // JSON has no text for undefined, functions, symbols and big integers.
    text = (JSON.stringify as (value: unknown) => string | undefined)(value) ?? (typeof value === 'function' ? 'a function' : type)
    if (typeof value === 'number') text = value.toString()
  } catch {
    text = Object.prototype.toString.call(value)
  }
  if (text.length > 60) text = `${text.slice(0, 57)}...`
  return `${text} (type ${type})`
}

export function invalid(where: string, expected: string, got: unknown): PreresnetError {
  return new PreresnetError('ERR_OPTION', `${where}: expected ${expected}, got ${describe(got)}`)
}

/** The candidate nearest to `word` by edit distance, if it is near enough to be meant. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}

/** Refuses keys that are not in `known`, naming the nearest one. */
export function knownKeys(where: string, options: unknown, known: readonly string[]): void {
  if (options === null || typeof options !== 'object' || Array.isArray(options)) throw invalid(where, 'an object of options', options)
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue
    const near = nearest(key, known)
    throw new PreresnetError(
      'ERR_OPTION',
      `${where}: unknown option ${JSON.stringify(key)}${near === undefined ? `; known: ${known.join(', ')}` : `; did you mean ${JSON.stringify(near)}?`}`,
    )
  }
}

export function integer(where: string, value: unknown, minimum: number, maximum = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= minimum && value <= maximum) return value
  throw invalid(where, maximum === Number.MAX_SAFE_INTEGER ? `an integer of at least ${minimum}` : `an integer from ${minimum} to ${maximum}`, value)
}

export function number(where: string, value: unknown, minimum: number, maximum = Infinity): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= minimum && value <= maximum) return value
  throw invalid(where, maximum === Infinity ? `a number of at least ${minimum}` : `a number from ${minimum} to ${maximum}`, value)
}

export function boolean(where: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw invalid(where, 'true or false', value)
}

export function string(where: string, value: unknown): string {
  if (typeof value === 'string' && value.length > 0) return value
  throw invalid(where, 'a string that is not empty', value)
}

/** Of a file or directory. */
export function path(where: string, value: unknown): string {
  if (typeof value === 'string' && value.length > 0) return value
  throw invalid(where, 'a path as a string that is not empty', value)
}

/** To look at what may be no object at all; one that is none has no fields. */
export function fields(value: unknown): Readonly<Record<string | symbol, unknown>> {
  return (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string | symbol, unknown>>
}

export function oneOf<T extends string>(where: string, value: unknown, choices: readonly T[]): T {
  if (choices.includes(value as T)) return value as T
  const near = typeof value === 'string' ? nearest(value, choices) : undefined
  throw invalid(
    where,
    choices.map((choice) => JSON.stringify(choice)).join(' or ') + (near === undefined ? '' : ` (did you mean ${JSON.stringify(near)}?)`),
    value,
  )
}
