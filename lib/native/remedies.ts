/** What a user can do where the addon is missing or does not load: sentences with the exact commands. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PreresnetError } from '../errors.js'
import { knownPackageVersion, packageFolder } from '../package.js'

const supported = 'the native addon of preresnet is for Linux with glibc 2.34 or later, on x64 and arm64'

/** Types, networks and plans need no addon, so a team on other machines can install and type-check. */
export function unsupported(): PreresnetError {
  return new PreresnetError('ERR_BINDING', `${supported}; got ${process.platform} on ${process.arch}, where what needs no addon works all the same`)
}

/** The platform's package is not there, or not the one that is wanted. */
export function addPackage(name: string, reason?: string): PreresnetError {
  if (runsOnMusl()) return new PreresnetError('ERR_BINDING', musl())
  const version = knownPackageVersion()
  if (version === undefined) return new PreresnetError('ERR_BINDING', bundled(name, reason))
  const wanted = `${name}@${version}`
  const archive = `${name.slice(1).replace('/', '-')}-${version}.tgz`
  const missing = `the native addon is missing: the package ${name} is not installed, as after --omit=optional or from a lockfile that was made on another system`
  const commands = [
    `npm install --include=optional --save-optional --save-exact ${wanted}`,
    `pnpm add --save-optional --save-exact ${wanted}`,
    `yarn add --optional --exact ${wanted}`,
    `without a network: npm pack ${wanted} where there is one, then npm install --save-optional ./${archive}`,
  ]
  return new PreresnetError('ERR_BINDING', `${reason ?? missing}. What helps is one of: ${commands.join(' | ')} | ${rebuild()}`)
}

/** Code that lies elsewhere than its package. */
function bundled(name: string, reason?: string): string {
  return (
    `${reason ?? `this code is in a bundle, and the native addon is missing: no package ${name} can be found from here`}: install ${name} where the bundle runs, ` +
    'name the addon in the environment, PRERESNET_BINDING=/path/to/preresnet.node, or leave preresnet out of the bundle'
  )
}

/** For an addon that was built here, or could be. */
export function rebuild(): string {
  return inClone() ? `build it with \`npm run build\` in ${packageFolder()}` : 'build it with `npx preresnet build`'
}

/** For the library of device `cuda`, whose package is `name`. */
export function addCuda(name: string): string {
  const version = knownPackageVersion()
  if (version === undefined) return `install the package ${name} where the bundle runs`
  return inClone() ? 'build it with `npm run build:cuda`' : `npm install --save-exact ${name}@${version} adds it`
}

/** A published package has no scripts for development. */
function inClone(): boolean {
  return existsSync(join(packageFolder(), 'scripts/setup.mjs'))
}

export function reinstall(name: string, folder: string): string {
  return `remove ${folder} and install ${name} again: npm ci, pnpm install --force or yarn install --force`
}

/** Why the system's loader refused an addon, where it is the C library. */
export function explained(message: string, remedy: string): string {
  if (runsOnMusl()) return musl()
  const wanted = /version `GLIBC_([\d.]+)' not found/.exec(message)?.[1]
  if (wanted !== undefined) return `the native addon needs glibc ${wanted} or later, got ${glibc() ?? 'none'} (${message}); ${rebuildHint()}`
  const other = /\bmusl\b/.test(message) ? ' because it was built for musl, and this system has glibc' : ''
  return `the native addon cannot be loaded${other}: ${message}; ${remedy}`
}

function rebuildHint(): string {
  return knownPackageVersion() === undefined ? 'use a newer system' : `use a newer system, or ${rebuild()}`
}

function musl(): string {
  return `${supported}; got another C library, such as musl: use an image with glibc (node:22-slim instead of node:22-alpine)`
}

function runsOnMusl(): boolean {
  return glibc() === undefined
}

/** Its version; undefined where the C library is another one. */
export function glibc(): string | undefined {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  return header?.glibcVersionRuntime
}
