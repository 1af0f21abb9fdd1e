// Everything between a bare clone and a program that runs: Debian packages, npm packages, the native addon, the TypeScript. Each
// part is skipped where it is up to date, so a second run takes a moment. Needs nothing but Node itself.
//   node scripts/setup.mjs [--lint] [--no-native] [--no-typescript] [--force]
import { existsSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { BUILD_PACKAGES, ensure, LINT_PACKAGES } from './support/debian.mjs'
import { matchesLockfile } from './support/lockfile.mjs'
import { checkPlatform } from './support/platform.mjs'
import { main, run } from './support/run.mjs'
import { filesUnder, fingerprint, unlessStamped } from './support/stamp.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
process.chdir(root)

await main('setup', async () => {
  checkPlatform()
  const { values: options } = parseArgs({
    options: {
      lint: { type: 'boolean', default: false },
      native: { type: 'boolean', default: true },
      typescript: { type: 'boolean', default: true },
      force: { type: 'boolean', default: false },
    },
    allowNegative: true,
  })
  ensure([...(options.native ? BUILD_PACKAGES : []), ...(options.lint ? LINT_PACKAGES : [])])
  if (!matchesLockfile(root)) {
    console.log('Installing npm packages')
    // The install script would build the addon; that is done below, once, and only if needed.
    run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'])
  }
  if (options.native) await buildNative(options.force)
  if (options.typescript) await buildTypeScript(options.force)
})

async function buildNative(force) {
  const sources = ['native', 'test/native', 'CMakeLists.txt', 'cmake', 'scripts/build-native.mjs', 'scripts/generate-contracts.mjs', 'package-lock.json']
  const stamp = 'build/sources.sha256'
  if (force) rmSync(stamp, { force: true })
  await unlessStamped(stamp, fingerprint(root, sources, [process.arch]), ['build/Release/preresnet.node'], () => {
    console.log('Building the native addon')
    run(process.execPath, ['scripts/build-native.mjs'])
  })
}

async function buildTypeScript(force) {
  const sources = [
    'lib',
    'test',
    'examples',
    'tsconfig.json',
    'package-lock.json',
    'native/ops/contracts.json',
    'scripts/generate-contracts.mjs',
    'scripts/digits.mjs',
  ]
  const stamp = 'dist/sources.sha256'
  const generated = 'lib/contracts.ts'
  const value = fingerprint(
    root,
    sources.flatMap((path) => filesUnder(root, path)).filter((file) => file !== generated),
  )
  if (force) rmSync(stamp, { force: true })
  await unlessStamped(stamp, value, [generated, 'dist/lib/index.js', 'dist/digits.gz'], () => {
    console.log('Compiling TypeScript')
    run(process.execPath, ['scripts/generate-contracts.mjs'])
    run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.'])
    run(process.execPath, ['scripts/digits.mjs'])
    removeOrphans()
  })
}

/** Outputs whose source is gone: a deleted test must not go on running. */
function removeOrphans() {
  for (const file of filesUnder(root, 'dist')) {
    const source = /^dist\/(.*)\.(d\.ts|js|js\.map)$/.exec(file)
    if (source !== null && !existsSync(join(root, `${source[1]}.ts`))) rmSync(join(root, file))
  }
}
