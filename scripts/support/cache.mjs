// The user's cache folder, where downloads and long builds are kept: another clone finds them there.
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** As the library finds its own where no PRERESNET_CACHE says another; without one, in the repository. */
export function cacheFolder(root) {
  const { XDG_CACHE_HOME = '' } = process.env
  if (isAbsolute(XDG_CACHE_HOME)) return join(XDG_CACHE_HOME, 'preresnet')
  try {
    if (isAbsolute(homedir())) return join(homedir(), '.cache/preresnet')
  } catch {
    // A user without an entry, and no HOME.
  }
  return join(root, 'build/cache/preresnet')
}

/** The folder, filled by `fill` where it is not there yet. It gets its name when it is whole, so what an interrupted run leaves is never taken for it. */
export function keptFolder(folder, fill) {
  if (existsSync(folder)) return folder
  const partial = `${folder}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  fill(partial)
  renameSync(partial, folder)
  return folder
}
