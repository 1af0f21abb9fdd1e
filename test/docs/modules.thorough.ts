/** Files of lib/ import each other in one direction, and export nothing that nobody uses. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import test from 'ava'
import ts from 'typescript'
import { packageFolder } from '../../lib/package.js'

const root = packageFolder()

/** A file's imports by the file that they are from, re-exports included: names, or '*' for all of them. And the names that it exports. */
interface Module {
  readonly imports: ReadonlyMap<string, ReadonlySet<string>>
  readonly exports: ReadonlySet<string>
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') || name.endsWith('.mjs'))
    .map((name) => join(root, folder, name))
}

function parse(file: string): Module {
  const imports = new Map<string, Set<string>>()
  const exports = new Set<string>()
  const add = (from: ts.Node | undefined, names: readonly string[]): void => {
    if (from === undefined || !ts.isStringLiteral(from) || !from.text.startsWith('.')) return
    const target = resolve(dirname(file), from.text).replace(/\.js$/, '.ts')
    imports.set(target, new Set([...(imports.get(target) ?? []), ...names]))
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, importedNames(node.importClause))
    else if (ts.isExportDeclaration(node)) {
      const elements = node.exportClause !== undefined && ts.isNamedExports(node.exportClause) ? node.exportClause.elements : undefined
      add(node.moduleSpecifier, elements?.map(({ propertyName, name }) => (propertyName ?? name).text) ?? ['*'])
      for (const { name } of elements ?? []) exports.add(name.text)
    } else if (ts.isImportTypeNode(node)) add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, ['*'])
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], ['*'])
    else if (ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true) {
      for (const name of declaredNames(node)) exports.add(name)
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest))
  return { imports, exports }
}

function importedNames(clause: ts.ImportClause | undefined): string[] {
  const bindings = clause?.namedBindings
  if (bindings === undefined || !ts.isNamedImports(bindings)) return ['*']
  return bindings.elements.map(({ propertyName, name }) => (propertyName ?? name).text)
}

function declaredNames(node: ts.Node): string[] {
  if (ts.isVariableStatement(node)) return node.declarationList.declarations.flatMap(({ name }) => (ts.isIdentifier(name) ? [name.text] : []))
  const name =
    ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) ? node.name : undefined
  return name === undefined ? [] : [name.text]
}

const lib = new Map(sources('lib').map((file) => [file, parse(file)]))

const short = (file: string): string => relative(root, file)

test('no file of lib/ imports itself by way of others, not for a type either', (t) => {
  const done = new Set<string>()
  const path: string[] = []
  const circles: string[] = []
  const walk = (file: string): void => {
    const at = path.indexOf(file)
    if (at >= 0) circles.push([...path.slice(at), file].map(short).join(' -> '))
    if (at >= 0 || done.has(file)) return
    path.push(file)
    for (const next of lib.get(file)!.imports.keys()) walk(next)
    path.pop()
    done.add(file)
  }
  for (const file of lib.keys()) walk(file)
  t.deepEqual(circles, [])
})

/** What users of the package import, and its program. */
function entries(): Set<string> {
  const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { default: string }>
    bin: Record<string, string>
  }
  const files = [...Object.values(exports).map((entry) => (typeof entry === 'string' ? entry : entry.default)), ...Object.values(bin)]
  return new Set(files.map((file) => join(root, file.replace('dist/', '').replace(/\.js$/, '.ts'))))
}

/** What the inferred types of other files' exports are made of: TypeScript must be able to name it. */
const named = ['lib/options/spec.ts: Flag', 'lib/options/spec.ts: Limits']

test('each export of lib/ is imported by another file, or is for users', (t) => {
  const used = new Map<string, Set<string>>()
  for (const { imports } of [...lib.values(), ...sources('test').concat(sources('examples')).map(parse)]) {
    for (const [file, names] of imports) used.set(file, new Set([...(used.get(file) ?? []), ...names]))
  }
  // Scripts import compiled files by paths that they make: there a name counts wherever it stands.
  const words = new Set([...sources('scripts'), ...sources('bench')].flatMap((file) => readFileSync(file, 'utf8').match(/\w+/g) ?? []))
  const isPublic = entries()
  const unused = [...lib].flatMap(([file, { exports }]) => {
    const names = used.get(file)
    if (isPublic.has(file) || names?.has('*') === true || file === join(root, 'lib/contracts.ts')) return []
    return [...exports].filter((name) => names?.has(name) !== true && !words.has(name)).map((name) => `${short(file)}: ${name}`)
  })
  t.deepEqual(unused.sort(), named)
})

test('each name that a script imports of the compiled library is exported there', async (t) => {
  const missing: string[] = []
  let imported = 0
  for (const file of [...sources('scripts'), ...sources('bench')]) {
    for (const [target, names] of parse(file).imports) {
      if (!target.startsWith(join(root, 'dist/lib/'))) continue
      const exported = Object.keys((await import(target.replace(/\.ts$/, '.js'))) as object)
      imported += names.size
      for (const name of names) if (name !== '*' && !exported.includes(name)) missing.push(`${short(file)}: ${name} of ${short(target)}`)
    }
  }
  t.deepEqual(missing, [])
  t.true(imported > 20, `${imported} names`)
})
