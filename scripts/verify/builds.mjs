// The speed of this checkout beside another one of the project, both built, in turn: A B A B. What a change costs, or gains.
//   node scripts/verify/builds.mjs OTHER [--addon FILE] [--other-addon FILE] [--rows train-164,infer-164] [--pairs 9] [--seconds 5] [--threads N]
// --addon and --other-addon name what a side loads instead of its own build; OTHER may then be this checkout: `builds.mjs . --addon build/package/x64/Release/preresnet.node`.
// Rows are those of bench/rows.mjs. Ratios are this checkout's images a second by the other's.
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { measurePairs } from '../../bench/driver/pairs.mjs'
import { ours } from '../../bench/driver/sides.mjs'
import { rows, title, trials } from '../../bench/rows.mjs'
import { main, Stop } from '../support/run.mjs'
import { verdict } from './common.mjs'

const CLI = 'dist/lib/cli/main.js'
/** How far below 1 the median may lie. */
const TOLERANCE = 0.03

await main('builds', async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rows: { type: 'string', default: 'train-110,train-164,train-200,infer-110,infer-164,infer-200' },
      pairs: { type: 'string', default: '9' },
      seconds: { type: 'string', default: '5' },
      threads: { type: 'string', default: String(availableParallelism()) },
      addon: { type: 'string' },
      'other-addon': { type: 'string' },
    },
  })
  const [folder, ...rest] = positionals
  if (folder === undefined || rest.length > 0) throw new Stop('expected the folder of one other checkout')
  const other = resolve(folder)
  for (const root of [process.cwd(), other]) if (!existsSync(join(root, CLI))) throw new Stop(`${root} is not built: npm run build`)
  const settings = { pairs: Number(values.pairs), seconds: Number(values.seconds), threads: Number(values.threads), limit: 600, quiet: 0.15 }

  const results = {}
  for (const id of values.rows.split(',')) {
    const row = rows[id] ?? trials[id]
    if (row === undefined) throw new Stop(`expected rows of bench/rows.mjs, got ${JSON.stringify(id)}`)
    console.log(`${id}: ${title(row)}`)
    const side = ours(row, settings)
    const there = { ...side, words: side.words.map((word) => (word === CLI ? join(other, CLI) : word)) }
    const { ratio, pairs } = await measurePairs(
      loading(values.addon, side),
      loading(values['other-addon'], there),
      settings,
      (text) => console.log(`  ${text}`),
      () => undefined,
    )
    results[id] = { ...ratio, pairs: pairs.length }
    console.log(`  ratio ${ratio.median.toFixed(3)} (${ratio.minimum.toFixed(3)} to ${ratio.maximum.toFixed(3)})`)
  }
  // No slower: the median within the tolerance, and not every pair below 1.
  const noSlower = ({ median, maximum }) => median >= 1 - TOLERANCE && maximum >= 1
  verdict({ passed: Object.values(results).every(noSlower), results })
})

function loading(addon, { command, words }) {
  return addon === undefined ? { command, words } : { command: 'env', words: [`PRERESNET_BINDING=${resolve(addon)}`, command, ...words] }
}
