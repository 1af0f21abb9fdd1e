// Which errors a function may throw, as far as its text and what it names leads to them.
import ts from 'typescript'

const codesByProgram = new WeakMap()

/** The codes of `ErrorCode` in lib/errors.ts. */
export function errorCodes(program) {
  if (!codesByProgram.has(program)) {
    const file = program.getSourceFiles().find(({ fileName }) => fileName.endsWith('/lib/errors.ts'))
    const alias = file.statements.find((statement) => ts.isTypeAliasDeclaration(statement) && statement.name.text === 'ErrorCode')
    codesByProgram.set(
      program,
      new Set(
        program
          .getTypeChecker()
          .getTypeAtLocation(alias)
          .types.map(({ value }) => value),
      ),
    )
  }
  return codesByProgram.get(program)
}

const textsByNode = new Map()

/** Codes in the bodies of these declarations and of everything of lib/ that they name, over any number of calls. */
export function mayThrow(declarations, program) {
  const [codes, seen, waiting] = [new Set(), new Set(), [...declarations]]
  while (waiting.length > 0) {
    const node = waiting.pop()
    if (seen.has(node)) continue
    seen.add(node)
    const { own, named } = bodyOf(node, program)
    for (const code of own) codes.add(code)
    waiting.push(...named)
  }
  // A defect is no error that a caller can expect.
  codes.delete('ERR_INTERNAL')
  return codes
}

function bodyOf(node, program) {
  if (!textsByNode.has(node)) textsByNode.set(node, inspect(node, program))
  return textsByNode.get(node)
}

function inspect(root, program) {
  const checker = program.getTypeChecker()
  const [own, named] = [new Set(), new Set()]
  const visit = (node) => {
    if (ts.isTypeNode(node)) return
    if (ts.isNewExpression(node) && node.expression.getText() === 'PreresnetError') {
      const code = node.arguments?.[0]
      if (code !== undefined && ts.isStringLiteral(code)) own.add(code.text)
    } else if (ts.isIdentifier(node) && node !== root.name) {
      for (const declaration of definitions(node, checker)) named.add(declaration)
    }
    ts.forEachChild(node, visit)
  }
  ts.forEachChild(root, visit)
  return { own, named }
}

/** Functions, methods, classes and constants of lib/ that an identifier stands for. */
function definitions(identifier, checker) {
  let symbol = checker.getSymbolAtLocation(identifier)
  if (symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0) symbol = checker.getAliasedSymbol(symbol)
  return (symbol?.declarations ?? []).filter((declaration) => {
    if (!/\/lib\/[^/]/.test(declaration.getSourceFile().fileName) || declaration.getSourceFile().fileName.includes('node_modules')) return false
    if (ts.isClassDeclaration(declaration)) return declaration.name.text !== 'PreresnetError'
    if (ts.isVariableDeclaration(declaration)) return ts.isSourceFile(declaration.parent.parent.parent) && declaration.initializer !== undefined
    return ts.isFunctionDeclaration(declaration) || ts.isMethodDeclaration(declaration)
  })
}
