// Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer in a folder of its own and runs the tests that reach native
// code with it. Any report ends the process that made it, and so fails its test.
//   npm run sanitize [-- TESTFILE...]     compiled tests, dist/test/...
import { existsSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { main, output, run, Stop } from './support/run.mjs'
import { testFiles } from './support/tests.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
process.chdir(root)

const BUILD = 'build-sanitize'
/** Folders of dist/test whose tests run the addon; those that start it in a fresh process inherit the sanitizers. */
const SUITES = ['ops', 'program', 'data', 'inference', 'runtime', 'cuda']
/** Whole networks in every batch: a quarter of an hour with the sanitizers, over code that any_batch.test runs too. */
const LONG = ['runtime/any_batch.thorough.js', 'inference/storm.thorough.js']
/** Files about resident memory: AddressSanitizer keeps up to 256 MB of what was freed from being used again, so that memory grows without a leak. */
const MEASURE_MEMORY = ['data/epochs.test.js']
const LEFT_OUT = [...LONG, ...MEASURE_MEMORY]

await main('sanitize', () => {
  run(process.execPath, ['scripts/setup.mjs', '--no-native'])
  const generator = output('ninja', ['--version']) === undefined ? [] : ['-G', 'Ninja']
  run('cmake', [
    '-S',
    '.',
    '-B',
    BUILD,
    ...generator,
    '-DCMAKE_BUILD_TYPE=RelWithDebInfo',
    '-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g',
    '-DPRERESNET_SANITIZE=address,undefined',
  ])
  run('cmake', ['--build', BUILD, '--parallel', String(Math.min(4, cpus().length))])

  const addon = join(root, BUILD, 'Release/preresnet.node')
  if (!existsSync(addon)) throw new Stop(`the build made no ${addon}`)
  const chosen = process.argv.slice(2)
  const tests = chosen.length > 0 ? chosen : SUITES.flatMap((suite) => testFiles(root, suite)).filter((file) => !LEFT_OUT.some((name) => file.endsWith(name)))
  if (tests.length === 0) throw new Stop('no tests found')

  run(process.execPath, ['node_modules/ava/entrypoints/cli.mjs', '--serial', ...tests], {
    env: {
      ...process.env,
      PRERESNET_BINDING: addon,
      // Node is not built with the sanitizers, so their runtimes come first; Node's own leaks at exit are not ours to report.
      LD_PRELOAD: [library('libasan.so'), library('libubsan.so'), library('libstdc++.so.6')].join(' '),
      ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=0:halt_on_error=1:exitcode=99',
      UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
    },
  })
})

function library(name) {
  const path = output('g++', [`-print-file-name=${name}`])?.trim()
  if (path === undefined || !path.startsWith('/')) throw new Stop(`g++ has no ${name}`)
  return path
}
