// Checks the comments of public names: what the entries of package.json export, and the members of those types. Each is a whole sentence and has its parts:
// unit and range of a number, shape of an array, default of an option, parameters and errors of a function, and the paper's section where the name is from it.
//   node scripts/comments.mjs      lib/contracts.ts has to be there (npm run build)
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publicNames } from './comments/names.mjs'
import { complaints } from './comments/rules.mjs'
import { main, Stop } from './support/run.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

await main('comments', () => {
  const { names, program } = publicNames(root)
  const all = names.flatMap((name) => complaints(name, program))
  if (all.length > 0) throw new Stop(`${all.join('\n')}\n${all.length} comments of ${names.length} public names lack something`)
})
