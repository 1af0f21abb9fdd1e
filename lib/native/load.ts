/** The loading of the addon. Nothing else in lib touches the file. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { contractsVersion } from '../contracts.js'
import { PreresnetError } from '../errors.js'
import { knownPackageVersion } from '../package.js'
import { cudaFile, findAddon } from './addon_file.js'
import { Binding, cudaLibrary, type Addon } from './calls.js'
import { explained } from './remedies.js'
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

/** The beginning of a hash of the CUDA library: another build has other kernels. ERR_DEVICE where there is none. */
export async function libraryBuild(folder?: string): Promise<string> {
  const library = cudaLibrary()
  const name = `preresnet_${library.replace('-', '_')}.so`
  const file = folder === undefined ? libraryFile(library, name) : join(folder, name)
  try {
    return createHash('sha256')
      .update(await readFile(file))
      .digest('hex')
      .slice(0, 12)
  } catch (error) {
    throw new PreresnetError('ERR_DEVICE', `device ${JSON.stringify(library)}: ${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

function libraryFile(library: string, name: string): string {
  const { file } = findAddon()
  return library === 'cuda' ? cudaFile(file).file : join(dirname(file), name)
}

/** Where the MPI library is: beside the addon, or as PRERESNET_MPI says. */
export function mpiFile(): string {
  return process.env['PRERESNET_MPI'] ?? join(dirname(findAddon().file), 'preresnet_mpi.so')
}

/** Version of the package, or in a bundle, which has no package.json, of the addon. */
export function libraryVersion(): string {
  return knownPackageVersion() ?? loadBinding().version
}

function requireAddon(): Addon {
  const { file, remedy, load } = findAddon()
  let addon: Addon
  try {
    addon = load() as Addon
  } catch (error) {
    throw new PreresnetError('ERR_BINDING', explained((error as Error).message, remedy), { cause: error })
  }
  if (addon.contracts !== contractsVersion) {
    throw new PreresnetError(
      'ERR_BINDING',
      `the native addon was built from other sources: expected contracts ${contractsVersion}, got ${String(addon.contracts)}; ${remedy}`,
    )
  }
  const cuda = cudaFile(file)
  addon.cudaFile(cuda.file, cuda.remedy)
  return addon
}
