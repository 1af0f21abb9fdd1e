// Writes docs/json.md and the schemas beside it from the documents in lib/cli/json; `--check` only says whether they are up to date.
// Needs the compiled library (npm run build).
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commands } from '../dist/lib/cli/commands.js'
import { documentSchema } from '../dist/lib/cli/json/document.js'
import { main, Stop } from './support/run.mjs'

const root = join(import.meta.dirname, '..')
const folder = 'docs/json'
const schemas = commands.map(({ name, json }) => [name, documentSchema(json)])
const fileOf = (name) => `json/${name.replaceAll(' ', '-')}.schema.json`

const cell = (text) => text.replaceAll('|', '\\|')
const row = (cells) => `| ${cells.map(cell).join(' | ')} |`

/** Type and range in words. */
function valueOf(schema) {
  const { type, minimum, exclusiveMinimum, maximum } = schema
  if ('const' in schema) return String(schema.const)
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ')
  const least = minimum === undefined ? (exclusiveMinimum === undefined ? '' : ` above ${exclusiveMinimum}`) : ` from ${minimum}`
  return `${[type].flat().join(' or ')}${least}${maximum === undefined ? '' : ` to ${maximum}`}`
}

/** A field and those within it: `cases[].error`, `arenas.*`. */
function rows(schema, path) {
  const within = [
    ...Object.entries(schema.properties ?? {}).map(([name, inner]) => [path === '' ? name : `${path}.${name}`, inner]),
    ...(schema.items === undefined ? [] : [[`${path}[]`, schema.items]]),
    ...(schema.additionalProperties === undefined ? [] : [[`${path}.*`, schema.additionalProperties]]),
  ]
  return within.flatMap(([name, inner]) => [row([`\`${name}\``, valueOf(inner), inner.description]), ...rows(inner, name)])
}

function section([name, schema]) {
  return [
    `## ${name}`,
    '',
    `${schema.description} Schema: [${fileOf(name)}](${fileOf(name)}).`,
    '',
    '| field | value | what it is |',
    '|---|---|---|',
    ...rows(schema, ''),
    '',
  ]
}

const page = [
  '# What `--json` prints',
  '',
  'Made by `node scripts/json.mjs` from lib/cli/json; do not edit.',
  '',
  'Every command takes `--json` and then prints one JSON document on stdout, and nothing else; `predict` prints an array with one entry for each image. Every document, and every entry of that array,',
  'has `schemaVersion`. The files `docs/json/COMMAND.schema.json` of the package are its JSON Schemas (draft 2020-12).',
  '',
  'What the version promises:',
  '',
  '- Within a version every field keeps its name, its place, its type, its unit and its meaning. A field that is not said to be absent in some case is always there.',
  '- Fields may be added, and a field that names one of several choices may get a new choice, without a new version: ignore what you do not know. The schemas allow further fields, but list the choices of their own version of the package.',
  '- Where a field is removed, renamed or means something else, `schemaVersion` of that command goes up by one, and the changelog says what has changed.',
  '- The order of fields and the spaces between them are not promised. Numbers that JSON cannot hold (NaN, Infinity) are null.',
  '',
  'A command that fails prints no document, but one line on stderr, `preresnet: CODE: message` ([errors.md](errors.md)), and exits with 1, or with 2 where it was called in a wrong way. `doctor`, `goldens` and',
  '`predict` print their document also where they exit with 1 because of what it says. Progress goes to stderr. So check the exit status first, and read stdout where it is not empty.',
  '',
  'Files of a run:',
  '',
  '- `result.json` is the document of `train`, with its `schemaVersion`. Files of before it existed lack that field, `top1Accuracy` and `top5Accuracy`, and are otherwise the same.',
  '- `metrics.jsonl`, `manifest.json` and checkpoints are no documents of a command. They are written for `report`, `--resume` and people, and are not part of this promise; the manifest and',
  '  checkpoints have versions of their own, in `format`.',
  '',
  ...schemas.flatMap(section),
].join('\n')

await main('json', () => {
  const check = process.argv.includes('--check')
  const wanted = new Map([['docs/json.md', page], ...schemas.map(([name, schema]) => [`docs/${fileOf(name)}`, `${JSON.stringify(schema, undefined, 2)}\n`])])
  mkdirSync(join(root, folder), { recursive: true })
  const read = (file) => readFileSync(join(root, file), { encoding: 'utf8', flag: check ? 'r' : 'a+' })
  const stale = [...wanted].filter(([file, text]) => read(file) !== text)
  const others = readdirSync(join(root, folder))
    .map((name) => `${folder}/${name}`)
    .filter((file) => !wanted.has(file))
  const wrong = [...stale.map(([file]) => file), ...others]
  if (check && wrong.length > 0) throw new Stop(`${wrong.join(', ')}: not what lib/cli/json says; run node scripts/json.mjs`)
  for (const [file, text] of stale) writeFileSync(join(root, file), text)
  for (const file of others) rmSync(join(root, file))
})
