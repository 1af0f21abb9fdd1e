// Which installed packages a set of packages needs, by the lockfile.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Paths such as node_modules/ava of everything that the packages at `starts` depend on, themselves included. */
export function closure(root, starts) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const found = new Set()
  const visit = (path) => {
    if (found.has(path)) return
    found.add(path)
    const { dependencies = {}, optionalDependencies = {} } = packages[path]
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const folder = resolve(packages, path, name)
      if (folder !== undefined) visit(folder)
      else if (!(name in optionalDependencies)) throw new Error(`package-lock.json: ${path} needs ${name}, which is not locked`)
    }
  }
  starts.forEach(visit)
  return [...found].sort()
}

/** As Node looks for a package: beside the one that asks, then further out. */
function resolve(packages, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    const candidate = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`
    if (candidate in packages) return candidate
    if (folder === '') return undefined
  }
}
