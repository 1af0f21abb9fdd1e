// What the comment of a public name has to have. Every complaint is `file:line name: expected ...`.
import ts from 'typescript'
import { errorCodes, mayThrow } from './throws.mjs'
import { BRITISH, fromThePaper, RANGES, UNITS, VERBS } from './words.mjs'

/** Complaints about the comment of one name of names.mjs. */
export function complaints(item, program) {
  const checker = program.getTypeChecker()
  if (saysAllByItself(item)) return []
  const text = onOneLine(item.symbol.getDocumentationComment(checker))
  const tags = tagsOf(item, checker)
  const at = `${item.file}:${item.line} ${item.name}: expected`
  if (text === '') return [`${at} a comment`]
  const lacking = [
    ...sentence(text, 'a comment'),
    ...(isFunction(item) ? functionParts(item, text, tags, program) : valueParts(item, text, checker)),
    ...defaultPart(item, text, tags),
    ...paperPart(item, text, tags),
    ...spelling(text, tags),
  ]
  return lacking.map((what) => `${at} ${what}`)
}

function tagsOf({ symbol }, checker) {
  return symbol.getJsDocTags(checker).map(({ name, text }) => ({ name, text: onOneLine(text) }))
}

const onOneLine = (parts) => ts.displayPartsToString(parts).replace(/\s+/g, ' ').trim()

/** A literal type, as of `kind`, and what must be absent. */
function saysAllByItself({ type, declaration }) {
  if (!ts.isPropertySignature(declaration) && !ts.isPropertyDeclaration(declaration)) return false
  return type.isLiteral() || (type.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Never)) !== 0
}

function isFunction({ declaration }) {
  return ts.isFunctionLike(declaration) && !ts.isFunctionTypeNode(declaration) && !ts.isGetAccessor(declaration)
}

function sentence(text, what) {
  return [
    ...(/^[A-Z`'"0-9[]/.test(text) ? [] : [`${what} that begins with a capital letter`]),
    ...(/[.]\)?$/.test(text) ? [] : [`${what} that ends with a period`]),
    ...(words(text).some((word) => VERBS.has(word)) ? [] : [`${what} with a verb: a whole sentence`]),
  ]
}

const words = (text) => text.toLowerCase().match(/[a-z]+/g) ?? []

/** What says a value: the type of a member, a parameter or a result, without promises and without undefined. */
function quantity(type, checker) {
  const all = (type.isUnion() ? type.types : [type]).map((one) => promised(one, checker))
  return {
    number: all.some((one) => (one.flags & ts.TypeFlags.Number) !== 0 || isNumberRecord(one)),
    array: all.some((one) => isArrayOfNumbers(one, checker)),
  }
}

function promised(type, checker) {
  return type.symbol?.name === 'Promise' ? (checker.getTypeArguments(type)[0] ?? type) : type
}

function isNumberRecord(type) {
  const value = type.getStringIndexType()
  return value !== undefined && (value.flags & ts.TypeFlags.Number) !== 0
}

function isArrayOfNumbers(type, checker) {
  if (/^(Big)?(Uint|Int|Float)(8|16|32|64)(Clamped)?Array$/.test(type.symbol?.name ?? '')) return true
  return checker.isArrayType(type) && (checker.getTypeArguments(type)[0].flags & ts.TypeFlags.Number) !== 0
}

function valueParts({ type, declaration }, text, checker) {
  if (ts.isTypeAliasDeclaration(declaration) || ts.isInterfaceDeclaration(declaration) || ts.isClassDeclaration(declaration)) return []
  return quantityParts(quantity(type, checker), text, 'comment')
}

function quantityParts({ number, array }, text, what) {
  return [
    ...(!number || UNITS.test(text) ? [] : [`the unit in the ${what}, or what is counted`]),
    ...(!number || RANGES.test(text) ? [] : [`the range in the ${what}, such as "at least 0"`]),
    ...(!array || /\[[^\]]+\]|Give an array/.test(text) ? [] : [`the shape in the ${what}, such as [samples, classes]`]),
  ]
}

function functionParts({ declaration, symbol, type }, text, tags, program) {
  const checker = program.getTypeChecker()
  const signatures = type.getCallSignatures()
  // One that is taken apart has no name.
  const parameters = new Map(
    signatures
      .flatMap((signature) => signature.getParameters())
      .filter(({ name }) => !name.startsWith('__'))
      .map((parameter) => [parameter.name, parameter]),
  )
  const lacking = [...parameters].flatMap(([name, parameter]) => parameterParts(name, checker.getTypeOfSymbol(parameter), tags, checker))
  const result = `${text} ${tags.find(({ name }) => name === 'returns')?.text ?? ''}`
  for (const signature of signatures.slice(0, 1)) lacking.push(...quantityParts(quantity(signature.getReturnType(), checker), result, 'comment or @returns'))
  return [...lacking, ...throwsPart(symbol.declarations ?? [declaration], tags, program)]
}

function parameterParts(name, type, tags, checker) {
  const tag = tags.find((one) => one.name === 'param' && one.text.split(/\s/)[0] === name)
  if (tag === undefined) return [`@param ${name}`]
  const text = tag.text.replace(/^\S+\s*(- )?/, '')
  const whole = /^[A-Z`'"0-9[]/.test(text) && text.endsWith('.')
  return [
    ...(whole ? [] : [`@param ${name} that begins with a capital letter and ends with a period`]),
    ...quantityParts(quantity(type, checker), text, `@param ${name}`),
  ]
}

function throwsPart(declarations, tags, program) {
  const said = tags.filter(({ name }) => name === 'throws').map(({ text }) => text)
  const unknown = said.flatMap((text) => text.match(/ERR_\w+/g) ?? []).filter((code) => !errorCodes(program).has(code))
  const codes = mayThrow(declarations, program)
  // These make errors for the calls that they end.
  const ends = declarations.some(({ name }) => /^(close|dispose|\[Symbol\.asyncDispose\])$/.test(name?.getText() ?? ''))
  const silent = said.filter((text) => !/ERR_|^RangeError /.test(text))
  return [
    ...(codes.size === 0 || ends || said.length > 0 ? [] : [`@throws with its codes, among ${[...codes].sort().join(', ')}`]),
    ...unknown.map((code) => `@throws with codes of lib/errors.ts, got ${code}`),
    ...silent.map((text) => `@throws with a code, got "${text}"`),
  ]
}

/** What may be left out says what is taken instead; what may be absent from a result says when. */
function defaultPart({ declaration }, text, tags) {
  const mayBeMissing = (ts.isPropertySignature(declaration) || ts.isPropertyDeclaration(declaration)) && declaration.questionToken !== undefined
  if (!mayBeMissing || tags.some(({ name, text: value }) => name === 'default' && value !== '') || /\b(absent|undefined)\b/i.test(text)) return []
  return ['@default, or when it is absent']
}

function paperPart({ name }, text, tags) {
  const all = [text, ...tags.filter((tag) => tag.name === 'see').map((tag) => tag.text)].join(' ')
  if (!fromThePaper.has(name) || /(Section|Table|Fig\.|Eq\.|Appendix) ?\(?[\dA-Z]?/.test(all)) return []
  return ['the section, table or figure of the paper']
}

function spelling(text, tags) {
  const all = [text, ...tags.filter(({ name }) => name !== 'example').map((tag) => tag.text)].join(' ')
  return (all.match(BRITISH) ?? []).map((word) => `American spelling, got "${word}"`)
}
