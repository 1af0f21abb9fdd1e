/** What a table of options does for those who take them. */
import type { Given, Option, Table, ValuesOf } from './spec.js'
import { isObject, knownKeys } from './values.js'

/** What was given, each value checked; keys that the table has not are refused. Nothing is filled in. */
export function checkOptions<S extends Table>(where: string, table: S, given: unknown): Given<S> {
  return checked(where, table, given, (key) => `${where}: ${key}`)
}

/** The same for options within an option, `where` being that one. */
export function checkInner<S extends Table>(where: string, table: S, given: unknown): Given<S> {
  return checked(where, table, given, (key) => `${where}.${key}`)
}

function checked<S extends Table>(where: string, table: S, given: unknown, nameOf: (key: string) => string): Given<S> {
  knownKeys(where, given, Object.keys(table))
  const values = given as Readonly<Record<string, unknown>>
  const result: Record<string, unknown> = {}
  for (const [key, option] of Object.entries(table)) {
    const value = values[key]
    if (value !== undefined || option.required) result[key] = option.read(nameOf(key), value)
  }
  return result as Given<S>
}

/** Checked values with the defaults of what was not given. */
export function withDefaults<S extends Table>(table: S, given: Given<S>): ValuesOf<S> {
  const values = given as Readonly<Record<string, unknown>>
  return Object.fromEntries(Object.entries(table).map(([key, { fallback }]) => [key, values[key] ?? fallback])) as ValuesOf<S>
}

/** Of many values those that a table has, for passing on. */
export function pick<S extends Table>(table: S, values: { readonly [K in keyof S]?: unknown }): Given<S> {
  return Object.fromEntries(Object.keys(table).flatMap((key) => (values[key] === undefined ? [] : [[key, values[key]]]))) as Given<S>
}

/** As plain data, what a run's options were: those that change its numbers, or the others. */
export function recorded(table: Table, values: object, decides: boolean): Readonly<Record<string, unknown>> {
  const all = values as Readonly<Record<string, unknown>>
  return Object.fromEntries(
    Object.entries(table).flatMap(([key, option]) => {
      const value = all[key]
      if (value === undefined) return []
      if (option.table !== undefined) {
        const inner = recorded(option.table, value as object, decides)
        return Object.keys(inner).length === 0 ? [] : [[key, inner]]
      }
      const record = option.decides === decides ? option.record(value) : undefined
      return record === undefined ? [] : [[key, record]]
    }),
  )
}

/** What was recorded of an option, with the defaults of what is absent, at every depth: an older version did not know it, and did what is now its default. */
export function completed(option: Option, value: unknown): unknown {
  // What has to be said within it has no default, so it is not there at all.
  if (value === undefined && Object.values(option.table ?? {}).some(({ required, decides }) => required && decides === true)) return undefined
  if (option.table === undefined) return filled(option.fallback === undefined ? undefined : option.record(option.fallback), value)
  const all = (value ?? {}) as Readonly<Record<string, unknown>>
  const deciding = Object.entries(option.table).filter(([, { table, decides }]) => table !== undefined || decides === true)
  return { ...all, ...Object.fromEntries(deciding.map(([key, within]) => [key, completed(within, all[key])])) }
}

function filled(fallback: unknown, value: unknown): unknown {
  if (!isObject(fallback) || !isObject(value)) return value ?? fallback
  return { ...value, ...Object.fromEntries(Object.entries(fallback).map(([key, within]) => [key, filled(within, value[key])])) }
}
