/** Patterns of parameter and layer names: a path takes everything below it (`stem`, `stages.0`), `*` any characters. */
import { PreresnetError } from '../errors.js'
import { describe, invalid, nearest } from '../options/values.js'

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

const shownNames = 3

/** ERR_PARAMETER with the names that are nearest, as wholes or by their parts; else with some names that there are. */
export function noSuchParameter(where: string, name: unknown, names: readonly string[]): PreresnetError {
  const list = (some: readonly string[]): string => some.map((each) => JSON.stringify(each)).join(' or ')
  const near = typeof name === 'string' ? nearestPaths(name, names) : []
  const rest = names.length > shownNames ? ` (of ${names.length})` : ''
  const hint = near.length > 0 ? `did you mean ${list(near)}?` : `there are such as ${list(names.slice(0, shownNames))}${rest}`
  return new PreresnetError('ERR_PARAMETER', `${where}: no parameter ${typeof name === 'string' ? JSON.stringify(name) : describe(name)}; ${hint}`)
}

/** A few names that `word` is nearest to: as a whole, else to their last parts, else with parts of theirs left out. */
function nearestPaths(word: string, names: readonly string[]): string[] {
  const whole = nearest(word, names)
  if (whole !== undefined) return [whole]
  const count = word.split('.').length
  const shortened = (shorten: (parts: readonly string[]) => readonly string[]): string[] => {
    const short = names.map((name) => shorten(name.split('.')).join('.'))
    const best = nearest(word, short)
    return names.filter((_, index) => short[index] === best).slice(0, shownNames)
  }
  const byEnd = shortened((parts) => parts.slice(-count))
  if (byEnd.length > 0 || count < 2) return byEnd
  // Its first part and the last ones: `stem.weight` of `stem.conv.weight`.
  return shortened((parts) => (parts.length <= count ? parts : [parts[0]!, ...parts.slice(1 - count)]))
}

/** Names and all paths above them. */
function prefixes(names: readonly string[]): Set<string> {
  const paths = new Set<string>()
  for (const name of names) {
    for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1)) paths.add(name.slice(0, end))
  }
  return paths
}
