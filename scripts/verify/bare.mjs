// A user's first minute on systems that have nothing but glibc: root file systems of Debian 12 and 13 made by debootstrap, with Node and npm 12 added, no compiler and no other package.
//   node scripts/verify/bare.mjs [--archives archives] [--limit 30] [SUITE...]     as root; suites: bookworm, trixie
// From an empty project: npm install, doctor, 20 steps on the digits, a picture classified. All of it together takes no longer than --limit seconds. The archives come from a
// registry on this machine; the file systems are kept in the user's cache folder.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { spawnSync } from 'node:child_process'
import { cacheFolder, keptFolder } from '../support/cache.mjs'
import { debianMirror, ensure } from '../support/debian.mjs'
import { main, run, Stop } from '../support/run.mjs'
import { verdict } from './common.mjs'
import { archivesIn, standIns } from './packages/archives.mjs'
import { nodeOf, tool } from './packages/tools.mjs'
import { startRegistry } from './registry.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
process.chdir(root)
/** None of these may be there. */
const COMPILERS = ['cc', 'gcc', 'g++', 'c++', 'clang', 'make', 'cmake', 'python3']
const NETWORK = ['--family', 'cifar', '--depth', '8', '--data', 'digits', '--batch', '64', '--steps', '20', '--learning-rate', '0.05']

await main('bare', async () => {
  const { values, positionals } = parseArgs({
    options: { archives: { type: 'string', default: 'archives' }, limit: { type: 'string', default: '30' } },
    allowPositionals: true,
  })
  if (process.getuid?.() !== 0) throw new Stop('expected to run as root, which chroot and debootstrap need')
  const archives = archivesIn(resolve(values.archives))
  const suites = positionals.length > 0 ? positionals : ['bookworm', 'trixie']
  const systems = suites.map((suite) => ({ suite, system: bareSystem(suite) }))
  const temporary = mkdtempSync(join(tmpdir(), 'preresnet-bare-'))
  const registry = await startRegistry([...archives, ...standIns(root, archives, temporary)])
  const results = {}
  try {
    for (const { suite, system } of systems) results[suite] = firstMinute(system, registry.url)
  } finally {
    registry.close()
    rmSync(temporary, { recursive: true, force: true })
  }
  verdict({ check: 'bare systems', limit: Number(values.limit), results, passed: Object.values(results).every(({ seconds }) => seconds <= values.limit) })
})

/** A root file system with Node and npm, and nothing that builds. */
function bareSystem(suite) {
  const [node, npm] = [nodeOf(22), dirname(dirname(tool('npm12')))]
  const system = keptFolder(join(cacheFolder(root), 'systems', suite), (partial) => {
    ensure([{ name: 'debootstrap', tools: ['debootstrap'] }])
    run('debootstrap', ['--variant=minbase', suite, partial, debianMirror()])
    cpSync(node, join(partial, 'usr/local/bin/node'), { dereference: true })
    cpSync(npm, join(partial, 'usr/local/lib/node_modules/npm'), { recursive: true })
    for (const name of ['npm', 'npx']) {
      writeFileSync(join(partial, 'usr/local/bin', name), `#!/bin/sh\nexec node /usr/local/lib/node_modules/npm/bin/${name}-cli.js "$@"\n`, { mode: 0o755 })
    }
  })
  const found = COMPILERS.filter((name) => ['usr/bin', 'usr/local/bin'].some((folder) => existsSync(join(system, folder, name))))
  if (found.length > 0) throw new Stop(`${system}: expected no compiler, got ${found.join(', ')}`)
  return system
}

/** Seconds since the install's start after each step, in a project and a home that are new. */
function firstMinute(system, registry) {
  const home = mkdtempSync(join(system, 'tmp/user-'))
  try {
    const project = join(home, 'project')
    mkdirSync(project)
    cpSync('test/fixtures/gray.jpg', join(project, 'picture.jpg'))
    const inside = `/${project.slice(system.length + 1)}`
    const env = {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: dirname(inside),
      // Of its own as well: there Node keeps what it compiled of npm.
      TMPDIR: dirname(inside),
      ...Object.fromEntries(
        Object.entries({ registry, audit: 'false', fund: 'false', update_notifier: 'false' }).map(([name, value]) => [`npm_config_${name}`, value]),
      ),
    }
    const begin = performance.now()
    const after = {}
    const step = (name, ...words) => {
      inSystem(system, inside, env, words)
      after[name] = Math.round((performance.now() - begin) / 100) / 10
    }
    step('install', 'npm', 'install', 'preresnet')
    step('doctor', 'npx', 'preresnet', 'doctor')
    step('train', 'npx', 'preresnet', 'train', ...NETWORK, '--output', 'run')
    step('predict', 'npx', 'preresnet', 'predict', 'run/model.safetensors', 'picture.jpg')
    const packages = readdirSync(join(project, 'node_modules/@preresnet'))
    if (packages.length !== 1) throw new Stop(`expected one package of a platform, got ${packages.join(', ')}`)
    const { name } = /^PRETTY_NAME="(?<name>[^"]*)"/m.exec(readFileSync(join(system, 'etc/os-release'), 'utf8')).groups
    return { system: name, seconds: after.predict, after }
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** With /proc, which Node and the library read, and which is gone when the command ends. */
function inSystem(system, folder, env, words) {
  const script = 'mount -t proc proc "$1/proc" && shift 2 && exec chroot "$SYSTEM" sh -c \'cd "$1" && shift && exec "$@"\' sh "$@"'
  const args = ['--mount', '--pid', '--fork', 'sh', '-c', script, 'sh', system, '-', folder, ...words]
  const { status, stdout, stderr } = spawnSync('unshare', args, { env: { ...env, SYSTEM: system, PATH: `${env.PATH}:/usr/sbin:/sbin` }, encoding: 'utf8' })
  if (status !== 0) throw new Stop(`${words.join(' ')}: expected exit status 0, got ${status}\n${(stdout + stderr).split('\n').slice(-15).join('\n')}`)
}
