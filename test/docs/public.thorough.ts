/** What users of the package see: its names and its types. */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'

const root = join(import.meta.dirname, '../../..')

test('each entry exports the names of docs/public-names.txt', async (t) => {
  await t.notThrowsAsync(promisify(execFile)(process.execPath, ['scripts/public-names.mjs', '--check'], { cwd: root }))
})

test('no identifier of the public surface and of the native headers is one that the project does not use', async (t) => {
  await t.notThrowsAsync(promisify(execFile)(process.execPath, ['scripts/identifiers.mjs', '--check'], { cwd: root }))
})

test('types that the entries lead to have nothing internal, and nothing of the emulated GPU', async (t) => {
  const { innerWords, reachableTypes } = (await import(join(root, 'scripts/support/shipped_types.mjs'))) as {
    innerWords: (root: string) => string[]
    reachableTypes: (root: string) => string[]
  }
  const files = reachableTypes(root)
  t.true(files.length > 50)
  t.deepEqual(
    files.filter((file) => !existsSync(join(root, file))),
    [],
  )
  const named = files.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/['"](\.\.?\/[^'"\s]+)\.js['"]/g)].map(([, path]) => join(dirname(file), `${path}.d.ts`)),
  )
  t.deepEqual(
    [...new Set(named)].filter((file) => !files.includes(file)),
    [],
  )
  t.deepEqual(innerWords(root), [])
  for (const room of ['cli', 'goldens', 'native/types'])
    t.deepEqual(
      files.filter((file) => file.startsWith(`dist/lib/${room}`)),
      [],
      room,
    )
})

test('every entry has types and a default, which are there', (t) => {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, string | Record<string, string>> }
  const entries = Object.values(exports).filter((entry) => typeof entry === 'object')
  t.true(entries.length >= 4)
  for (const entry of entries) for (const kind of ['types', 'default']) t.true(existsSync(join(root, entry[kind]!)), entry[kind])
})
