// Says whether something built is still what its sources make: a hash of the sources, kept beside what they made.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** All files under `path` (itself, if it is one), sorted, relative to `root`. A path that does not exist has none. */
export function filesUnder(root, path) {
  const stat = statSync(join(root, path), { throwIfNoEntry: false })
  if (stat === undefined) return []
  if (stat.isFile()) return [path]
  return readdirSync(join(root, path))
    .sort()
    .flatMap((name) => filesUnder(root, join(path, name)))
}

/** Hexadecimal digits, of one file's bytes. */
export function sha256Of(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

/** SHA-256 over names and contents of the files under `paths`, and over `facts`: whatever else decides the result. */
export function fingerprint(root, paths, facts = []) {
  const hash = createHash('sha256')
  for (const fact of facts) hash.update(`${fact}\0`)
  for (const file of paths.flatMap((path) => filesUnder(root, path))) {
    const content = readFileSync(join(root, file))
    hash.update(`${file}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}

/** Runs `build` unless `stampFile` holds `value` and every file of `products` exists. Returns whether it ran. */
export async function unlessStamped(stampFile, value, products, build) {
  if (read(stampFile) === value && products.every((file) => statSync(file, { throwIfNoEntry: false }) !== undefined)) return false
  rmSync(stampFile, { force: true }) // an interrupted build leaves no stamp
  await build()
  mkdirSync(dirname(stampFile), { recursive: true })
  writeFileSync(stampFile, value)
  return true
}

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
