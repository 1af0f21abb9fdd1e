/** What is published: its manifest, its shared objects, and what of npm packages goes into it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { temporaryFolder } from '../support/folder.js'

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
  t.regex(message, /expected nothing undefined but Node-API, got .*dnnl_primitive_execute/)
  t.notRegex(message, /napi_|__gmon_start__|\bmalloc\b/)
  t.notRegex(message, /GLIBC_2\.34 at most/)
  const newer = readFileSync(file)
  const at = newer.indexOf('\0GLIBC_2.34\0')
  t.true(at > 0)
  newer.write('GLIBC_9.34', at + 1)
  const copy = join(await temporaryFolder(t), 'preresnet.node')
  writeFileSync(copy, newer)
  t.throws(() => checkSymbols(copy), { message: /expected GLIBC_2\.34 at most, got GLIBC_9\.34/ })
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

test('the static oneDNN keeps the convolutions and reorders that the library uses, and refuses a version whose tables are others', async (t) => {
  const { keepConvolutions } = await load<{ keepConvolutions: (folder: string) => void }>('package/onednn_parts.mjs')
  const folder = await temporaryFolder(t)
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  const entry = (types: string, ...names: readonly string[]) =>
    [`        {{${types}}, {`, ...names.map((name) => `            CPU_INSTANCE_${name}`), '            nullptr,', '        }},', ''].join('\n')
  const other = ['AVX512(brgemm_convolution_fwd_t<avx512_core>)', 'X64(ip_convolution_fwd_t)', '(gemm_convolution_fwd_t)', 'AARCH64(brdgmm_dw_t<sve_512>)']
  const used = ['AVX2(jit_avx2_convolution_fwd_t)', 'AARCH64(jit_sve_convolution_fwd_t<sve_256>)', '(ref_convolution_fwd_t)']
  const table = (names: readonly string[]) => `#include "cpu/x64/jit_avx2_convolution.hpp"\n${entry('forward, f32, f32, f32', ...names)}`
  write('src/cpu/cpu_convolution_list.cpp', `#include "cpu/x64/jit_brgemm_conv.hpp"\n${table([...other, ...used])}${entry('forward, s8, s8, f32', ...used)}`)
  const reorder = (types: string) => `            {{f32, x, 0}, &regular_${types}_impl_list_map()},\n`
  write('src/cpu/reorder/cpu_reorder.cpp', ['f32_f32', 'f32_bf16', 'bf16', 'f32_f16', 'bf16_s8'].map(reorder).join(''))
  for (const types of ['f32_f32', 'f32_bf16', 'bf16']) write(`src/cpu/reorder/cpu_reorder_regular_${types}.cpp`, 'uni\n  rnn_weights_reorder_t<f32>\n')
  const kept = ['src/cpu/x64/jit_avx2_convolution.cpp', 'src/cpu/matmul/cpu_matmul_list.cpp', 'src/cpu/x64/jit_uni_reorder.cpp']
  const gone = [
    'src/cpu/x64/gemm/gemm_driver.cpp',
    'src/cpu/x64/jit_brgemm_conv.cpp',
    'src/cpu/reorder/cpu_reorder_regular_f32_f16.cpp',
    'src/cpu/x64/jit_pool.cpp',
  ]
  for (const file of [...kept, ...gone]) write(file, '')

  keepConvolutions(folder)
  t.is(readFileSync(join(folder, 'src/cpu/cpu_convolution_list.cpp'), 'utf8'), table(used))
  t.is(readFileSync(join(folder, 'src/cpu/reorder/cpu_reorder.cpp'), 'utf8'), ['f32_f32', 'f32_bf16', 'bf16'].map(reorder).join(''))
  t.is(readFileSync(join(folder, 'src/cpu/reorder/cpu_reorder_regular_bf16.cpp'), 'utf8'), 'uni\n')
  for (const file of kept) t.true(existsSync(join(folder, file)), file)
  for (const file of gone) t.false(existsSync(join(folder, file)), file)
  // Nothing is left that would be left out.
  t.throws(() => keepConvolutions(folder), { message: /cpu_convolution_list\.cpp: expected a table of oneDNN 3\.7 with parts to leave out, got none/ })
})
