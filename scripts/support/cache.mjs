// The user's cache folder, where downloads and long builds are kept: another clone finds them there.
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** As the library finds its own; without one, in the repository. */
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
