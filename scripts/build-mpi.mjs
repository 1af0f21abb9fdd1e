// `npx preresnet build --mpi` and, in a clone, `node scripts/build-mpi.mjs [FILE]`: the library between preresnet and the MPI of this machine, by MPI's own
// compiler (mpicxx, or what MPICXX names), into FILE or beside the local build of the addon. Published with the package.
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const file = resolve(process.argv[2] ?? join(root, 'build/Release/preresnet_mpi.so'))
const compiler = process.env.MPICXX ?? 'mpicxx'
const flags = ['-std=c++20', '-O2', '-fPIC', '-shared', '-fvisibility=hidden', '-Wall', '-Wextra', `-I${join(root, 'native')}`]

mkdirSync(dirname(file), { recursive: true })
const { status, error } = spawnSync(compiler, [...flags, join(root, 'native/mpi/mpi.cpp'), '-o', file], { stdio: 'inherit' })
if (error !== undefined) {
  console.error(`preresnet: building for MPI needs its compiler ${compiler}: ${error.message}`)
  console.error('preresnet: On Debian and Ubuntu: apt-get install --yes libopenmpi-dev openmpi-bin (or libmpich-dev mpich)')
}
process.exitCode = status ?? 1
