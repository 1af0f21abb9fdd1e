/** Text for a terminal: names of files may hold what a terminal takes for a command. */

/** Control characters as escapes, but for the ends of lines and tabs. */
export function visible(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, escapeOf)
}

/** All control characters as escapes, for a text that is to be one line. */
export function visibleLine(text: string): string {
  return text.replace(/\p{Cc}/gu, escapeOf)
}

/** A name out of a file, as errors say it: in quotes, and cut where it is long. */
export const quoted = (name: string): string => JSON.stringify(name.length > 100 ? `${name.slice(0, 97)}...` : name)

function escapeOf(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
}
