// What a user gets: packs the repository, installs the archive elsewhere with an empty HOME and no network for the install script,
// and loads it by import and by require().
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { main, output, run, Stop } from './support/run.mjs'

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

    const use = `if (P.countGraph(P.buildGraph(P.preResNet('preresnet-164'))).parameters !== 1703258) throw new Error('wrong count')`
    run(process.execPath, ['--input-type=module', '-e', `import * as P from 'preresnet'; ${use}`], { cwd: folder, env })
    run(process.execPath, ['--input-type=commonjs', '-e', `const P = require('preresnet'); ${use}`], { cwd: folder, env })
    const doctor = output(join(folder, 'node_modules/.bin/preresnet'), ['doctor', '--json'], { cwd: folder, env })
    if (doctor === undefined) throw new Stop('preresnet doctor failed in the installed package')
    JSON.parse(doctor)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
