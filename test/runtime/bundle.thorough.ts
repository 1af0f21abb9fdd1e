/** The library in a bundle: its code lies elsewhere, without the package's files, and PRERESNET_BINDING says where the addon is. */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import ts from 'typescript'
import { temporaryFolder } from '../support/folder.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const addon = resolve(root, process.env['PRERESNET_BINDING'] ?? 'build/Release/preresnet.node')

type Format = 'module' | 'commonjs'

/** Compiled sources as a bundler leaves them: in a package of another name, and in CommonJS without an `import.meta`. */
async function bundle(t: ExecutionContext, format: Format): Promise<string> {
  const folder = await temporaryFolder(t)
  cpSync(join(root, 'dist/lib'), join(folder, 'lib'), { recursive: true, filter: (path) => !/\.(map|d\.ts)$/.test(path) })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'service', version: '9.9.9', type: format }))
  if (format === 'module') return folder
  for (const name of readdirSync(join(folder, 'lib'), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.js')) continue
    const path = join(folder, 'lib', name)
    const source = readFileSync(path, 'utf8').replaceAll('import.meta', '({})')
    writeFileSync(path, ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2023 } }).outputText)
  }
  return folder
}

/** What the service prints as JSON. */
async function run(folder: string, format: Format, work: string, env: Readonly<Record<string, string>>): Promise<unknown> {
  const names = '{ compile, fit, memoryDataset, preResNet, PreresnetError }'
  const library = format === 'module' ? `import ${names} from './lib/index.js'` : `const ${names} = require('./lib/index.js')`
  const print = 'console.log(JSON.stringify(answer))'
  writeFileSync(join(folder, 'service.js'), `${library}\n;(async () => { let answer; ${work}; ${print} })()`)
  const { PRERESNET_BINDING: _, ...rest } = process.env
  const { error, stdout, stderr } = await new Promise<{ error: Error | null; stdout: string; stderr: string }>((done) => {
    execFile(process.execPath, ['service.js'], { cwd: folder, env: { ...rest, ...env } }, (error, stdout, stderr) => done({ error, stdout, stderr }))
  })
  if (error !== null) throw new Error(stderr)
  return JSON.parse(stdout)
}

const training = `
  const train = await memoryDataset({ name: 'x', images: new Uint8Array(128).map((_, index) => index), labels: [0, 1], height: 8, width: 8, channels: 1, classes: ['a', 'b'] })
  const network = preResNet({ family: 'cifar', depth: 8, block: 'basic', widths: [16, 16, 16], classes: 2, input: train.source.shape })
  const trained = await fit(network, { train, batch: 2, steps: 1, threads: 1, precision: 'fp32', learningRate: 0.1, checkpoint: { directory: 'run' } }).finished
  answer = trained.step`
const failing = `
  try {
    await compile(preResNet('preresnet-20'), { batch: 2 })
  } catch (error) {
    answer = [error instanceof PreresnetError, error.code, error.message]
  }`

for (const format of ['module', 'commonjs'] as const) {
  test(`in a bundle (${format}) the addon that PRERESNET_BINDING names trains; without it, the error names the variable`, async (t) => {
    const folder = await bundle(t, format)
    mkdirSync(join(folder, 'addons'))
    symlinkSync(addon, join(folder, 'addons/a.node'))
    t.is(await run(folder, format, training, { PRERESNET_BINDING: 'addons/a.node' }), 1)
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    const state = JSON.parse(readFileSync(join(folder, 'run/step-00000001/state.json'), 'utf8')) as { version: string }
    t.is(state.version, version)
    for (const [env, says] of [
      [{}, /no package @preresnet\/linux-\w+ can be found from here.*PRERESNET_BINDING=\/path\/to\/preresnet\.node, or leave preresnet out of the bundle/],
      [{ PRERESNET_BINDING: '/nowhere/preresnet.node' }, /the native addon is missing: no \/nowhere\/preresnet\.node; PRERESNET_BINDING names it/],
    ] as const) {
      const [ours, code, message] = (await run(folder, format, failing, env)) as [boolean, string, string]
      t.deepEqual([ours, code], [true, 'ERR_BINDING'], message)
      t.regex(message, says)
    }
  })
}
