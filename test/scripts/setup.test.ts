/** The parts of the set-up that decide: what is missing, what is up to date. Tools are played by shell scripts in a PATH of their own. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'

const support = join(import.meta.dirname, '../../../scripts/support')

interface Stamp {
  fingerprint: (root: string, paths: readonly string[], facts?: readonly string[]) => string
  unlessStamped: (stampFile: string, value: string, products: readonly string[], build: () => void) => Promise<boolean>
}
const load = async <T>(name: string): Promise<T> => (await import(pathToFileURL(join(support, name)).href)) as T

function temporary(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'preresnet-setup-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A PATH with these commands alone; each writes its arguments to `calls`. */
function tools(folder: string, commands: Readonly<Record<string, string>>): { path: string; calls: () => string[] } {
  const path = join(folder, 'bin')
  const log = join(folder, 'calls')
  mkdirSync(path)
  writeFileSync(log, '')
  symlinkSync('/usr/bin/env', join(path, 'env'))
  for (const [name, body] of Object.entries(commands)) {
    writeFileSync(join(path, name), `#!/bin/sh\necho "${name} $*" >> '${log}'\n${body}\n`)
    chmodSync(join(path, name), 0o755)
  }
  return { path, calls: () => readFileSync(log, 'utf8').split('\n').slice(0, -1) }
}

function ensure(path: string, uid: number): { status: number | null; stdout: string; stderr: string } {
  const script = `
    process.getuid = () => ${uid}
    const { ensure } = await import(${JSON.stringify(pathToFileURL(join(support, 'debian.mjs')).href)})
    const { main } = await import(${JSON.stringify(pathToFileURL(join(support, 'run.mjs')).href)})
    await main('setup', () => ensure([{ name: 'cmake', tools: ['cmake'] }, { name: 'libpng-dev' }]))`
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', env: { PATH: path } })
}

const absent = 'exit 1'
const present = 'printf installed'

test('nothing is installed where nothing is missing', (t) => {
  const { path, calls } = tools(temporary(t), { 'dpkg-query': present, cmake: '', 'apt-get': '' })
  t.is(ensure(path, 0).status, 0)
  t.false(calls().some((call) => call.startsWith('apt-get')))
})

test('root: the lists are refreshed, then what is missing is installed', (t) => {
  const folder = temporary(t)
  const done = join(folder, 'done')
  const { path, calls } = tools(folder, {
    'dpkg-query': `[ -e '${done}' ] && ${present} || ${absent}`,
    cmake: '',
    'apt-get': `case "$*" in *install*) : > '${done}';; esac`,
  })
  t.is(ensure(path, 0).status, 0)
  const apt = calls().filter((call) => call.startsWith('apt-get'))
  t.is(apt.length, 2)
  t.regex(apt[0]!, / update$/)
  t.regex(apt[1]!, / install .*libpng-dev$/)
  t.notRegex(apt[1]!, /cmake/)
})

test('sudo without a password is used, and asked for none', (t) => {
  const folder = temporary(t)
  const done = join(folder, 'done')
  const { path, calls } = tools(folder, {
    'dpkg-query': `[ -e '${done}' ] && ${present} || ${absent}`,
    cmake: '',
    true: '',
    sudo: '[ "$1" = -n ] || exit 1; shift; "$@"',
    'apt-get': `case "$*" in *install*) : > '${done}';; esac`,
  })
  t.is(ensure(path, 1000).status, 0)
  t.is(calls().filter((call) => call.startsWith('sudo -n env DEBIAN_FRONTEND=noninteractive apt-get')).length, 2)
})

test('without rights the command is named, nothing is run, and the status is 1', (t) => {
  const { path, calls } = tools(temporary(t), { 'dpkg-query': absent, sudo: 'exit 1', 'apt-get': '' })
  const { status, stderr } = ensure(path, 1000)
  t.is(status, 1)
  t.regex(stderr, /apt-get install -y cmake libpng-dev/)
  t.notRegex(stderr, /\n +at /)
  t.false(calls().some((call) => call.startsWith('apt-get')))
})

test('an installation that leaves something missing is an error', (t) => {
  const { path } = tools(temporary(t), { 'dpkg-query': absent, cmake: '', 'apt-get': '' })
  const { status, stderr } = ensure(path, 0)
  t.is(status, 1)
  t.regex(stderr, /still missing: libpng-dev/)
})

test('npm packages match the lockfile, or do not', async (t) => {
  const { matchesLockfile } = await load<{ matchesLockfile: (root: string) => boolean }>('lockfile.mjs')
  const root = temporary(t)
  const lock = (file: string, packages: object) => writeFileSync(join(root, file), JSON.stringify({ packages }))
  const a = { version: '1.0.0', integrity: 'sha512-a' }
  lock('package-lock.json', { '': {}, 'node_modules/a': a, 'node_modules/b': { ...a, optional: true } })
  t.false(matchesLockfile(root), 'no node_modules')
  mkdirSync(join(root, 'node_modules'))
  const installed = 'node_modules/.package-lock.json'
  lock(installed, { 'node_modules/a': a })
  t.true(matchesLockfile(root), 'an optional package may be absent')
  lock(installed, { 'node_modules/a': { ...a, version: '1.0.1' } })
  t.false(matchesLockfile(root), 'another version')
  lock(installed, { 'node_modules/a': a, 'node_modules/c': a })
  t.false(matchesLockfile(root), 'one too many')
  lock(installed, {})
  t.false(matchesLockfile(root), 'one too few')
})

test('a build runs when its sources change, when its product is gone, and after it failed', async (t) => {
  const { fingerprint, unlessStamped } = await load<Stamp>('stamp.mjs')
  const root = temporary(t)
  const product = join(root, 'product')
  mkdirSync(join(root, 'sources'))
  writeFileSync(join(root, 'sources/a'), '1')
  const build = (work = () => writeFileSync(product, '')) => unlessStamped(join(root, 'stamp'), fingerprint(root, ['sources', 'missing']), [product], work)
  t.true(await build())
  t.false(await build())
  writeFileSync(join(root, 'sources/a'), '2')
  t.true(await build())
  writeFileSync(join(root, 'sources/b'), '')
  t.true(await build())
  rmSync(product)
  t.true(await build())
  writeFileSync(join(root, 'sources/a'), '3')
  await t.throwsAsync(
    build(() => {
      throw new Error('does not compile')
    }),
  )
  t.true(await build())
  t.false(await build())
})
