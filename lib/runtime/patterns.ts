/** Patterns of parameter and layer names: a path takes everything below it (`stem`, `stages.0`), `*` any characters. */
import { PreresnetError } from '../errors.js'
import { invalid, nearest } from '../options.js'

export function matches(pattern: string, name: string): boolean {
  if (!pattern.includes('*')) return name === pattern || name.startsWith(`${pattern}.`)
  const expression = pattern
    .split('*')
    .map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
    .join('.*')
  return new RegExp(`^${expression}$`).test(name)
}

/** The names that any pattern takes. A pattern that takes none is an error: it would silently do nothing. */
export function select(where: string, patterns: readonly string[], names: readonly string[]): Set<string> {
  if (!Array.isArray(patterns)) throw invalid(where, 'a list of names or patterns', patterns)
  const selected = new Set<string>()
  for (const pattern of patterns as readonly unknown[]) {
    if (typeof pattern !== 'string' || pattern === '') throw invalid(where, 'names or patterns that are not empty', pattern)
    const taken = names.filter((name) => matches(pattern, name))
    if (taken.length === 0) {
      const near = nearest(pattern, prefixes(names))
      throw new PreresnetError(
        'ERR_OPTION',
        `${where}: nothing matches ${JSON.stringify(pattern)}${near === undefined ? '' : `; did you mean ${JSON.stringify(near)}?`}`,
      )
    }
    for (const name of taken) selected.add(name)
  }
  return selected
}

/** Names and all paths above them. */
function prefixes(names: readonly string[]): Set<string> {
  const paths = new Set<string>()
  for (const name of names) {
    for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1)) paths.add(name.slice(0, end))
  }
  return paths
}
