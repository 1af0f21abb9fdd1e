// Sizes that a reader can hold: no file of code of more than 400 lines, no function of more than 80. ESLint says so of JavaScript and TypeScript (eslint.config.mjs);
// this is for C++ and CUDA, whose functions are found by clang-format's indentation.
import { readFileSync } from 'node:fs'

export const MOST_LINES = 400
export const MOST_FUNCTION_LINES = 80

/** A body begins on a line of at most two spaces of indentation that ends in a brace, and ends with a brace at the same indentation (`}`, `};`, `});`). */
const BEGIN = /^( {0,2})(?! )(?!.*\b(?:namespace|class|struct|union|enum|extern)\b[^()]*\{$)(?!\}).*\{$/

/** Sentences about a file that is too long, or has a function that is. */
export function tooLong(file) {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const found = lines.length > MOST_LINES ? [`${file}: expected at most ${MOST_LINES} lines, got ${lines.length}`] : []
  for (let begin = 0; begin < lines.length; begin++) {
    const indentation = BEGIN.exec(lines[begin])?.[1]
    if (indentation === undefined) continue
    const end = lines.findIndex((line, index) => index > begin && line.startsWith(`${indentation}}`))
    const length = end - begin + 1
    if (end > 0 && length > MOST_FUNCTION_LINES) found.push(`${file}:${begin + 1}: expected a function of at most ${MOST_FUNCTION_LINES} lines, got ${length}`)
  }
  return found
}
