/** Types of options are derived from the tables; editors must show the comment of each entry all the same, in the package's own types. */
import { join } from 'node:path'
import test from 'ava'
import ts from 'typescript'
import { sessionTable } from '../../lib/runtime/session_options.js'
import type { Option, Table } from '../../lib/options/spec.js'
import { fitTable } from '../../lib/training/fit_options.js'

const folder = join(import.meta.dirname, '../../lib')
const asked = (name: string, keys: readonly string[]) => keys.map((key) => `declare const ${name}_${key}: ${name}; ${name}_${key}.${key}\n`).join('')
const text = `import type { CudaSettings, FitSettings, SessionOptions } from './types.js'\n${asked(
  'FitSettings',
  Object.keys(fitTable).filter((key) => !['steps', 'epochs'].includes(key)),
)}${asked('SessionOptions', Object.keys(sessionTable))}${asked('CudaSettings', Object.keys(fitTable.cuda.table!))}`
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
  const tables: Readonly<Record<string, Table>> = { FitSettings: fitTable, SessionOptions: sessionTable, CudaSettings: fitTable.cuda.table! }
  let seen = 0
  for (const { 1: name, 2: key, index } of text.matchAll(/; (\w+)_\w+\.(\w+)$/gm)) {
    const at = index + text.slice(index).indexOf('.') + 1
    const hover = service.getQuickInfoAtPosition(client, at)
    const shown = ts.displayPartsToString(hover?.documentation).replace(/\s+/g, ' ')
    const { help }: Option = tables[name!]![key!]!
    t.is(shown.toLowerCase(), `${help}.`.toLowerCase(), `${name!}: ${key!}`)
    seen++
  }
  t.true(seen > 45, `${seen}`)
})
