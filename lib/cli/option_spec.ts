/** Options as data: one description serves the command line, `--config FILE` and the help text. */
import { boolean, integer, invalid, number, oneOf, string } from '../options.js'

export interface OptionSpec<T> {
  /** How the value is called in the help text; null for a flag. */
  readonly metavar: string | null
  readonly help: string
  readonly fallback: T
  /** The value that a word of the command line stands for, not yet validated. */
  readonly parse: (text: string) => unknown
  /** Validates a value from the command line or from JSON. `where` opens the error. */
  readonly read: (where: string, value: unknown) => T
}

export type OptionSpecs = Readonly<Record<string, OptionSpec<unknown>>>
/** The values of a table of options. */
export type ValuesOf<S extends OptionSpecs> = { readonly [K in keyof S]: S[K] extends OptionSpec<infer T> ? T : never }

interface Limits {
  readonly minimum: number
  readonly maximum?: number
}

/** Without a fallback the value is undefined where nobody gave it. */
export function integerOption(help: string, limits: Limits & { readonly fallback: number }): OptionSpec<number>
export function integerOption(help: string, limits: Limits): OptionSpec<number | undefined>
export function integerOption(help: string, limits: Limits & { readonly fallback?: number }): OptionSpec<number | undefined> {
  return { metavar: 'n', help, fallback: limits.fallback, parse: numberOrText, read: (where, value) => integer(where, value, limits.minimum, limits.maximum) }
}

export function numberOption(help: string, limits: Limits & { readonly fallback: number }): OptionSpec<number>
export function numberOption(help: string, limits: Limits): OptionSpec<number | undefined>
export function numberOption(help: string, limits: Limits & { readonly fallback?: number }): OptionSpec<number | undefined> {
  return { metavar: 'x', help, fallback: limits.fallback, parse: numberOrText, read: (where, value) => number(where, value, limits.minimum, limits.maximum) }
}

/** Integers separated by commas, or none; in JSON an array. */
export function integersOption(help: string, minimum: number): OptionSpec<readonly number[] | undefined> {
  const read = (where: string, value: unknown): readonly number[] => {
    if (!Array.isArray(value)) throw invalid(where, 'an array of integers', value)
    return value.map((item) => integer(where, item, minimum))
  }
  return { metavar: 'n,n', help, fallback: undefined, parse: (text) => (text === 'none' ? [] : text.split(',').map(numberOrText)), read }
}

/** Names or patterns separated by commas; in JSON an array. */
export function namesOption(help: string): OptionSpec<readonly string[]> {
  const read = (where: string, value: unknown): readonly string[] => {
    if (!Array.isArray(value)) throw invalid(where, 'an array of names', value)
    return value.map((item) => string(where, item))
  }
  return { metavar: 'name,name', help, fallback: [], parse: (text) => text.split(','), read }
}

export function stringOption(metavar: string, help: string, fallback: string): OptionSpec<string>
export function stringOption(metavar: string, help: string): OptionSpec<string | undefined>
export function stringOption(metavar: string, help: string, fallback?: string): OptionSpec<string | undefined> {
  return { metavar, help, fallback, parse: (text) => text, read: string }
}

export function choiceOption<const C extends readonly string[]>(help: string, choices: C, fallback: C[number]): OptionSpec<C[number]>
export function choiceOption<const C extends readonly string[]>(help: string, choices: C): OptionSpec<C[number] | undefined>
export function choiceOption<const C extends readonly string[]>(help: string, choices: C, fallback?: C[number]): OptionSpec<C[number] | undefined> {
  const all = choices.join('|')
  const short = all.length <= 24
  const text = short ? help : `${help}: ${choices.join(', ')}`
  return { metavar: short ? all : 'name', help: text, fallback, parse: (word) => word, read: (where, value) => oneOf<C[number]>(where, value, choices) }
}

/** `--name`; where it is on by default, `--no-name`. */
export function flagOption(help: string, fallback: boolean): OptionSpec<boolean>
export function flagOption(help: string): OptionSpec<boolean | undefined>
export function flagOption(help: string, fallback?: boolean): OptionSpec<boolean | undefined> {
  return { metavar: null, help, fallback, parse: (text) => text, read: boolean }
}

const numeral = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

function numberOrText(text: string): number | string {
  return numeral.test(text) ? Number(text) : text
}
