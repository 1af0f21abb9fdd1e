/** What is published: its manifest, its shared objects, and what of npm packages goes into it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'

const root = join(import.meta.dirname, '../../..')
const load = async <T>(file: string): Promise<T> => (await import(pathToFileURL(join(root, 'scripts', file)).href)) as T
const { version, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string; dependencies?: object }

test('the manifest that is published has nothing to run or to fetch but the packages of platforms, in its own version', async (t) => {
  const { manifest } = await load<{ manifest: (root: string) => Readonly<Record<string, unknown>> }>('package/manifests.mjs')
  const published = manifest(root)
  for (const key of ['dependencies', 'devDependencies', 'scripts', 'os', 'cpu', 'libc', 'private']) t.false(key in published, key)
  t.deepEqual(published['optionalDependencies'], { '@preresnet/linux-x64': version, '@preresnet/linux-arm64': version })
  const optional = { optional: true }
  t.deepEqual(published['peerDependenciesMeta'], { 'cmake-js': optional, 'node-addon-api': optional, 'node-api-headers': optional })
  t.deepEqual(Object.keys(published['peerDependencies']!), ['cmake-js', 'node-addon-api', 'node-api-headers'])
  t.is(dependencies, undefined, 'a bare clone needs nothing but what it is developed with')
})

test('a shared object that needs more than glibc 2.34 is not published', async (t) => {
  const { checkSymbols, dynamicSection } = await load<{
    checkSymbols: (file: string) => unknown
    dynamicSection: (file: string) => { readonly needed: readonly string[] }
  }>('package/symbols.mjs')
  // The build of a clone is linked with the system's libraries.
  const file = join(root, process.env['PRERESNET_BINDING'] ?? 'build/Release/preresnet.node')
  t.true(dynamicSection(file).needed.includes('libc.so.6'))
  const { message } = t.throws(() => checkSymbols(file))
  t.regex(message, /expected to need glibc and libgcc alone, got .*libdnnl\.so/)
  t.regex(message, /expected the C\+\+ library inside, got GLIBCXX_3/)
})

test('what the library imports of packages is known by name', async (t) => {
  const { packageImports } = await load<{ packageImports: (root: string) => ReadonlyMap<string, { readonly names: ReadonlySet<string> }> }>(
    'support/imports.mjs',
  )
  const imports = packageImports(root)
  t.true(imports.get('commander')?.names.has('Command'))
  t.deepEqual([...imports.get('cli-progress')!.names], ['default'])
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { devDependencies: Readonly<Record<string, string>> }
  for (const name of imports.keys()) t.true(name in devDependencies, name)
})
