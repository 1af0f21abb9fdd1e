/** Builds the native addon where the package lies: for systems that the packages of platforms do not fit. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { loadBinding, mpiFile } from '../native/load.js'
import { flagOption } from '../options/spec.js'
import { packageFolder } from '../package.js'
import type { CommandSpec } from './command.js'
import { failureStatus } from './failure.js'
import { buildDocument } from './json/build.js'
import { printJson } from './json/document.js'
import { print } from './output.js'

const options = {
  mpi: flagOption({
    group: 'Ranks',
    help: 'build, instead of the addon, the library between preresnet and the MPI of this machine, with mpicxx or the compiler that MPICXX names',
    fallback: false,
  }),
}

export const build: CommandSpec<typeof options> = {
  name: 'build',
  summary:
    'build the native addon from its source, which is then used instead of a prebuilt one; needs CMake, a C++ compiler and the libraries that README.md names',
  options,
  json: buildDocument,
  examples: [
    ['build', 'says what is missing, with the commands that install it; else some minutes'],
    ['build --mpi', 'for mpirun -n 4 npx preresnet train; some seconds'],
  ],
  async run({ json, mpi }) {
    const script = join(packageFolder(), 'scripts', mpi ? 'build-mpi.mjs' : 'build-native.mjs')
    const file = mpi ? mpiFile() : join(packageFolder(), 'build', 'Release', 'preresnet.node')
    // What the compiler says goes to stderr where the document is alone on stdout.
    const { status } = spawnSync(process.execPath, [script, ...(mpi ? [file] : [])], { stdio: ['ignore', json ? 2 : 'inherit', 'inherit'] })
    if (status !== 0) return failureStatus
    const { version } = loadBinding()
    if (json) printJson(buildDocument, { file, version })
    else print(`built ${file}`)
    return 0
  },
}
