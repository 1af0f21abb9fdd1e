/** The package as its users load it, from both kinds of module. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const print = 'console.log(JSON.stringify(Object.keys(library).filter((name) => name !== "module.exports" && name !== "__esModule").sort()))'

async function names(...words: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: root })
  return JSON.parse(stdout) as string[]
}

async function exported(entry: string): Promise<{ imported: string[]; required: string[] }> {
  const imported = await names('--input-type=module', '--eval', `import * as library from '${entry}'; ${print}`)
  const required = await names('--no-warnings', '--input-type=commonjs', '--eval', `const library = require('${entry}'); ${print}`)
  return { imported, required }
}

test('the other entries: import and require() give the same names', async (t) => {
  for (const [entry, name] of [
    ['preresnet/compiler', 'compilePrograms'],
    ['preresnet/formats', 'readSafetensors'],
  ] as const) {
    const { imported, required } = await exported(entry)
    t.deepEqual(required, imported)
    t.true(imported.includes(name), name)
  }
  t.deepEqual((await exported('preresnet/types')).imported, [])
})

test('import and require() give the same names', async (t) => {
  const { imported, required } = await exported('preresnet')
  t.deepEqual(required, imported)
  for (const name of ['preResNet', 'fit', 'compile', 'Classifier', 'digits', 'sgd', 'multiStep', 'network', 'conv2d', 'PreresnetError'])
    t.true(imported.includes(name), name)
})

test('importing prints nothing, installs no signal handler and loads no addon', async (t) => {
  const script = `
    import 'preresnet'
    const handlers = ['SIGINT', 'SIGTERM', 'uncaughtException'].map((name) => process.listenerCount(name))
    console.log(JSON.stringify([...handlers, process.report.getReport().sharedObjects.filter((path) => path.endsWith('.node')).length]))`
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], { cwd: root })
  t.is(stderr, '')
  t.deepEqual(JSON.parse(stdout), [0, 0, 0, 0])
})
