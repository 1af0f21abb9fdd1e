// A CUDA toolkit for building without an installed one: pinned wheels in the ignored folder .cuda, about 1.6 GB.
//   npm run cuda:toolchain [-- --force]
// Downloads are kept in the user's cache folder, where another clone finds them; nothing else ever needs that folder.
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { cacheFolder } from './support/cache.mjs'
import { CUDA_WHEELS } from './support/cuda.mjs'
import { checkPlatform } from './support/platform.mjs'
import { main, output, run, Stop } from './support/run.mjs'
import { fingerprint, unlessStamped } from './support/stamp.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const requirements = 'scripts/cuda/requirements.txt'
const toolkit = join(CUDA_WHEELS, 'nvidia/cu13')
// As it would be on any machine: which Python runs pip must not decide which wheels are taken.
const glibc = ['manylinux_2_28', 'manylinux_2_27', 'manylinux_2_17', 'manylinux2014', 'manylinux_2_12', 'manylinux2010']

const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64'

process.chdir(root)

await main('cuda-toolchain', async () => {
  checkPlatform()
  const { values } = parseArgs({ options: { force: { type: 'boolean', default: false } } })
  const stamp = join(CUDA_WHEELS, 'toolchain.sha256')
  if (values.force) rmSync(stamp, { force: true })
  const value = fingerprint(root, [requirements, 'scripts/cuda-toolchain.mjs'], [process.arch])
  const products = [join(toolkit, 'bin/nvcc'), join(CUDA_WHEELS, 'nvidia/cudnn/lib/libcudnn.so.9'), join(CUDA_WHEELS, 'include/cudnn_frontend.h')]
  await unlessStamped(stamp, value, products, install)
})

function install() {
  if (output('python3', ['-m', 'pip', '--version']) === undefined) throw new Stop('expected Python 3 with pip: apt-get install python3-pip')
  const wheels = join(cacheFolder(root), 'wheels')
  mkdirSync(wheels, { recursive: true })
  rmSync(CUDA_WHEELS, { recursive: true, force: true })
  if (!allThere(wheels)) {
    console.log(`Downloading the CUDA toolkit and cuDNN (570 MB) to ${wheels}`)
    pip('download', '--dest', wheels)
  }
  console.log(`Unpacking the CUDA toolkit and cuDNN to ${CUDA_WHEELS}`)
  // Nobody is asked: what lies there is what its hash says, or pip refuses it.
  pip('install', '--quiet', '--no-index', '--find-links', wheels, '--target', CUDA_WHEELS, '--no-compile', '--root-user-action', 'ignore')
  // Python's half of cudnn-frontend; only the headers are used.
  for (const folder of ['cudnn', 'bin']) rmSync(join(CUDA_WHEELS, folder), { recursive: true, force: true })
  // nvcc and CMake look for these names.
  symlinkSync('lib', join(toolkit, 'lib64'))
  symlinkSync('libcudart.so.13', join(toolkit, 'lib/libcudart.so'))
}

/** A wheel of each requirement; whether it is the right one is for pip to say. */
function allThere(wheels) {
  const files = readdirSync(wheels)
  return [...readFileSync(requirements, 'utf8').matchAll(/^(\S+)==(\S+)/gm)].every(([, name, version]) =>
    files.some((file) => file.startsWith(`${name.replaceAll('-', '_')}-${version}-`) && file.endsWith(`_${machine}.whl`)),
  )
}

function pip(command, ...options) {
  run('python3', [
    ...['-m', 'pip', command, '--disable-pip-version-check', '--no-deps', '--require-hashes', '--requirement', requirements, ...options],
    ...['--only-binary', ':all:', '--implementation', 'cp', '--python-version', '3.11', '--abi', 'cp311'],
    ...glibc.flatMap((name) => ['--platform', `${name}_${machine}`]),
  ])
}
