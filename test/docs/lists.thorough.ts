/** Lists in the documentation against the code that they list. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { ErrorCode } from '../../lib/errors.js'

const root = join(import.meta.dirname, '../../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

function sources(folder: string, extensions: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => extensions.test(file))
    .map((file) => join(folder, file))
}

const sorted = (names: Iterable<string>) => [...new Set(names)].sort()
const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1]!)

/** Code, meaning and remedy of each error, as the comments of `ErrorCode` say them. */
function errorRows(): { code: string; row: string }[] {
  const found = [...read('lib/errors.ts').matchAll(/^ {2}\/\*\*\n((?: {3}\*.*\n)+?) {3}\*\/\n {2}(ERR_\w+): '\2',$/gm)]
  return found.map(([, comment, code]) => {
    const [meaning, remedy] = comment!
      .replaceAll(/^ {3}\* ?/gm, '')
      .split('\n\n')
      .map((paragraph) => paragraph.replaceAll('\n', ' ').trim())
    return { code: code!, row: `| \`${code!}\` | ${meaning!} | ${remedy!.replace(/^Remedy: /, '')} |` }
  })
}

test('docs/errors.md says of every error code what its comment says, and lists no other', (t) => {
  const rows = read('docs/errors.md')
    .split('\n')
    .filter((line) => line.startsWith('| `ERR_'))
  t.deepEqual(
    rows,
    errorRows().map(({ row }) => row),
  )
  t.deepEqual(
    errorRows().map(({ code }) => code),
    Object.keys(ErrorCode),
  )
})

test('native code throws only codes that TypeScript declares', (t) => {
  const declared = new Set<string>(Object.keys(ErrorCode))
  const thrown = sources('native', /\.(h|cpp)$/).flatMap((file) => matches(read(file), /"(ERR_\w+)"/g))
  t.true(thrown.length > 0)
  t.deepEqual(sorted(thrown.filter((code) => !declared.has(code))), [])
})

test('docs/environment.md lists every variable of our own and no other', (t) => {
  const documented = matches(read('docs/environment.md'), /^\| `(PRERESNET_\w+)` \|/gm)
  const code = [...sources('lib', /\.ts$/), ...sources('native', /\.(h|cpp)$/), 'scripts/build-native.mjs', 'test/support/executors.ts'].map(read).join('\n')
  const used = [...matches(code, /process\.env(?:\.|\[')(PRERESNET_\w+)/g), ...matches(code, /getenv\("(PRERESNET_\w+)"\)/g)]
  t.true(used.length > 0)
  t.deepEqual(sorted(documented), sorted(used))
})

test('docs/architecture.md has the table of imports that the linter enforces', (t) => {
  const table = /^const MAY_IMPORT = \{\n([^}]*)\n\}/m.exec(read('eslint.config.mjs'))![1]!
  const enforced = [...table.matchAll(/^ +(\w+): \[(.*)\],$/gm)].map(
    ([, room, list]) => `| ${room!} | ${matches(list!, /'(\w+)'/g).join(', ') || '(nothing)'} |`,
  )
  const documented = read('docs/architecture.md').split('\n')
  t.true(enforced.length > 8)
  t.deepEqual(
    enforced.filter((row) => !documented.includes(row)),
    [],
  )
  const rooms = readdirSync(join(root, 'lib'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  t.deepEqual(sorted(rooms.map(({ name }) => name)), sorted(matches(table, /^ +(\w+):/gm)))
})
