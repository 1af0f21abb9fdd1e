/** Tables of options on the command line: options within an option have flags of their own. */
import type { Given, Option, Table } from '../options/spec.js'
import { usually } from '../options/spec.js'

const flagKey = (key: string, { flag }: Option): string => flag?.name ?? key

/** Flags of what stands within the options of a table: `cuda: { index }` is `--cuda-index`. Undefined where nobody gave it. */
export function flagsWithin(table: Table): Table {
  const inner = Object.values(table).flatMap((option) => Object.entries(option.table ?? {}))
  return Object.fromEntries(
    inner.flatMap(([key, option]) =>
      option.flag === null ? [] : [[flagKey(key, option), { ...option, fallback: undefined, required: false, usual: usually(option) }]],
    ),
  )
}

/** What flags say, as the options of a table; nothing of those that nobody gave. */
export function fromFlags<S extends Table>(table: S, values: object): Partial<Given<S>> {
  const given = values as Readonly<Record<string, unknown>>
  const result: Record<string, unknown> = {}
  for (const [key, option] of Object.entries(table)) {
    const inner = option.table === undefined ? undefined : fromFlags(option.table, values)
    const value = inner === undefined ? (option.flag === null ? undefined : given[flagKey(key, option)]) : Object.keys(inner).length === 0 ? undefined : inner
    if (value !== undefined) result[key] = value
  }
  return result as Partial<Given<S>>
}
