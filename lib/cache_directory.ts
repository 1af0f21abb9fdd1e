/** Where what was found out once is kept. */
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/**
 * $PRERESNET_CACHE, else $XDG_CACHE_HOME/preresnet, else ~/.cache/preresnet; undefined where none of them is an absolute path. A relative one would put a folder
 * into whatever directory the process works in.
 */
export function cacheDirectory(): string | undefined {
  const own = process.env['PRERESNET_CACHE'] ?? ''
  if (own !== '') return isAbsolute(own) ? own : undefined
  const shared = process.env['XDG_CACHE_HOME'] ?? ''
  if (isAbsolute(shared)) return join(shared, 'preresnet')
  const home = homeDirectory()
  return isAbsolute(home) ? join(home, '.cache', 'preresnet') : undefined
}

/** '' where there is none: a container may run under a user who has no entry, without HOME. */
function homeDirectory(): string {
  try {
    return homedir()
  } catch {
    return ''
  }
}
