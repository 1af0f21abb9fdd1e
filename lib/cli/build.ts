/** Builds the native addon where the package lies: for systems that the packages of platforms do not fit. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { loadBinding } from '../native/load.js'
import type { Table } from '../options/spec.js'
import { packageFolder } from '../package.js'
import type { CommandSpec } from './command.js'
import { failureStatus } from './failure.js'
import { buildDocument } from './json/build.js'
import { printJson } from './json/document.js'
import { print } from './output.js'

export const build: CommandSpec<Table> = {
  name: 'build',
  summary:
    'build the native addon from its source, which is then used instead of a prebuilt one; needs CMake, a C++ compiler and the libraries that README.md names',
  options: {},
  json: buildDocument,
  examples: [['build', 'says what is missing, with the commands that install it; else some minutes']],
  async run({ json }) {
    const script = join(packageFolder(), 'scripts', 'build-native.mjs')
    // What the compiler says goes to stderr where the document is alone on stdout.
    const { status } = spawnSync(process.execPath, [script], { stdio: ['ignore', json ? 2 : 'inherit', 'inherit'] })
    if (status !== 0) return failureStatus
    const file = join(packageFolder(), 'build', 'Release', 'preresnet.node')
    const { version } = loadBinding()
    if (json) printJson(buildDocument, { file, version })
    else print(`built ${file}`)
    return 0
  },
}
