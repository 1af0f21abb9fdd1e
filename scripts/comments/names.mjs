// The public names: what the entries of package.json export, and members of exported types. Each declaration comes once.
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'

/** `{ file, line, name, symbol, declaration, type }` of each public name, and the program that knows them. */
export function publicNames(root) {
  const { options } = ts.parseJsonConfigFileContent(ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config, ts.sys, root)
  const entries = entriesOf(root)
  const program = ts.createProgram(entries, options)
  const checker = program.getTypeChecker()
  const found = new Map()
  const add = (symbol) => {
    const declaration = symbol.valueDeclaration ?? symbol.declarations?.[0]
    if (declaration === undefined || found.has(declaration) || isInner(root, symbol, declaration, checker)) return
    const file = declaration.getSourceFile()
    const line = file.getLineAndCharacterOfPosition(declaration.getStart()).line + 1
    const type = checker.getTypeOfSymbol(symbol)
    found.set(declaration, { file: relative(root, file.fileName), line, name: nameOf(declaration), symbol, declaration, type })
  }
  for (const entry of entries) {
    for (const exported of checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry)))) {
      const symbol = (exported.flags & ts.SymbolFlags.Alias) === 0 ? exported : checker.getAliasedSymbol(exported)
      add(symbol)
      for (const member of membersOf(symbol, checker)) add(member)
    }
  }
  return { names: [...found.values()], program }
}

function entriesOf(root) {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return Object.values(exports)
    .filter((target) => typeof target === 'object')
    .map(({ types }) => join(root, types.replace(/^\.\/dist\//, '').replace(/\.d\.ts$/, '.ts')))
}

function membersOf(symbol, checker) {
  if ((symbol.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.Class | ts.SymbolFlags.TypeAlias)) === 0) return []
  const declared = checker.getDeclaredTypeOfSymbol(symbol)
  const objects = (declared.isUnion() ? declared.types : [declared]).filter((type) => (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) !== 0)
  const ofInstances = objects.flatMap((type) => checker.getPropertiesOfType(type))
  if ((symbol.flags & ts.SymbolFlags.Class) === 0) return ofInstances
  return [...ofInstances, ...checker.getPropertiesOfType(checker.getTypeOfSymbol(symbol)).filter(({ name }) => name !== 'prototype')]
}

/** What no user of the package sees, or what TypeScript and Node declare. */
function isInner(root, symbol, declaration, checker) {
  const { fileName } = declaration.getSourceFile()
  if (!fileName.startsWith(join(root, 'lib'))) return true
  if (declaration.name !== undefined && ts.isPrivateIdentifier(declaration.name)) return true
  if ((ts.getCombinedModifierFlags(declaration) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !== 0) return true
  return symbol.getJsDocTags(checker).some(({ name }) => name === 'internal')
}

/** `Conv2d.stride`: the name that encloses a member, and its own. */
export function nameOf(declaration) {
  const own = declaration.name === undefined ? 'constructor' : declaration.name.getText()
  for (let node = declaration.parent; node !== undefined; node = node.parent) {
    if ((ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node) || ts.isTypeAliasDeclaration(node)) && node.name !== undefined)
      return `${node.name.text}.${own}`
    if (ts.isVariableDeclaration(node)) return `${node.name.getText()}.${own}`
  }
  return own
}
