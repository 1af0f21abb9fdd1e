/** Which addon an installed package loads, and what it says where that does not go: each case is a package of its own in a temporary folder. */
import { execFile } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { explained } from '../../lib/native/remedies.js'
import { packageFolder } from '../../lib/package.js'
import { temporaryFolder } from '../support/folder.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const addon = resolve(root, process.env['PRERESNET_BINDING'] ?? 'build/Release/preresnet.node')
const platform = `@preresnet/linux-${process.arch}`
const version = '1.2.3'

interface Failure {
  readonly code?: string
  readonly message: string
}

/** What the package loaded: the addon's file, or the error. */
interface Loaded {
  readonly folder: string
  readonly failure: Failure | undefined
}

/** An installed package whose platform's package has these bytes as its addon; without them there is none. */
async function install(t: ExecutionContext, bytes?: Buffer, { platformVersion = version } = {}): Promise<string> {
  const folder = join(realpathSync(await temporaryFolder(t)), 'node_modules/preresnet')
  // Of the library only what loads the addon.
  cpSync(join(root, 'dist/lib'), join(folder, 'dist/lib'), {
    recursive: true,
    filter: (path) => path.endsWith('/lib') || /\/lib\/((native|options)(\/[^/]*\.js)?|[^/]*\.js)$/.test(path),
  })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'preresnet', version, type: 'module' }))
  if (bytes !== undefined) {
    const other = join(dirname(folder), platform)
    mkdirSync(other, { recursive: true })
    writeFileSync(join(other, 'package.json'), JSON.stringify({ name: platform, version: platformVersion, main: './preresnet.node' }))
    writeFileSync(join(other, 'preresnet.node'), bytes)
  }
  return folder
}

async function load(folder: string): Promise<Loaded> {
  const { loadBinding } = (await import(pathToFileURL(join(folder, 'dist/lib/native/load.js')).href)) as { loadBinding: () => unknown }
  const { PRERESNET_BINDING: named } = process.env
  delete process.env['PRERESNET_BINDING']
  try {
    loadBinding()
    return { folder, failure: undefined }
  } catch (error) {
    return { folder, failure: error as Failure }
  } finally {
    if (named !== undefined) process.env['PRERESNET_BINDING'] = named
  }
}

function refused(t: ExecutionContext, { failure }: Loaded, ...says: readonly (RegExp | string)[]): void {
  t.is(failure?.code, 'ERR_BINDING', failure?.message)
  for (const part of says)
    t.true(typeof part === 'string' ? failure!.message.includes(part) : part.test(failure!.message), `${String(part)}: ${failure!.message}`)
  t.notRegex(failure!.message, /\n/)
}

const bytes = (change: (copy: Buffer) => unknown): Buffer => {
  const copy = Buffer.from(readFileSync(addon))
  const changed = change(copy)
  return Buffer.isBuffer(changed) ? changed : copy
}

/** The whole text where it stands as a string of its own. */
function replaceText(copy: Buffer, from: string, to: string): void {
  const at = copy.indexOf(`\0${from}\0`)
  if (at < 0 || from.length !== to.length) throw new Error(`${from} is not in the addon`)
  copy.write(to, at + 1, 'latin1')
}

test.serial("the platform's package is loaded, and a local build before it", async (t) => {
  const folder = await install(
    t,
    bytes(() => undefined),
  )
  t.is((await load(folder)).failure, undefined)
  const other = await install(t, Buffer.from('not loaded'))
  mkdirSync(join(other, 'build/Release'), { recursive: true })
  copyFileSync(addon, join(other, 'build/Release/preresnet.node'))
  t.is((await load(other)).failure, undefined)
})

test.serial('without the package of the platform the error has the command of each package manager', async (t) => {
  refused(
    t,
    await load(await install(t)),
    `the package ${platform} is not installed`,
    `npm install --include=optional --save-optional --save-exact ${platform}@1.2.3 | pnpm add --save-optional --save-exact ${platform}@1.2.3 | yarn add --optional --exact ${platform}@1.2.3`,
    `npm pack ${platform}@1.2.3 where there is one, then npm install --save-optional ./preresnet-linux-${process.arch}-1.2.3.tgz`,
    'build it with `npx preresnet build`',
  )
})

test.serial('a package of another version', async (t) => {
  const loaded = await load(
    await install(
      t,
      bytes(() => undefined),
      { platformVersion: '1.2.4' },
    ),
  )
  refused(
    t,
    loaded,
    `expected version 1.2.3 of ${platform}, as of preresnet, got 1.2.4`,
    `npm install --include=optional --save-optional --save-exact ${platform}@1.2.3`,
  )
})

test.serial('an addon that is truncated, empty, or for another processor is refused before it is loaded', async (t) => {
  const half = bytes((copy) => copy.subarray(0, copy.length >> 1))
  const truncated = await load(await install(t, half))
  refused(t, truncated, new RegExp(`is truncated: expected \\d+ bytes, got ${half.length}; remove .*${platform} and install ${platform} again: npm ci`))
  refused(t, await load(await install(t, Buffer.alloc(0))), 'is no shared library, or is truncated: it has 0 bytes; remove ')
  const [machine, name] = process.arch === 'x64' ? [183, 'arm64'] : [62, 'x64']
  const foreign = bytes((copy) => {
    copy.writeUInt16LE(machine, 18)
  })
  refused(t, await load(await install(t, foreign)), `is for another processor: expected ${process.arch}, got ${name}; remove `)
})

test.serial('an addon for a newer glibc: both versions, and that it can be built', async (t) => {
  const newer = bytes((copy) => replaceText(copy, 'GLIBC_2.34', 'GLIBC_9.34'))
  refused(
    t,
    await load(await install(t, newer)),
    /the native addon needs glibc 9\.34 or later, got 2\.\d+ \(.*\); use a newer system, or build it with `npx preresnet build`/,
  )
})

test.serial("device cuda has its library in a package that users add, in preresnet's version", async (t) => {
  const folder = await install(t, Buffer.alloc(0))
  const { cudaFile } = (await import(pathToFileURL(join(folder, 'dist/lib/native/addon_file.js')).href)) as {
    cudaFile: (addon: string) => { readonly file: string; readonly remedy: string }
  }
  const addonFile = join(dirname(folder), platform, 'preresnet.node')
  const beside = join(dirname(addonFile), 'preresnet_cuda.so')
  const command = 'npm install --save-exact @preresnet/cuda-linux-x64@1.2.3 adds it'
  t.deepEqual(cudaFile(addonFile), { file: beside, remedy: command })
  const cuda = join(dirname(folder), '@preresnet/cuda-linux-x64')
  const library = join(cuda, 'preresnet_cuda.so')
  const write = (ofVersion: string) => writeFileSync(join(cuda, 'package.json'), JSON.stringify({ name: '@preresnet/cuda-linux-x64', version: ofVersion }))
  mkdirSync(cuda)
  writeFileSync(library, '')
  write(version)
  if (process.arch === 'x64') {
    t.is(cudaFile(addonFile).file, library)
    write('1.2.4')
    const remedy = `expected version 1.2.3 of @preresnet/cuda-linux-x64, as of preresnet, got 1.2.4 in ${cuda}; ${command}`
    t.deepEqual(cudaFile(addonFile), { file: beside, remedy })
  }
  writeFileSync(beside, '')
  t.is(cudaFile(addonFile).file, beside)
})

test.serial('an addon for musl', (t) => {
  const message = explained('libc.musl-x86_64.so.1: cannot open shared object file', 'remedy')
  t.is(
    message,
    'the native addon cannot be loaded because it was built for musl, and this system has glibc: libc.musl-x86_64.so.1: cannot open shared object file; remedy',
  )
})

/** Runs `work` with a property of `process` that another system would have. */
async function pretending<T>(property: 'platform' | 'report', value: unknown, work: () => Promise<T>): Promise<T> {
  const kept = Object.getOwnPropertyDescriptor(process, property)!
  Object.defineProperty(process, property, { value, configurable: true })
  try {
    return await work()
  } finally {
    Object.defineProperty(process, property, kept)
  }
}

test.serial('systems that have no addon say what is supported, once; the rest of the library loads', async (t) => {
  for (const system of ['darwin', 'win32']) {
    const loaded = await pretending('platform', system, async () => load(await install(t)))
    refused(t, loaded, `is for Linux with glibc 2.34 or later, on x64 and arm64; got ${system} on ${process.arch}`)
  }
  const musl = { getReport: () => ({ header: {} }) }
  for (const content of [undefined, bytes((copy) => replaceText(copy, 'GLIBC_2.34', 'GLIBC_9.34'))]) {
    const loaded = await pretending('report', musl, async () => load(await install(t, content)))
    refused(t, loaded, 'is for Linux with glibc 2.34 or later', 'got another C library, such as musl', 'node:22-slim')
    t.notRegex(loaded.failure!.message, /npm install/)
  }
})

test.serial('a build in an installed package says which npm packages it needs, in one command', async (t) => {
  const folder = await temporaryFolder(t)
  mkdirSync(join(folder, 'scripts'))
  copyFileSync(join(root, 'scripts/build-native.mjs'), join(folder, 'scripts/build-native.mjs'))
  const peerDependencies = { 'cmake-js': '^8.0.0', 'node-addon-api': '^8.9.2', 'node-api-headers': '^1.9.0' }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'preresnet', version, peerDependencies }))
  const stderr = await new Promise<string>((done) => {
    execFile(process.execPath, [join(folder, 'scripts/build-native.mjs')], (error, _, text) => done(error === null ? 'built' : text))
  })
  t.true(stderr.includes('Run: npm install --save-dev "cmake-js@^8.0.0" "node-addon-api@^8.9.2" "node-api-headers@^1.9.0"\n'), stderr)
})

test.serial('in a clone the remedy is the build', (t) => {
  t.true(explained('a reason', 'remedy').endsWith(': a reason; remedy'))
  const message = explained("version `GLIBC_9.34' not found", 'remedy')
  t.true(message.endsWith(`use a newer system, or build it with \`npm run build\` in ${packageFolder()}`), message)
})
