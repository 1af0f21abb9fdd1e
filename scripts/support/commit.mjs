// Which sources a result or an archive was made of.
import { output } from './run.mjs'

/** The hash of HEAD, with a word where tracked files differ from it; undefined outside of a git checkout. */
export function commitOf(root) {
  const head = output('git', ['rev-parse', 'HEAD'], { cwd: root })?.trim()
  if (head === undefined) return undefined
  const changed = output('git', ['status', '--porcelain', '--untracked-files=no'], { cwd: root })?.trim()
  return changed ? `${head} with changes` : head
}
