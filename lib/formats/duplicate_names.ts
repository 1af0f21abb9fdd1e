/** Names that stand twice in one object of a JSON text. JSON.parse takes the last of them without a word. */

/** A string with the colon that makes it a name, another string, or a bracket; all else lies between. */
const token = /("(?:[^"\\]|\\.)*")(\s*:)?|[[\]{}]/g

/** The first such name; undefined where there is none. `text` must be JSON. */
export function duplicateName(text: string): string | undefined {
  /** Names of the objects that are open at a place of the text. Arrays have an entry too, which stays empty. */
  const open: Set<string>[] = []
  for (const [bracket, string, colon] of text.matchAll(token)) {
    if (bracket === '{' || bracket === '[') open.push(new Set())
    else if (bracket === '}' || bracket === ']') open.pop()
    else if (colon !== undefined) {
      const name = JSON.parse(string!) as string
      const names = open.at(-1)!
      if (names.has(name)) return name
      names.add(name)
    }
  }
  return undefined
}
