/** Whether a value is what a JSON Schema says, by the keywords that the schemas of the command line use. An unknown keyword is an error. */

type Check = (value: unknown, expected: never, path: string) => string[]
type Schema = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)
const shown = (value: unknown) => JSON.stringify(value).slice(0, 80)
const unless = (fine: boolean, path: string, expected: string, value: unknown) => (fine ? [] : [`${path}: expected ${expected}, got ${shown(value)}`])

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  null: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
  array: Array.isArray,
  object: isObject,
}

const about = () => []

const checks: Readonly<Record<string, Check>> = {
  $schema: about,
  $id: about,
  title: about,
  description: about,
  type: (value, expected: string | readonly string[], path) => {
    const names = [expected].flat()
    return unless(
      names.some((name) => types[name]!(value)),
      path,
      names.join(' or '),
      value,
    )
  },
  enum: (value, expected: readonly unknown[], path) => unless(expected.includes(value), path, `one of ${shown(expected)}`, value),
  const: (value, expected: unknown, path) => unless(value === expected, path, shown(expected), value),
  minimum: (value, expected: number, path) => unless(typeof value !== 'number' || value >= expected, path, `at least ${expected}`, value),
  exclusiveMinimum: (value, expected: number, path) => unless(typeof value !== 'number' || value > expected, path, `above ${expected}`, value),
  maximum: (value, expected: number, path) => unless(typeof value !== 'number' || value <= expected, path, `at most ${expected}`, value),
  items: (value, expected: Schema, path) => (Array.isArray(value) ? value.flatMap((item, index) => violations(expected, item, `${path}[${index}]`)) : []),
  required: (value, expected: readonly string[], path) =>
    expected.flatMap((name) => (!isObject(value) || name in value ? [] : [`${path}.${name}: is missing`])),
  // Users' validators let through what later versions add; here whatever the schema does not name is an error.
  properties: (value, expected: Readonly<Record<string, Schema>>, path) =>
    Object.entries(isObject(value) ? value : {}).flatMap(([name, inner]) =>
      name in expected ? violations(expected[name]!, inner, `${path}.${name}`) : [`${path}.${name}: is not in the schema; add it in lib/cli/json`],
    ),
  additionalProperties: (value, expected: Schema, path) =>
    Object.entries(isObject(value) ? value : {}).flatMap(([name, inner]) => violations(expected, inner, `${path}.${name}`)),
}

/** Sentences about what a value has that its schema does not say; none where all is right. */
export function violations(schema: object, value: unknown, path = '$'): string[] {
  return Object.entries(schema).flatMap(([keyword, expected]) => {
    const check = checks[keyword]
    if (check === undefined) throw new TypeError(`${path}: unknown keyword ${keyword}`)
    return check(value, expected as never, path)
  })
}
