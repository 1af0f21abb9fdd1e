// `npm run build:native` in a clone and `npx preresnet build` where the package is installed: the contracts, then the addon into build/Release. Nothing is
// downloaded. Published with the package, so it needs nothing of the repository but what it builds.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const require = createRequire(import.meta.url)
const TOOLS = [
  { program: 'cmake', package: 'cmake' },
  { program: 'c++', package: 'g++' },
  { program: 'make', or: 'ninja', package: 'make' },
]

if (process.platform !== 'linux') stop(`preresnet runs on Linux, got ${process.platform}`)
const missing = TOOLS.filter(({ program, or }) => !installed(program) && !(or !== undefined && installed(or)))
if (missing.length > 0) {
  stop(
    `building preresnet needs ${missing.map(({ program }) => program).join(', ')}`,
    `On Debian and Ubuntu: apt-get install --yes ${missing.map((tool) => tool.package).join(' ')}`,
  )
}
checkPackages()
// A published package has the compiled module already and no lib/.
if (existsSync(join(root, 'lib/compiler'))) execute(join(root, 'scripts/generate-contracts.mjs'))
execute(
  join(dirname(require.resolve('cmake-js/package.json')), 'bin/cmake-js'),
  ...['compile', '--config', 'Release', '--out', 'build', '--parallel', String(availableParallelism())],
)

function installed(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)))
}

/** In a published package those of npm are optional: only whoever builds needs them. */
function checkPackages() {
  const { peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const names = ['cmake-js', 'node-addon-api', 'node-api-headers'].filter((name) => !resolves(name))
  if (names.length === 0) return
  const command =
    peerDependencies === undefined
      ? 'npm ci --ignore-scripts'
      : `npm install --save-dev ${names.map((name) => `"${name}@${peerDependencies[name]}"`).join(' ')}`
  stop(`building preresnet needs the npm packages ${names.join(', ')}`, `Run: ${command}`)
}

function resolves(name) {
  try {
    require.resolve(`${name}/package.json`)
    return true
  } catch {
    return false
  }
}

function execute(...parameters) {
  const { status, error } = spawnSync(process.execPath, parameters, { cwd: root, stdio: 'inherit' })
  if (error !== undefined) throw error
  if (status !== 0) stop('the native addon could not be built; the reason stands above')
}

function stop(...lines) {
  for (const line of lines) console.error(`preresnet: ${line}`)
  process.exit(1)
}
