// Checks the comments of public names: what the entries of package.json export, and the members of those types. Each is a whole sentence and has its parts:
// unit and range of a number, shape of an array, default of an option, parameters and errors of a function, and the paper's section where the name is from it.
//   node scripts/comments.mjs      lib/contracts.ts has to be there (npm run build)
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publicNames } from './comments/names.mjs'
import { complaints } from './comments/rules.mjs'
import { main, Stop } from './support/run.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Files whose comments are not all there yet. A file that has become right must leave the list. */
const UNFINISHED = ['lib/runtime/session.ts']

await main('comments', () => {
  const { names, program } = publicNames(root)
  const found = names.map((name) => ({ file: name.file, sentences: complaints(name, program) }))
  const wrong = found.filter(({ file }) => !UNFINISHED.includes(file)).flatMap(({ sentences }) => sentences)
  const right = UNFINISHED.filter((file) => found.every((name) => name.file !== file || name.sentences.length === 0))
  const all = [...wrong, ...right.map((file) => `scripts/comments.mjs: UNFINISHED: expected only files that lack something, got ${file}`)]
  if (all.length > 0) throw new Stop(`${all.join('\n')}\n${all.length} comments of ${names.length} public names lack something`)
})
