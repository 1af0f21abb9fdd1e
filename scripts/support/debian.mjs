// Debian packages: which are missing, and how they are installed.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { output, run, Stop } from './run.mjs'

/** What the build needs. A tool that is on the PATH counts, wherever it comes from. */
export const BUILD_PACKAGES = [
  { name: 'cmake', tools: ['cmake'] },
  { name: 'ninja-build', tools: ['ninja', 'make'] },
  { name: 'g++', tools: ['g++'] },
  { name: 'libdnnl-dev' },
  { name: 'libhwy-dev' },
  { name: 'libjpeg62-turbo-dev' },
  { name: 'libpng-dev' },
  { name: 'libwebp-dev' },
  { name: 'nlohmann-json3-dev' },
  { name: 'libboost-context-dev' },
]
export const LINT_PACKAGES = [{ name: 'clang-format', tools: ['clang-format'] }]
export const FUZZ_PACKAGES = [{ name: 'clang', tools: ['clang++'] }, { name: 'libomp-dev' }, { name: 'zlib1g-dev' }]

/** Names of the packages that are not there. */
export function missing(packages) {
  const installed = installedPackages(packages.map(({ name }) => name))
  return packages.filter(({ name, tools }) => !(tools === undefined ? installed.has(name) : tools.some(onPath))).map(({ name }) => name)
}

/** Installs what is missing, where this process may; else throws Stop with the command that does it. */
export function ensure(packages) {
  const names = missing(packages)
  if (names.length === 0) return
  const prefix = privilege()
  if (prefix === undefined) {
    throw new Stop(
      `these Debian packages are missing: ${names.join(' ')}\nInstall them, then run this again:\n\n  sudo apt-get update && sudo apt-get install -y ${names.join(' ')}\n`,
    )
  }
  console.log(`Installing Debian packages: ${names.join(' ')}`)
  // `env` because sudo does not hand variables on.
  const apt = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', '-o', 'DPkg::Lock::Timeout=120']
  run(apt[0], [...apt.slice(1), 'update'])
  run(apt[0], [...apt.slice(1), 'install', '-y', '--no-install-recommends', ...names])
  const left = missing(packages)
  if (left.length > 0) throw new Stop(`apt-get reported success, but these packages are still missing: ${left.join(' ')}`)
}

/** apt-get with lists, archives and a status of its own in `folder`, after an update: the system's lists and packages stay as they are. `settings` go before the system's. */
export function ownApt(folder, settings, words, options = {}) {
  for (const path of ['state/lists/partial', 'cache/archives/partial']) mkdirSync(join(folder, path), { recursive: true })
  writeFileSync(join(folder, 'status'), '')
  const own = [`Dir::State=${folder}/state`, `Dir::Cache=${folder}/cache`, `Dir::State::status=${folder}/status`, ...settings]
  const apt = ['-q', ...own.flatMap((setting) => ['-o', setting])]
  run('apt-get', [...apt, 'update'])
  run('apt-get', [...apt, ...words], options)
}

/** Where the system's own packages come from. */
export function debianMirror() {
  const found = output('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Component: main', 'Origin: Debian'])?.split('\n')[0]
  if (!found) throw new Stop('expected a Debian system whose lists are there (apt-get update), got none')
  return found
}

/** The words to put before a command that needs root: none, sudo without a password, or undefined where neither is to be had. */
function privilege() {
  if (!onPath('apt-get')) return undefined
  if (process.getuid?.() === 0) return []
  return onPath('sudo') && output('sudo', ['-n', 'true']) !== undefined ? ['sudo', '-n'] : undefined
}

function onPath(tool) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, tool)))
}

/** Without dpkg (another distribution) nothing is known; CMake then says what it cannot find. */
function installedPackages(names) {
  if (!onPath('dpkg-query')) return new Set(names)
  // One query a package: dpkg-query fails as a whole where it knows one of several names only partly.
  return new Set(names.filter((name) => output('dpkg-query', ['-W', '-f=${db:Status-Status}', name]) === 'installed'))
}
