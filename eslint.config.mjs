import eslint from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'
import { MOST_FUNCTION_LINES, MOST_LINES } from './scripts/support/sizes.mjs'

/** Which rooms of lib/ a room may import, beside itself and the files directly in lib/. docs/architecture.md shows the same table. */
const MAY_IMPORT = {
  native: [],
  options: [],
  layers: ['options'],
  graph: ['layers'],
  models: ['layers', 'options'],
  compiler: ['graph', 'options'],
  ranks: ['native', 'options'],
  runtime: ['data', 'formats', 'compiler', 'graph', 'layers', 'native', 'options', 'ranks'],
  formats: ['options'],
  data: ['formats', 'native', 'options'],
  training: ['data', 'formats', 'runtime', 'ranks', 'compiler', 'layers', 'native', 'options'],
  inference: ['data', 'formats', 'runtime', 'native', 'options'],
  exchange: ['data', 'formats', 'runtime', 'graph', 'models', 'layers', 'options'],
  goldens: ['formats', 'runtime', 'compiler', 'graph', 'models', 'layers', 'native'],
  cli: ['goldens', 'exchange', 'inference', 'training', 'ranks', 'data', 'formats', 'runtime', 'compiler', 'graph', 'models', 'layers', 'native', 'options'],
}

const ADDON = { object: 'process', property: 'dlopen', message: 'only lib/native touches the addon.' }

const NODE_GLOBALS = [
  'AbortController',
  'AbortSignal',
  'Buffer',
  'URL',
  'clearInterval',
  'clearTimeout',
  'console',
  'fetch',
  'performance',
  'process',
  'setInterval',
  'setTimeout',
]

/** Operands or attributes of an operation, as a variable or of an object. */
const HELD = ':matches(Identifier[name=/^(operands|attributes)$/], MemberExpression[property.name=/^(operands|attributes)$/])'
const CAST = ':matches(TSAsExpression, TSTypeAssertion, TSNonNullExpression)'
const NARROW = 'narrow by `op`: the generated types know what each operation has.'

/** A look-up by a string, or a cast, finds a misspelt or foreign operand only when a program runs, or never. */
const TYPED_PROGRAM = [
  { selector: `${CAST} > ${HELD}.expression`, message: NARROW },
  { selector: `${CAST} > MemberExpression.expression > ${HELD}.object`, message: NARROW },
  { selector: `MemberExpression[computed=true][property.type='Literal'] > ${HELD}.object`, message: NARROW },
  {
    selector: 'TSAsExpression > TSTypeReference.typeAnnotation[typeName.name=/^(AnyOperands|Operands|Attributes|DraftOperation|OperationSpec)$/]',
    message: NARROW,
  },
  { selector: 'TSAsExpression > TSIndexedAccessType.typeAnnotation', message: NARROW },
]

const rooms = Object.keys(MAY_IMPORT)

const roomRules = rooms.map((room) => {
  const forbidden = rooms.filter((other) => other !== room && !MAY_IMPORT[room].includes(other))
  const patterns = [{ regex: '^(\\.\\./)+(index|types)\\.js$', message: 'index.ts and types.ts are for users; import from the room itself.' }]
  if (forbidden.length > 0) {
    patterns.push({ regex: `^(\\.\\./)+(${forbidden.join('|')})/`, message: `lib/${room} may import ${MAY_IMPORT[room].join(', ') || 'no other room'}.` })
  }
  return { files: [`lib/${room}/**/*.ts`], rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] } }
})

export default defineConfig(
  globalIgnores(['.venv/', 'archives/', 'build/', 'build-*/', 'dist/', 'docs/api/', 'runs/', 'data/', 'lib/contracts.ts']),
  eslint.configs.recommended,
  { rules: { 'max-lines': ['error', MOST_LINES], 'max-lines-per-function': ['error', MOST_FUNCTION_LINES] } },
  {
    files: ['**/*.mjs'],
    languageOptions: { globals: Object.fromEntries(NODE_GLOBALS.map((name) => [name, 'readonly'])) },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Indices that a loop bounds; noUncheckedIndexedAccess is for the others.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true }],
      // `const { left: _, ...rest } = all` is how a key is left out.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { ignoreRestSiblings: true, argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' },
      ],
      // An interface may ask for a promise that one of its implementations has at once.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: 'error',
    },
  },
  ...roomRules,
  {
    files: ['lib/**/*.ts'],
    rules: { 'no-restricted-properties': ['error', ADDON] },
  },
  {
    files: ['lib/compiler/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...TYPED_PROGRAM] },
  },
  {
    // The library is silent and leaves the process alone; the command line speaks for it.
    files: ['lib/**/*.ts'],
    ignores: ['lib/cli/**'],
    rules: {
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        ADDON,
        ...['stdout', 'stderr', 'on', 'once', 'exit', 'exitCode'].map((property) => ({
          object: 'process',
          property,
          message: 'only lib/cli touches the process.',
        })),
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // A test that is skipped, focused or promised is not a test that passed; none looks at the clock.
      'no-restricted-syntax': [
        'error',
        { selector: "MemberExpression[object.name='test'][property.name=/^(skip|only|todo|failing)$/]", message: 'every test runs and passes.' },
        { selector: "MemberExpression[property.name='skip'][object.type='MemberExpression'][object.object.name='test']", message: 'every test runs.' },
      ],
      // t.throws and friends return what is then looked at.
      '@typescript-eslint/no-floating-promises': 'error',
    },
  },
)
