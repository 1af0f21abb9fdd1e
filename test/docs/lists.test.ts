/** Lists in the documentation against the code that they list. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'

const root = join(import.meta.dirname, '../../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

function sources(folder: string, extensions: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => extensions.test(file))
    .map((file) => join(folder, file))
}

const sorted = (names: Iterable<string>) => [...new Set(names)].sort()
const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1]!)

test('docs/errors.md lists every error code and no other', (t) => {
  const documented = matches(read('docs/errors.md'), /^\| `(ERR_\w+)` \|/gm)
  const declared = matches(read('lib/errors.ts'), /^ +\| '(ERR_\w+)'/gm)
  t.true(declared.length > 10)
  t.deepEqual(sorted(documented), sorted(declared))
  t.is(documented.length, declared.length)
})

test('native code throws only codes that TypeScript declares', (t) => {
  const declared = new Set(matches(read('lib/errors.ts'), /^ +\| '(ERR_\w+)'/gm))
  const thrown = sources('native', /\.(h|cpp)$/).flatMap((file) => matches(read(file), /"(ERR_\w+)"/g))
  t.true(thrown.length > 0)
  t.deepEqual(sorted(thrown.filter((code) => !declared.has(code))), [])
})

test('docs/environment.md lists every variable of our own and no other', (t) => {
  const documented = matches(read('docs/environment.md'), /^\| `(PRERESNET_\w+)` \|/gm)
  const code = [...sources('lib', /\.ts$/), ...sources('native', /\.(h|cpp)$/), 'scripts/install.mjs', 'test/support/executors.ts'].map(read).join('\n')
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
