// Every operation against the reference executor, in every precision: the operation tests of the suite, on the GPU. They fill outputs with
// garbage first, have borders, odd sizes and channels that fill no vector.
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Stop } from '../support/run.mjs'
import { testFiles, testName } from '../support/tests.mjs'
import { attempt } from './processes.mjs'

export async function operations({ home, emulated, secondsLeft }) {
  // What that file adds, every other has already where PRERESNET_TEST_PRECISIONS is set.
  const files = testFiles(home, 'ops').filter((file) => testName(file) !== 'ops/precisions')
  const { contracts } = await import(pathToFileURL(join(home, 'dist/lib/contracts.js')).href)
  const tested = new Set(files.map(testName))
  const untested = Object.keys(contracts).filter((operation) => !tested.has(`ops/${operation}`))
  if (untested.length > 0) throw new Stop(`expected a test of every operation, got none of ${untested.join(', ')}`)
  const chosen = emulated ? files.filter((file) => ['ops/conv', 'ops/bn_relu', 'ops/sgd'].includes(testName(file))) : files
  // The tests run from the place where the results of the build lie; ava finds its settings in package.json.
  const env = { ...process.env, PRERESNET_TEST_PRECISIONS: 'all', ...(!emulated && { PRERESNET_TEST_DEVICE: 'cuda' }) }
  // The reference executor, on the host, is the slow side.
  const concurrency = emulated ? [] : ['--concurrency', Math.max(2, availableParallelism() >> 1)]
  const { stdout, late } = attempt(process.execPath, [join(home, 'node_modules/ava/entrypoints/cli.mjs'), '--tap', ...concurrency, ...chosen], {
    cwd: home,
    env,
    limit: secondsLeft(),
  })
  const lines = stdout.split('\n')
  const tests = lines.filter((line) => /^(not )?ok \d+/.test(line))
  const failed = tests.filter((line) => line.startsWith('not ok')).map((line) => line.replace(/^not ok \d+ - /, ''))
  return { passed: !late && tests.length > 0 && failed.length === 0, files: chosen.length, tests: tests.length, failed, ...(late && { late }) }
}
