// One archive for a host with a GPU but without Node, npm or network: Node itself, the addon, the CUDA library, the JavaScript and what
// they need, with a script that starts scripts/gpu-check.mjs. cuDNN is not in it: the host has it, as a rule inside Python's packages.
//   npm run bundle [-- --output bundle/preresnet-gpu.tar.xz] [--without-cuda]
// --without-cuda packs the emulated device in place of the CUDA library, to try a bundle where there is no GPU.
// On the host:  python3 -m tarfile -e preresnet-gpu.tar.xz && preresnet-gpu/run --repository CHECKOUT
// Golden cases and PyTorch's scripts come from a checkout of the repository beside it, or are named by options.
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { closure } from './support/closure.mjs'
import { commitOf } from './support/commit.mjs'
import { packageImports } from './support/imports.mjs'
import { main, output, run, Stop } from './support/run.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
process.chdir(root)

const LIMIT = 45 * 1000 * 1000
const NAME = 'preresnet-gpu'
/** Part of every Linux, and of the machine that the bundle is for. */
const SYSTEM_LIBRARIES = /^(linux-vdso|ld-linux|libc\.|libm\.|libdl\.|libpthread\.|librt\.|libstdc\+\+|libgcc_s)/

const LAUNCHER = `#!/bin/sh
# Needs nothing from the PATH.
case $0 in */*) here=\${0%/*} ;; *) here=. ;; esac
# Absolute: the checks start programs in other folders.
here=$(CDPATH= cd -- "$here" && pwd) || exit
PRERESNET_BUNDLE_LIBRARIES="$here/libraries" LD_LIBRARY_PATH="$here/libraries\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$here/node" "$here/scripts/gpu-check.mjs" "$@"
`

await main('bundle', () => {
  const { values } = parseArgs({
    options: {
      output: { type: 'string', default: `bundle/${NAME}.tar.xz` },
      'without-cuda': { type: 'boolean', default: false },
    },
  })
  if (output('xz', ['--version']) === undefined) throw new Stop('xz is missing: apt-get install xz-utils')
  const archive = resolve(values.output)
  const parent = mkdtempSync(join(tmpdir(), 'preresnet-bundle-'))
  try {
    const folder = join(parent, NAME)
    mkdirSync(folder)
    addNode(folder)
    addNative(folder, !values['without-cuda'])
    addJavaScript(folder)
    writeFileSync(join(folder, 'commit'), `${commit()}\n`)
    writeFileSync(join(folder, 'run'), LAUNCHER)
    chmodSync(join(folder, 'run'), 0o755)

    mkdirSync(dirname(archive), { recursive: true })
    run('tar', ['-C', parent, '--sort=name', '--owner=0', '--group=0', '-cf', `${archive}.tar`, NAME])
    run('xz', ['--force', '-6', '--threads=0', '--stdout', `${archive}.tar`], { stdio: ['ignore', openForWriting(archive), 'inherit'] })
    rmSync(`${archive}.tar`)
    const { size } = statSync(archive)
    console.log(`${archive}: ${(size / 1e6).toFixed(1)} MB`)
    if (size > LIMIT) throw new Stop(`expected at most ${LIMIT / 1e6} MB`)
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
})

function addNode(folder) {
  cpSync(process.execPath, join(folder, 'node'), { dereference: true })
  run('strip', [join(folder, 'node')])
}

/** The addon and the CUDA library, and the shared libraries of other packages that they are linked with. */
function addNative(folder, cuda) {
  const names = ['preresnet.node', cuda ? 'preresnet_cuda.so' : 'preresnet_cuda_emulated.so']
  mkdirSync(join(folder, 'build/Release'), { recursive: true })
  mkdirSync(join(folder, 'libraries'))
  for (const name of names) {
    const file = join('build/Release', name)
    if (!existsSync(file)) throw new Stop(`${file} is not there: ${name === 'preresnet_cuda.so' ? 'npm run build:cuda' : 'npm run build'} makes it`)
    cpSync(file, join(folder, file))
    run('strip', ['--strip-unneeded', join(folder, file)])
    for (const library of librariesOf(file)) cpSync(library, join(folder, 'libraries', basename(library)), { dereference: true })
  }
}

function librariesOf(file) {
  const listed = output('ldd', [file])
  if (listed === undefined) throw new Stop(`ldd ${file} failed`)
  return [...listed.matchAll(/^\s+(\S+) => (\S+)/gm)].flatMap(([, name, path]) => {
    if (path === 'not') throw new Stop(`${file} is linked with ${name}, which is not there`)
    return SYSTEM_LIBRARIES.test(name) ? [] : [path]
  })
}

function addJavaScript(folder) {
  if (!existsSync('dist/lib/index.js')) throw new Stop('nothing is compiled yet: npm run build')
  for (const path of ['dist', 'package.json', 'scripts', 'bench/pytorch'])
    cpSync(path, join(folder, path), { recursive: true, filter: (file) => !/__pycache__|\.(map|d\.ts)$/.test(file) })
  for (const path of closure(
    root,
    [...packageImports(root).keys(), 'ava'].map((name) => `node_modules/${name}`),
  )) {
    // Packages inside of a package are listed by themselves.
    const nested = join(path, 'node_modules')
    cpSync(path, join(folder, path), { recursive: true, filter: (file) => file !== nested && !file.endsWith('.map') })
  }
}

function commit() {
  const found = commitOf(root)
  if (found === undefined) throw new Stop('git rev-parse failed: a bundle says which commit it is made of, so it needs a git checkout')
  return found
}

function openForWriting(file) {
  rmSync(file, { force: true })
  return openSync(file, 'w')
}
