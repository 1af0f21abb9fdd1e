// Sizes that a reader can hold: no file of code of more than 400 lines, no function of more than 80. ESLint says so of JavaScript and TypeScript (eslint.config.mjs);
// this is for C++ and CUDA, whose functions are found by clang-format's indentation.
import { readFileSync } from 'node:fs'

export const MOST_LINES = 400
export const MOST_FUNCTION_LINES = 80

/** A body ends with a brace at no more than two spaces of indentation (`}`, `};`, `});`), and belongs to the last line before it that begins at the same one. */
const END = /^( {0,2})\}(?:;|\);)?$/
const BEGINS = { 0: /^[^\s}#/]/, 1: /^ [^\s}#/]/, 2: /^ {2}[^\s}#/]/ }
/** What holds functions may be long. */
const HOLDER = /^\s*(?:template .*)?\b(?:namespace|class|struct|union|enum|extern)\b[^()]*$/

/** Sentences about a file that is too long, or has a function that is. */
export function tooLong(file) {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const found = lines.length > MOST_LINES ? [`${file}: expected at most ${MOST_LINES} lines, got ${lines.length}`] : []
  for (const [end, line] of lines.entries()) {
    const indentation = END.exec(line)?.[1]
    if (indentation === undefined) continue
    const begin = lines.slice(0, end).findLastIndex((before) => BEGINS[indentation.length].test(before))
    const length = end - begin + 1
    if (begin < 0 || length <= MOST_FUNCTION_LINES || HOLDER.test(lines[begin])) continue
    found.push(`${file}:${begin + 1}: expected a function of at most ${MOST_FUNCTION_LINES} lines, got ${length}`)
  }
  return found
}
