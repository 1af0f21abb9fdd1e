// What a user gets: packs the repository, installs the archive elsewhere with an empty HOME and no network for the install script,
// and loads it by import and by require().
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { main, output, run, Stop } from './support/run.mjs'
import { declarations, innerWords, reachableTypes } from './support/shipped_types.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folder = mkdtempSync(join(tmpdir(), 'preresnet-package-'))

await main('check-package', () => {
  try {
    run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root })
    const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'))
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'user', version: '1.0.0', private: true }))
    run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--omit=dev', archive], { cwd: folder })

    const home = join(folder, 'home')
    mkdirSync(home)
    const env = { ...process.env, HOME: home, npm_config_offline: 'true' }
    run('npm', ['rebuild', '--foreground-scripts', 'preresnet'], { cwd: folder, env })

    checkTypes(join(folder, 'node_modules/preresnet'))
    compileUser()
    const use = `if (C.countGraph(C.buildGraph(P.preResNet('preresnet-164'))).parameters !== 1703258) throw new Error('wrong count')`
    const entries = { P: 'preresnet', C: 'preresnet/compiler', F: 'preresnet/formats' }
    const load = (line) => Object.entries(entries).map(([name, entry]) => line(name, entry))
    const imports = load((name, entry) => `import * as ${name} from '${entry}'`)
    run(process.execPath, ['--input-type=module', '-e', [...imports, use].join('; ')], { cwd: folder, env })
    const requires = load((name, entry) => `const ${name} = require('${entry}')`)
    run(process.execPath, ['--input-type=commonjs', '-e', [...requires, use].join('; ')], { cwd: folder, env })
    const doctor = output(join(folder, 'node_modules/.bin/preresnet'), ['doctor', '--json'], { cwd: folder, env })
    if (doctor === undefined) throw new Stop('preresnet doctor failed in the installed package')
    JSON.parse(doctor)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

/** The types that lie in the package are those that its entries lead to, and none of them tells of what is inside. */
function checkTypes(home) {
  const reachable = new Set(reachableTypes(home))
  const others = declarations(home).filter((file) => !reachable.has(file))
  if (others.length > 0) throw new Stop(`expected only types that an entry leads to, got ${others.join(', ')}`)
  const inner = innerWords(home)
  if (inner.length > 0) throw new Stop(`expected public types alone, got:\n${inner.join('\n')}`)
}

/** A strict program in TypeScript that names something of every entry; the package's own types are checked with it. */
function compileUser() {
  const lines = [
    `import { compile, digits, loader, preResNet, sgd, type FitOptions, type Session } from 'preresnet'`,
    `import type { CosineOptions, StepsOptions } from 'preresnet/types'`,
    `import { buildGraph, planReport, type ProgramSet } from 'preresnet/compiler'`,
    `import { readSafetensors } from 'preresnet/formats'`,
    `const batches = loader((await digits()).train, { batch: 8 })`,
    `export const session: Session = await compile(preResNet('preresnet-20'), { data: batches, optimizer: sgd() })`,
    `export type Seen = [FitOptions, CosineOptions, StepsOptions, ProgramSet, typeof buildGraph, typeof planReport, typeof readSafetensors]`,
  ]
  writeFileSync(join(folder, 'user.mts'), lines.join('\n'))
  const flags = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--module', 'nodenext', '--target', 'es2023', '--lib', 'es2023,esnext.disposable']
  const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node']
  run(join(root, 'node_modules/.bin/tsc'), [...flags, ...types, 'user.mts'], { cwd: folder })
}
