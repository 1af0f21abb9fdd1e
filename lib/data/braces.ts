/** Brace notation for the names of shards, as shells and WebDataset have it: `train-{0000..0146}.tar`, `{train,extra}.tar`. */
import { PreresnetError } from '../errors.js'

const most = 1_000_000

/** All names that the text stands for, in its order. Braces without a comma or two dots stay as they are. ERR_OPTION for more than a million. */
export function expandBraces(text: string): string[] {
  const [open, close] = firstBraces(text)
  if (open < 0) return [text]
  const [head, inner, tail] = [text.slice(0, open), text.slice(open + 1, close), text.slice(close + 1)]
  const choices = sequence(inner) ?? splitOutsideBraces(inner).flatMap(expandBraces)
  const ends = expandBraces(tail)
  if (choices.length * ends.length > most) throw tooMany(text)
  return choices.flatMap((choice) => ends.map((end) => `${head}${choice}${end}`))
}

/** The parts between commas that stand in no braces. */
export function splitOutsideBraces(text: string): string[] {
  const parts = ['']
  let depth = 0
  for (const character of text) {
    if (character === '{') depth++
    if (character === '}') depth--
    if (character === ',' && depth === 0) parts.push('')
    else parts.push(`${parts.pop()!}${character}`)
  }
  return parts
}

const range = /^(-?\d+)\.\.(-?\d+)$/

/** Numbers with as many digits as the longer end, where one of them begins with a zero. */
function sequence(inner: string): string[] | undefined {
  const match = range.exec(inner)
  if (match === null) return undefined
  const [first, last] = [Number(match[1]), Number(match[2])]
  const length = Math.abs(last - first) + 1
  if (!(length <= most)) throw tooMany(inner)
  const padded = [match[1]!, match[2]!].some((end) => /^-?0\d/.test(end))
  const digits = padded ? Math.max(...[match[1]!, match[2]!].map((end) => end.replace('-', '').length)) : 0
  return Array.from({ length }, (_, index) => {
    const value = first + (last < first ? -index : index)
    return `${value < 0 ? '-' : ''}${String(Math.abs(value)).padStart(digits, '0')}`
  })
}

/** The first braces that stand for something, [-1, -1] where there are none. */
function firstBraces(text: string): readonly [open: number, close: number] {
  for (let open = text.indexOf('{'); open >= 0; open = text.indexOf('{', open + 1)) {
    let depth = 0
    for (let at = open; at < text.length; at++) {
      if (text[at] === '{') depth++
      if (text[at] === '}' && --depth === 0) {
        const inner = text.slice(open + 1, at)
        if (range.test(inner) || splitOutsideBraces(inner).length > 1) return [open, at]
        break
      }
    }
  }
  return [-1, -1]
}

function tooMany(text: string): PreresnetError {
  return new PreresnetError('ERR_OPTION', `${text.slice(0, 60)}: expected braces that stand for at most ${most} names, got more`)
}
