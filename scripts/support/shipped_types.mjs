// Which files of types a user of the package sees: those that its entries lead to.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** Paths from `root`, of the compiled package. */
export function reachableTypes(root) {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const waiting = Object.values(exports).flatMap(({ types }) => (types === undefined ? [] : [join(root, types)]))
  const seen = new Set()
  while (waiting.length > 0) {
    const file = waiting.pop()
    if (seen.has(file)) continue
    seen.add(file)
    // The compiler writes types that it infers as import("./file.js").Name.
    for (const [, path] of readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*['"](\.[^'"]+)\.js['"]/g)) waiting.push(join(dirname(file), `${path}.d.ts`))
  }
  return [...seen].map((file) => relative(root, file)).sort()
}

/** All files of types in the compiled library. */
export function declarations(root) {
  const all = readdirSync(join(root, 'dist/lib'), { recursive: true, encoding: 'utf8' })
  return all.filter((file) => file.endsWith('.d.ts')).map((file) => join('dist/lib', file))
}

/** Lines of public types that tell of what is not public: `file: line`. */
export function innerWords(root) {
  return reachableTypes(root).flatMap((file) => {
    const lines = readFileSync(join(root, file), 'utf8').split('\n')
    return lines.filter((line) => /@internal|emulat/i.test(line)).map((line) => `${file}: ${line.trim()}`)
  })
}
