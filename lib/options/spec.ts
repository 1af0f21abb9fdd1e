/** Options as data: one description gives the type, the check, the command line's flag, `--config FILE`, the help text and docs/options.md. */
import { abortSignal } from '../abort.js'
import { boolean, describe, integer, invalid, oneOf, string } from './values.js'

/** Headings of `--help` and of docs/options.md, in their order. */
export const groups = ['Network', 'Data', 'Training', 'Learning rate', 'Optimizer', 'Device', 'CUDA', 'Ranks', 'Output', 'Command'] as const
type Group = (typeof groups)[number]

/**
 * `T`: its values. `F`: the value that it has where nobody gives one. `R`: whether it must be given. `D`: whether it changes the numbers of a run, so that a
 * resumed run must have the same; undefined where the question does not arise.
 */
export interface Option<T = unknown, F = unknown, R = boolean, D = boolean | undefined> {
  readonly group: Group
  readonly help: string
  /** What the number counts; null where the value is no quantity. */
  readonly unit: string | null
  /** As errors say it: `expected ...`. */
  readonly accepts: string
  readonly fallback: F
  /** The default in words, where it depends on something else. */
  readonly usual: string | undefined
  readonly required: R
  readonly decides: D
  /** Null where the command line cannot say it. */
  readonly flag: Flag | null
  /** Checks a value from code, from the command line or from JSON. `where` opens the error. */
  read(where: string, value: unknown): T
  /** What a manifest or a checkpoint says of a value; undefined: nothing. */
  record(value: T): unknown
  /** Options within this one. */
  readonly table?: Table
  readonly choices?: readonly string[]
  /** Of a number; `above`: the minimum itself is not allowed; `below`: the maximum itself is not. */
  readonly limits?: Limits
}

export interface Limits {
  readonly minimum: number
  readonly maximum?: number
  readonly above?: true
  readonly below?: true
}

export interface Flag {
  /** In the style of code: `learningRate` is `--learning-rate`. Absent: the option's key. */
  readonly name?: string
  /** How the value is called in the help text; null for a flag without one. */
  readonly metavar: string | null
  /** The value that a word of the command line stands for, not yet checked. */
  parse(text: string): unknown
}

export type Table = Readonly<Record<string, Option>>
export type ValueOf<O> = O extends Option<infer T> ? T : never

/** All values of a table, where those without a default may be missing. */
export type ValuesOf<S extends Table> = {
  readonly [K in keyof S]: S[K] extends Option<infer T, infer F, infer R> ? (R extends true ? T : F extends undefined ? T | undefined : T) : never
}

type RequiredKeys<S extends Table> = { [K in keyof S]: S[K] extends Option<unknown, unknown, true> ? K : never }[keyof S]
/** Options that must be given. */
export type Needed<S extends Table, K extends keyof S> = { readonly [P in K]: ValueOf<S[P]> }
type Free<S extends Table, K extends keyof S> = { readonly [P in K]?: ValueOf<S[P]> }

/** What a caller may give. Editors show the comments of the table's entries. */
export type Given<S extends Table> = Needed<S, RequiredKeys<S>> & Free<S, Exclude<keyof S, RequiredKeys<S>>>

/** The part of a table that changes the numbers of a run. */
export type DecidingKeys<S extends Table> = { [K in keyof S]: S[K] extends Option<unknown, unknown, boolean, true> ? K : never }[keyof S]

/** A table whose every entry says whether it changes the numbers of a run. */
export type RunTable = Readonly<Record<string, Option<unknown, unknown, boolean, boolean>>>

interface Common {
  readonly group: Group
  readonly help: string
  readonly fallback?: unknown
  readonly usual?: string
  readonly required?: true
  readonly decides?: boolean
  /** The flag's name where it is not the key; null where there is no flag. */
  readonly flag?: string | null
}
interface Quantity extends Common {
  readonly unit: string | null
}
interface IntegerSpec extends Quantity {
  readonly fallback?: number
  readonly minimum: number
  readonly maximum?: number
}
interface NumberSpec extends Quantity {
  readonly fallback?: number
  readonly minimum: number
  readonly maximum?: number
  /** The minimum itself is not allowed. */
  readonly above?: true
  /** The maximum itself is not allowed. */
  readonly below?: true
}

type FallbackOf<S> = S extends { readonly fallback: infer F } ? F : undefined
type RequiredOf<S> = S extends { readonly required: true } ? true : false
type DecidesOf<S> = S extends { readonly decides: infer D } ? D : undefined

interface Parts<T> {
  readonly unit?: string | null
  readonly accepts: string
  readonly metavar?: string | null
  readonly parse?: (text: string) => unknown
  readonly read: (where: string, value: unknown) => T
  readonly record?: (value: T) => unknown
  readonly table?: Table
  readonly choices?: readonly string[]
  readonly limits?: Limits
}

function option<T, S extends Common>(
  spec: S,
  { unit = null, accepts, metavar, parse, read, record = (value) => value, ...more }: Parts<T>,
): Option<T, FallbackOf<S>, RequiredOf<S>, DecidesOf<S>> {
  const { group, help, fallback, usual, required = false, decides, flag } = spec
  const made: Option<T> = {
    group,
    help,
    unit,
    accepts,
    fallback,
    usual,
    required,
    decides,
    flag: flag === null || parse === undefined ? null : { ...(flag !== undefined && { name: flag }), metavar: metavar ?? null, parse },
    read,
    record,
    ...more,
  }
  return made as Option<T, FallbackOf<S>, RequiredOf<S>, DecidesOf<S>>
}

const bounds = (a: string, minimum: number, maximum: number | undefined): string =>
  maximum === undefined ? `${a} of at least ${minimum}` : `${a} from ${minimum} to ${maximum}`

function openBounds(a: string, { minimum, maximum, above, below }: Limits): string {
  const least = `${a} ${above === true ? 'above' : 'of at least'} ${minimum}`
  return maximum === undefined ? least : `${least} and ${below === true ? 'below' : 'at most'} ${maximum}`
}

const limitsOf = ({ minimum, maximum, above, below }: Limits): Limits => ({
  minimum,
  ...(maximum !== undefined && { maximum }),
  ...(above && { above }),
  ...(below && { below }),
})

export function integerOption<const S extends IntegerSpec>(spec: S): Option<number, FallbackOf<S>, RequiredOf<S>, DecidesOf<S>> {
  const { unit, minimum, maximum } = spec
  return option<number, S>(spec, {
    unit,
    accepts: bounds('an integer', minimum, maximum),
    metavar: unit ?? 'n',
    parse: numberOrText,
    read: (where, value) => integer(where, value, minimum, maximum),
    limits: limitsOf(spec),
  })
}

export function numberOption<const S extends NumberSpec>(spec: S): Option<number, FallbackOf<S>, RequiredOf<S>, DecidesOf<S>> {
  const { unit } = spec
  const accepts = numberWithin('a number', spec)
  return option<number, S>(spec, { unit, accepts, metavar: unit ?? 'x', parse: numberOrText, read: numberReader(spec), limits: limitsOf(spec) })
}

const numberWithin = (a: string, limits: Limits): string =>
  limits.above === true || limits.below === true ? openBounds(a, limits) : bounds(a, limits.minimum, limits.maximum)

function numberReader(limits: Limits): (where: string, value: unknown) => number {
  const { minimum, maximum = Infinity, above, below } = limits
  return (where, value) => {
    const fits = typeof value === 'number' && (above === true ? value > minimum : value >= minimum) && (below === true ? value < maximum : value <= maximum)
    if (fits && Number.isFinite(value)) return value
    throw invalid(where, numberWithin('a number', limits), value)
  }
}

/** A number within limits, or a word that stands for a rule. */
export function numberOrWordOption<const W extends string, const S extends NumberSpec & { readonly accepts: string }>(
  spec: S & { readonly word: W },
): Option<number | W, FallbackOf<S>, RequiredOf<S>, DecidesOf<S>> {
  const { unit, word, accepts, minimum, maximum = Infinity } = spec
  const read = (where: string, value: unknown): number | W => {
    if (value === word || (typeof value === 'number' && value >= minimum && value <= maximum)) return value as number | W
    throw invalid(where, accepts, value)
  }
  return option<number | W, S>(spec, { unit, accepts, metavar: `${word}|x`, parse: numberOrText, read, limits: limitsOf(spec) })
}

/** Integers; on the command line separated by commas, or none. */
export function integersOption<const S extends Quantity & { readonly minimum: number; readonly maximum?: number }>(
  spec: S,
): Option<readonly number[], FallbackOf<S>, RequiredOf<S>, DecidesOf<S>> {
  return listOption(spec, bounds('integers', spec.minimum, spec.maximum), (where, item) => integer(where, item, spec.minimum, spec.maximum))
}

/** Numbers that may have a fraction; on the command line separated by commas. */
export function numbersOption<const S extends Omit<NumberSpec, 'fallback'> & { readonly fallback?: readonly number[] }>(
  spec: S,
): Option<readonly number[], FallbackOf<S>, RequiredOf<S>, DecidesOf<S>> {
  return listOption(spec, numberWithin('numbers', spec), numberReader(spec))
}

/** The same, or a word that stands for a rule. */
export function numbersOrWordOption<const W extends string, const S extends Omit<NumberSpec, 'fallback'> & { readonly fallback?: readonly number[] }>(
  spec: S & { readonly word: W },
): Option<readonly number[] | W, FallbackOf<S>, RequiredOf<S>, DecidesOf<S>> {
  const { unit, word } = spec
  const accepts = `${JSON.stringify(word)} or an array of ${numberWithin('numbers', spec)}`
  const readItem = numberReader(spec)
  const read = (where: string, value: unknown): readonly number[] | W => {
    if (value === word) return value as W
    if (!Array.isArray(value) || value.some((item) => typeof item !== 'number')) throw invalid(where, accepts, value)
    return value.map((item) => readItem(where, item))
  }
  const parse = (text: string): unknown => (text === word ? text : numbersOf(text))
  return option<readonly number[] | W, S>(spec, { unit, accepts, metavar: `${word}|${unit ?? 'x'},...`, parse, read })
}

function listOption<S extends Quantity>(
  spec: S,
  items: string,
  readItem: (where: string, item: unknown) => number,
): Option<readonly number[], FallbackOf<S>, RequiredOf<S>, DecidesOf<S>> {
  const { unit } = spec
  const accepts = `an array of ${items}`
  const read = (where: string, value: unknown): readonly number[] => {
    if (!Array.isArray(value)) throw invalid(where, accepts, value)
    return value.map((item) => readItem(where, item))
  }
  return option<readonly number[], S>(spec, { unit, accepts, metavar: `${unit ?? 'n'},...`, parse: numbersOf, read })
}

/** Names or patterns; on the command line separated by commas. */
export function namesOption<const S extends Common>(spec: S): Option<readonly string[], FallbackOf<S>, RequiredOf<S>, DecidesOf<S>> {
  const accepts = 'a list of names or patterns'
  const read = (where: string, value: unknown): readonly string[] => {
    if (!Array.isArray(value)) throw invalid(where, accepts, value)
    return value.map((item, index) => string(`${where}[${index}]`, item))
  }
  return option<readonly string[], S>(spec, { accepts, metavar: 'name,...', parse: (text) => text.split(','), read })
}

export function stringOption<const S extends Common & { readonly metavar: string }>(spec: S): Option<string, FallbackOf<S>, RequiredOf<S>, DecidesOf<S>> {
  return option<string, S>(spec, { accepts: 'a string that is not empty', metavar: spec.metavar, parse: (text) => text, read: string })
}

export function choiceOption<const C extends readonly string[], const S extends Common & { readonly choices: C; readonly fallback?: C[number] }>(
  spec: S & { readonly choices: C },
): Option<C[number], FallbackOf<S>, RequiredOf<S>, DecidesOf<S>> {
  const { choices } = spec
  const all = choices.join('|')
  const short = all.length <= 24
  return option<C[number], S>(spec, {
    accepts: choices.map((choice) => JSON.stringify(choice)).join(' or '),
    metavar: short ? all : 'name',
    parse: (text) => text,
    read: (where, value) => oneOf<C[number]>(where, value, choices),
    choices,
  })
}

/** `--name`; where it is on by default, `--no-name`. */
export function flagOption<const S extends Common>(spec: S): Option<boolean, FallbackOf<S>, RequiredOf<S>, DecidesOf<S>> {
  return option<boolean, S>(spec, { accepts: 'true or false', metavar: null, parse: (text) => text, read: boolean })
}

/** A value that only code can give. */
export function valueOption<T>() {
  return <const S extends Common & Pick<Parts<T>, 'accepts' | 'read'> & { readonly record?: (value: T) => unknown }>(
    spec: S,
  ): Option<T, FallbackOf<S>, RequiredOf<S>, DecidesOf<S>> => {
    const { accepts, read, record } = spec
    return option<T, S>(spec, { accepts, read, ...(record && { record }) })
  }
}

/** What ends a call. */
export function signalOption<const S extends Common>(spec: S): Option<AbortSignal, FallbackOf<S>, RequiredOf<S>, DecidesOf<S>> {
  return option<AbortSignal, S>(spec, { accepts: 'an AbortSignal', read: (where, value) => abortSignal(where, value)!, record: () => undefined })
}

/** Options within one: `cuda: { index, ... }`; on the command line each has a flag of its own. Nothing is filled in. */
export function objectOption<const S extends Common, T extends Table>(
  spec: S,
  table: T,
  read: (where: string, value: unknown) => Given<T>,
): Option<Given<T>, FallbackOf<S>, RequiredOf<S>, DecidesOf<S>> {
  return option<Given<T>, S>(spec, { accepts: 'an object of options', read, table })
}

function numbersOf(text: string): unknown {
  return text === 'none' ? [] : text.split(',').map(numberOrText)
}

const numeral = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

function numberOrText(text: string): number | string {
  return numeral.test(text) ? Number(text) : text
}

interface Change<T> {
  readonly group?: Group
  readonly help?: string
  readonly usual?: string | undefined
  readonly fallback?: T | undefined
  readonly required?: boolean
}

/** The same option with another default or another help: where those who take it differ. */
export function variant<T, F, R, D, const S extends Change<T>>(
  base: Option<T, F, R, D>,
  change: S,
): Option<T, S extends { readonly fallback: infer G } ? G : F, S extends { readonly required: infer Q } ? Q : R, D> {
  return { ...base, ...change } as Option<T, S extends { readonly fallback: infer G } ? G : F, S extends { readonly required: infer Q } ? Q : R, D>
}

/** A default as the help and the reference page say it. */
export function usually({ usual, fallback }: Option): string | undefined {
  if (usual !== undefined) return usual
  if (Array.isArray(fallback)) return fallback.length === 0 ? undefined : fallback.join(',')
  if (typeof fallback === 'string' || typeof fallback === 'number' || typeof fallback === 'boolean') return String(fallback)
  return fallback === undefined ? undefined : describe(fallback)
}
