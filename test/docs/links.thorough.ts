/** The pages of the npm package: their links lead to files that the package has, and the README says what it needs. */
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'

const root = join(import.meta.dirname, '../../..')
const { stagedFiles } = (await import(pathToFileURL(join(root, 'scripts/package/files.mjs')).href)) as { stagedFiles: (root: string) => readonly string[] }
const files = new Set(stagedFiles(root))

test('every link of a page in the package leads to a file in the package', (t) => {
  const pages = [...files].filter((file) => file.endsWith('.md'))
  for (const page of ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docs/errors.md', 'docs/architecture.md']) t.true(pages.includes(page), page)
  for (const page of pages) {
    const links = [...readFileSync(join(root, page), 'utf8').matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!)
    const missing = links.filter((link) => !/^(https?:|#)/.test(link) && !files.has(normalize(join(dirname(page), link.split('#')[0]!))))
    t.deepEqual(missing, [], page)
  }
})

test('the package has what builds the addon and the library for MPI', (t) => {
  for (const file of ['scripts/build-native.mjs', 'scripts/build-mpi.mjs', 'native/mpi/mpi.cpp', 'native/interfaces/mpi_api.h']) t.true(files.has(file), file)
})

test('the README names every Debian package that the build needs, and no other', (t) => {
  const needed = [
    ...readFileSync(join(root, 'scripts/support/debian.mjs'), 'utf8')
      .split('LINT_PACKAGES')[0]!
      .matchAll(/name: '([^']+)'/g),
  ].map((match) => match[1]!)
  const line = /^apt-get install (.*)$/m.exec(readFileSync(join(root, 'README.md'), 'utf8'))![1]!
  // Boost.Context is for tests.
  t.deepEqual(line.split(' ').sort(), needed.filter((name) => name !== 'libboost-context-dev').sort())
})
