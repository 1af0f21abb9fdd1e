/** Where the addon lies, and its loading. Nothing else in lib touches the file. */
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { contractsVersion } from '../contracts.js'
import { PreresnetError } from '../errors.js'
import { knownPackageVersion, packageFolder } from '../package.js'
import { Binding, cudaLibrary, type Addon } from './calls.js'
import type { NativeBinding } from './types.js'

let loaded: NativeBinding | undefined

/**
 * The addon, loaded once a thread. Throws ERR_BINDING with the remedy where it is missing, cannot be loaded, or was built from other contracts.
 * PRERESNET_BINDING names another file to load, for example a build with sanitizers.
 */
export function loadBinding(): NativeBinding {
  loaded ??= new Binding(requireAddon())
  return loaded
}

/** The beginning of a hash of the CUDA library, which lies beside the addon: another build has other kernels. ERR_DEVICE where there is none. */
export async function libraryBuild(folder = dirname(addonFile())): Promise<string> {
  const library = cudaLibrary()
  const file = join(folder, `preresnet_${library.replace('-', '_')}.so`)
  try {
    return createHash('sha256')
      .update(await readFile(file))
      .digest('hex')
      .slice(0, 12)
  } catch (error) {
    throw new PreresnetError('ERR_DEVICE', `device ${JSON.stringify(library)}: ${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

/** As a user gave it: then nothing of the package is needed, and nothing of it is where a bundle is. */
function givenFile(): string | undefined {
  const given = process.env['PRERESNET_BINDING']
  return given === undefined ? undefined : resolve(given)
}

function addonFile(): string {
  return givenFile() ?? join(packageFolder(), 'build', 'Release', 'preresnet.node')
}

/** Version of the package, or in a bundle, which has no package.json, of the addon. */
export function libraryVersion(): string {
  return knownPackageVersion() ?? loadBinding().version
}

const BUILD_COMMAND = 'npm run build:native'

function requireAddon(): Addon {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    throw new PreresnetError('ERR_BINDING', `preresnet runs on Linux on x64 and arm64, got ${process.platform} on ${process.arch}`)
  }
  const file = addonFile()
  const remedy = knownPackageVersion() !== undefined ? `build it with \`${BUILD_COMMAND}\` in ${packageFolder()}` : 'PRERESNET_BINDING names it'
  if (!existsSync(file)) throw new PreresnetError('ERR_BINDING', `the native addon is missing: no ${file}; ${remedy}`)
  let addon: Addon
  try {
    addon = createRequire(file)(file) as Addon
  } catch (error) {
    const musl = runsOnMusl() ? ' (preresnet needs glibc, got musl)' : ''
    throw new PreresnetError('ERR_BINDING', `the native addon cannot be loaded${musl}: ${(error as Error).message}; ${remedy}`, { cause: error })
  }
  if (addon.contracts !== contractsVersion) {
    throw new PreresnetError(
      'ERR_BINDING',
      `the native addon was built from other sources: expected contracts ${contractsVersion}, got ${String(addon.contracts)}; ${remedy}`,
    )
  }
  return addon
}

function runsOnMusl(): boolean {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  return report.header?.glibcVersionRuntime === undefined
}
