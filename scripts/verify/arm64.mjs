// The tests of operations and goldens on arm64 with NEON, on an x64 machine: the addon is cross-built against Debian's libraries for arm64 and run by a Node for
// arm64 under QEMU. The build goes into build-arm64; libraries and Node are kept in the user's cache folder; of the system's packages only the compiler and QEMU are new.
//   node scripts/verify/arm64.mjs [--processor cortex-a72] [--addon FILE] [TESTFILE...]     compiled tests, dist/test/...
// --addon tests one that is there, such as that of the package (npm run package -- --all, build/package/arm64/Release/preresnet.node).
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { crossArm64, emulatedNode } from '../support/arm64.mjs'
import { main, output, run, Stop } from '../support/run.mjs'
import { counted, operationTests, verdict } from './common.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
process.chdir(root)
const BUILD = join(root, 'build-arm64')

await main('arm64', () => {
  const { values, positionals } = parseArgs({
    options: { processor: { type: 'string', default: 'cortex-a72' }, addon: { type: 'string' } },
    allowPositionals: true,
  })
  run(process.execPath, ['scripts/setup.mjs', '--no-native'])
  const { sysroot, compiler } = crossArm64(root)
  const addon = values.addon === undefined ? build(compiler) : resolve(values.addon)
  const node = emulatedNode(root, sysroot, values.processor)
  const env = { ...process.env, PRERESNET_BINDING: addon }
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

/** Against Debian's shared libraries. */
function build(compiler) {
  const generator = output('ninja', ['--version']) === undefined ? [] : ['-G', 'Ninja']
  const settings = { CMAKE_BUILD_TYPE: 'Release', ...compiler }
  run('cmake', ['-S', '.', '-B', BUILD, ...generator, ...Object.entries(settings).map(([name, value]) => `-D${name}=${value}`)])
  run('cmake', ['--build', BUILD, '--parallel', '2'])
  return join(BUILD, 'Release/preresnet.node')
}
