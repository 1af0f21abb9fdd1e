/** Fields of JSON documents as data: one entry gives the type of what is printed, its JSON Schema and its line in docs/json.md. */

/** The part of JSON Schema, draft 2020-12, that the documents need. */
export interface Schema {
  readonly description?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly maximum?: number
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  /** Of an object whose names are not known: what each of them holds. */
  readonly additionalProperties?: Schema
}

/** `T`: its values. `O`: whether a document may lack it. */
export interface Field<T = unknown, O extends boolean = boolean> {
  readonly schema: Schema
  readonly optional: O
  /** Never there: it carries the type. */
  readonly values?: T
}

export type Fields = Readonly<Record<string, Field>>
export type ValueOf<F> = F extends Field<infer T> ? T : never

type Keys<F extends Fields, O extends boolean> = { [K in keyof F]: F[K] extends Field<unknown, O> ? K : never }[keyof F]

/** An object of these fields. */
export type ObjectOf<F extends Fields> = { readonly [K in Keys<F, false>]: ValueOf<F[K]> } & { readonly [K in Keys<F, true>]?: ValueOf<F[K]> }

/** What a number counts, and its range. */
interface Quantity {
  /** A whole sentence. */
  readonly help: string
  /** Null where it is no quantity. */
  readonly unit: string | null
  readonly minimum?: number
  /** The minimum itself cannot be. */
  readonly above?: true
  readonly maximum?: number
}

const field = <T>(schema: Schema): Field<T, false> => ({ schema, optional: false })

function quantity(type: string, { help, unit, minimum, above, maximum }: Quantity): Field<number, false> {
  const least = minimum === undefined ? {} : above === true ? { exclusiveMinimum: minimum } : { minimum }
  const description = unit === null ? help : `${help} Unit: ${unit}.`
  return field({ description, type, ...least, ...(maximum !== undefined && { maximum }) })
}

export const integer = (spec: Quantity & { readonly minimum: number }): Field<number, false> => quantity('integer', spec)
export const number = (spec: Quantity): Field<number, false> => quantity('number', spec)
export const text = (help: string): Field<string, false> => field({ description: help, type: 'string' })
export const flag = (help: string): Field<boolean, false> => field({ description: help, type: 'boolean' })

export const choice = <const C extends readonly string[]>(help: string, choices: C): Field<C[number], false> =>
  field({ description: help, type: 'string', enum: choices })

/** One value for all documents. */
export const constant = <const V extends number>(help: string, value: V): Field<V, false> => field({ description: help, const: value })

export const list = <T>(help: string, item: Field<T>): Field<readonly T[], false> => field({ description: help, type: 'array', items: item.schema })

/** An object whose names the document chooses. */
export const named = <T>(help: string, value: Field<T>): Field<Readonly<Record<string, T>>, false> =>
  field({ description: help, type: 'object', additionalProperties: value.schema })

export function object<const F extends Fields>(help: string, fields: F): Field<ObjectOf<F>, false> {
  const entries = Object.entries<Field>(fields)
  return field({
    description: help,
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, { schema }]) => [name, schema])),
    required: entries.flatMap(([name, { optional }]) => (optional ? [] : [name])),
  })
}

/** `when` ends a sentence: `where no image was tested`. */
export function nullable<T>({ schema }: Field<T>, when: string): Field<T | null, false> {
  const { type, enum: choices } = schema
  const values = choices === undefined ? {} : { enum: [...choices, null] }
  return field({ ...schema, ...values, description: `${schema.description} Null ${when}.`, type: [type as string, 'null'] })
}

export function optional<T>({ schema }: Field<T>, when: string): Field<T, true> {
  return { schema: { ...schema, description: `${schema.description} Absent ${when}.` }, optional: true }
}
