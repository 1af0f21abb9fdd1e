/** The contract of a command's `--json`: what it prints, under which version. */
import { printExactly } from '../output.js'
import { constant, object, type Fields, type ObjectOf, type Schema } from './field.js'

export interface Document<F extends Fields = Fields, M extends boolean = boolean> {
  /** The command, or the file. */
  readonly name: string
  /** A whole sentence. */
  readonly help: string
  /** Raised where a field is removed, or means something else; not where one is added. */
  readonly version: number
  readonly fields: F
  /** Whether it is an array of such objects. */
  readonly many: M
}

type Printed<F extends Fields, M extends boolean> = M extends true ? readonly ObjectOf<F>[] : ObjectOf<F>

/** What a command gives, without the version. */
export type DocumentOf<D> = D extends Document<infer F> ? ObjectOf<F> : never

/** The version is the first field of each object. */
const versioned = (version: number): Fields => ({ schemaVersion: constant('Version of this document.', version) })

export function documentSchema({
  name,
  help,
  version,
  fields,
  many,
}: Document): Schema & { readonly $schema: string; readonly $id: string; readonly title: string } {
  const head = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `urn:preresnet:json:${name.replaceAll(' ', '-')}:${version}`,
    title: `preresnet ${name} --json`,
  }
  const { schema } = object(help, { ...versioned(version), ...fields })
  return { ...head, ...(many ? { description: help, type: 'array', items: { ...schema, description: 'One entry.' } } : schema) }
}

export function withVersion<F extends Fields>({ version }: Document<F>, value: ObjectOf<F>): { readonly schemaVersion: number } & ObjectOf<F> {
  return { schemaVersion: version, ...value }
}

/** One JSON document on stdout. */
export function printJson<F extends Fields, M extends boolean>(document: Document<F, M>, value: Printed<F, M>): void {
  const whole = Array.isArray(value) ? value.map((entry: ObjectOf<F>) => withVersion(document, entry)) : withVersion(document, value as ObjectOf<F>)
  printExactly(JSON.stringify(whole, undefined, 2))
}
