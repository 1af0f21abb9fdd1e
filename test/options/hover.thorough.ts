/** Types of options are derived from the tables; editors must show the comment of each entry all the same, in the package's own types. */
import { join } from 'node:path'
import test from 'ava'
import ts from 'typescript'
import { classifierTable } from '../../lib/inference/options.js'
import { cacheOptions, loaderOptions } from '../../lib/data/options.js'
import { evaluateOptions, inferOptions, loadOptions, saveOptions, stepsOptions } from '../../lib/runtime/call_options.js'
import { sessionTable } from '../../lib/runtime/session_options.js'
import type { Option, Table } from '../../lib/options/spec.js'
import { fitTable } from '../../lib/training/fit_options.js'
import { cosineOptions, linearWarmupOptions, multiStepOptions, oneCycleOptions, polyOptions } from '../../lib/training/schedule_options.js'

const folder = join(import.meta.dirname, '../../lib')
const asked = (name: string, keys: readonly string[]) => keys.map((key) => `declare const ${name}_${key}: ${name}; ${name}_${key}.${key}\n`).join('')
const tables: Readonly<Record<string, Table>> = {
  FitSettings: fitTable,
  SessionOptions: sessionTable,
  CudaSettings: fitTable.cuda.table!,
  ClassifierOptions: classifierTable,
  LoaderOptions: loaderOptions,
  CacheOptions: cacheOptions,
  StepsOptions: stepsOptions,
  EvaluateOptions: evaluateOptions,
  InferOptions: inferOptions,
  SaveOptions: saveOptions,
  LoadOptions: loadOptions,
  MultiStepOptions: multiStepOptions,
  CosineOptions: cosineOptions,
  LinearWarmupOptions: linearWarmupOptions,
  OneCycleOptions: oneCycleOptions,
  PolyOptions: polyOptions,
}
/** Not of FitSettings: one of both is FitLength. */
const length = ['steps', 'epochs']
const keysOf = (name: string) => Object.keys(tables[name]!).filter((key) => name !== 'FitSettings' || !length.includes(key))
const names = Object.keys(tables)
const text = `import type { ${names.join(', ')} } from './types.js'\n${names.map((name) => asked(name, keysOf(name))).join('')}`
const client = join(folder, 'client.ts')

const host: ts.LanguageServiceHost = {
  getCompilationSettings: () => ({ module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, strict: true, types: ['node'] }),
  getScriptFileNames: () => [client],
  getScriptVersion: () => '1',
  getScriptSnapshot(file) {
    const content = file === client ? text : ts.sys.readFile(file)
    return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content)
  },
  getCurrentDirectory: () => folder,
  getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
  fileExists: (file) => file === client || ts.sys.fileExists(file),
  readFile: (file) => ts.sys.readFile(file),
}

test('an editor shows what each option is', (t) => {
  const service = ts.createLanguageService(host)
  let seen = 0
  for (const { 1: name, 2: key, index } of text.matchAll(/; (\w+)_\w+\.(\w+)$/gm)) {
    const at = index + text.slice(index).indexOf('.') + 1
    const hover = service.getQuickInfoAtPosition(client, at)
    const shown = ts.displayPartsToString(hover?.documentation).replace(/\s+/g, ' ')
    const { help }: Option = tables[name!]![key!]!
    // What may be given follows; `scripts/options.mjs --check` compares the whole comment.
    t.is(shown.toLowerCase().slice(0, help.length + 1), `${help}.`.toLowerCase(), `${name!}: ${key!}`)
    seen++
  }
  t.true(seen > 90, `${seen}`)
})
