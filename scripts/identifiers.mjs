// Prints every identifier of the public surface (the declarations that ship) and of the native headers, with its count.
// With --check it prints only names that the project does not use, and types of one name in one room, and ends with status 1.
//   node scripts/identifiers.mjs [--check]      after npm run build
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { main, Stop } from './support/run.mjs'
import { reachableTypes } from './support/shipped_types.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Words within identifiers that the project does not use, by the field's word. A word ends where a capital or an underscore begins another. */
const WORDS = {
  normalization: /^normalis/,
  initialize: /^initialis/,
  'the spelling with z': /^(serialis|materialis|synchronis|optimis|summaris|recognis|organis|generalis)/,
  gray: /^grey/,
  'color, center, neighbor, behavior': /^(colour|centre|centring|neighbour|behaviour)/,
  'labeled, canceled, modeled': /(labelled|cancelled|modelled)$/,
  activationCheckpointing: /^recompute$/,
  std: /^deviations?$/,
  'device, address, cacheKey or crop': /^(places?|placed|placements?)$/,
  bytesMoved: /^traffic$/,
  roofline: /^peaks$/,
}
const KEYWORDS = new Set(
  (
    'alignas auto bool break case catch char class const constexpr continue default define defined delete do double else endif enum explicit extern false final float for ' +
    'friend if ifdef ifndef inline int namespace new noexcept nullptr once operator override pragma private protected public return short signed sizeof static struct ' +
    'static_assert switch template this throw true try typedef typename undef union unsigned using virtual void volatile while'
  ).split(' '),
)
const NAMES = new Map(
  Object.entries({
    head: 'bn_relu_global_average_pool',
    Head: 'BnReluGlobalAveragePool',
    head_backward: 'global_average_pool_backward',
    bn_relu_pool: 'bn_relu_max_pool',
    BnReluPool: 'BnReluMaxPool',
    pool_backward: 'max_pool_backward',
    CompileOptions: 'ProgramOptions',
    classifier: 'classifierHead',
    imageFolders: 'imageFolderSplits',
    ImageSet: 'SampleSet',
    transformOf: 'a name that says of what',
  }),
)

await main('identifiers', () => {
  const headers = filesUnder('native', '.h')
  const found = [...reachableTypes(root).map(identifiersOfTypes), ...headers.map(identifiersOfHeader)]
  if (process.argv.includes('--check')) {
    const wrong = [...found.flatMap(complaints), ...typesOfOneName(headers)]
    if (wrong.length > 0) throw new Stop(`identifiers:\n${wrong.join('\n')}`)
    return
  }
  const counts = new Map()
  for (const { names } of found) for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  for (const [name, count] of [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))) console.log(`${String(count).padStart(6)} ${name}`)
})

function identifiersOfTypes(file) {
  const names = []
  const visit = (node) => {
    if (ts.isIdentifier(node)) names.push(node.text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest))
  return { file, names }
}

function identifiersOfHeader(file) {
  return { file, names: [...codeOf(file).matchAll(/\b[A-Za-z_]\w*/g)].map(([name]) => name).filter((name) => !KEYWORDS.has(name)) }
}

/** C++ without comments, strings and includes. */
function codeOf(file) {
  return readFileSync(join(root, file), 'utf8').replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|^\s*#\s*include[^\n]*/gm, ' ')
}

/** Paths from the repository's root. */
function filesUnder(folder, ending) {
  const files = readdirSync(join(root, folder), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && entry.name.endsWith(ending))
  return files.map((entry) => relative(root, join(entry.parentPath, entry.name))).sort()
}

function complaints({ file, names }) {
  return [...new Set(names)].flatMap((name) => {
    const instead = NAMES.get(name) ?? wordsOf(name).flatMap((word) => Object.keys(WORDS).filter((field) => WORDS[field].test(word)))[0]
    return instead === undefined ? [] : [`${file}: ${name}: expected ${instead}`]
  })
}

function wordsOf(name) {
  return name
    .replace(/([a-z0-9])(?=[A-Z])/g, '$1_')
    .toLowerCase()
    .split('_')
}

/** A room is a folder of native/ together with its subfolders, but for those of native/cuda, which are rooms of their own. */
function typesOfOneName(headers) {
  const declared = new Map()
  for (const file of headers) {
    const room = file
      .split('/')
      .slice(1, file.startsWith('native/cuda/') ? -1 : 2)
      .join('/')
    for (const [, name] of codeOf(file).matchAll(/^(?:struct|class|enum class|union) (\w+)(?= (?:final )?[:{]| \{)/gm)) {
      const key = `${room}: ${name}`
      declared.set(key, [...(declared.get(key) ?? []), file])
    }
  }
  return [...declared].flatMap(([key, files]) => (files.length < 2 ? [] : [`${key}: expected one meaning in a room, got one in each of ${files.join(', ')}`]))
}
