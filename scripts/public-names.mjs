// Writes docs/public-names.txt: the names that each entry of the package exports. With --check it compares instead, and ends with status 1
// where they differ; test/docs/public.thorough.ts runs that.
//   node scripts/public-names.mjs [--check]
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { main, Stop } from './support/run.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const file = join(root, 'docs/public-names.txt')

await main('public-names', () => {
  const text = listOfNames(entries())
  const old = existsSync(file) ? readFileSync(file, 'utf8') : ''
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text)
    return
  }
  const differing = difference(old, text)
  if (differing.length > 0)
    throw new Stop(`docs/public-names.txt is not what the entries export; node scripts/public-names.mjs writes it:\n${differing.join('\n')}`)
})

/** The entries of package.json, by the names that users import. */
function entries() {
  const { name, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return Object.entries(exports)
    .filter(([, target]) => typeof target === 'object')
    .map(([path, { types }]) => ({ name: path.replace('.', name), source: join(root, types.replace(/^\.\/dist\//, '').replace(/\.d\.ts$/, '.ts')) }))
}

function listOfNames(all) {
  const { options } = ts.parseJsonConfigFileContent(ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config, ts.sys, root)
  const program = ts.createProgram(
    all.map(({ source }) => source),
    // Names need no types of the language or of Node.
    { ...options, noLib: true, types: [] },
  )
  const checker = program.getTypeChecker()
  const sections = all.map(({ name, source }) => {
    const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(source)))
    const lines = symbols.map((symbol) => `${isValue(checker, symbol) ? '' : 'type '}${symbol.name}`)
    lines.sort((a, b) => (a.replace('type ', '') < b.replace('type ', '') ? -1 : 1))
    return `# ${name}: ${lines.length}\n${lines.join('\n')}\n`
  })
  return sections.join('\n')
}

/** Whether a program can use the name as a value; `export type` of a class cannot. */
function isValue(checker, symbol) {
  if ((symbol.flags & ts.SymbolFlags.Alias) === 0) return (symbol.flags & ts.SymbolFlags.Value) !== 0
  const typeOnly = symbol.declarations.some((declaration) => ts.isTypeOnlyImportOrExportDeclaration(declaration))
  return !typeOnly && (checker.getAliasedSymbol(symbol).flags & ts.SymbolFlags.Value) !== 0
}

function difference(before, after) {
  const [old, now] = [new Set(before.split('\n')), new Set(after.split('\n'))]
  return [...[...old].filter((line) => !now.has(line)).map((line) => `- ${line}`), ...[...now].filter((line) => !old.has(line)).map((line) => `+ ${line}`)]
}
