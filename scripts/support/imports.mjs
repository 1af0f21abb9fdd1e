// Which npm packages the compiled library imports, and what of them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { filesUnder } from './stamp.mjs'

/** By package: the names that files of dist/lib under `root` import from it ('default' for a default import), and these files. */
export function packageImports(root) {
  const found = new Map()
  for (const file of filesUnder(root, 'dist/lib').filter((path) => path.endsWith('.js'))) {
    const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest)
    for (const statement of source.statements) {
      const from = statement.moduleSpecifier?.text
      if (from === undefined || from.startsWith('.') || from.startsWith('node:')) continue
      const entry = found.get(from) ?? { names: new Set(), files: [] }
      for (const name of importedNames(statement, file)) entry.names.add(name)
      entry.files.push(file)
      found.set(from, entry)
    }
  }
  return found
}

function importedNames({ importClause, kind }, file) {
  const { name, namedBindings } = importClause ?? {}
  if (kind !== ts.SyntaxKind.ImportDeclaration || importClause === undefined || (namedBindings !== undefined && !ts.isNamedImports(namedBindings)))
    throw new Error(`${file}: expected imports of a package by name`)
  const named = (namedBindings?.elements ?? []).map((element) => (element.propertyName ?? element.name).text)
  return name === undefined ? named : ['default', ...named]
}
