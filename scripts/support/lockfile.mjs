// Does node_modules hold what package-lock.json says? npm leaves a record of what it installed, so no stamp of our own is needed.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Every locked package is installed in its locked version (optional ones may be absent), and nothing else is. */
export function matchesLockfile(root) {
  let installed
  try {
    installed = packages(join(root, 'node_modules/.package-lock.json'))
  } catch {
    return false
  }
  const locked = packages(join(root, 'package-lock.json'))
  for (const [path, { version, integrity, optional }] of locked) {
    const found = installed.get(path)
    if (found === undefined ? !optional : found.version !== version || found.integrity !== integrity) return false
  }
  return [...installed.keys()].every((path) => locked.has(path))
}

function packages(file) {
  return new Map(Object.entries(JSON.parse(readFileSync(file, 'utf8')).packages).filter(([path]) => path !== ''))
}
