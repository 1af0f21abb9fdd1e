/** Pairs of processes that are measured in turn, as bench/run.mjs and scripts/verify/builds.mjs do. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'

interface Side {
  readonly command: string
  readonly words: readonly string[]
}
type Measure = (
  a: Side,
  b: Side,
  settings: { readonly pairs: number; readonly limit: number; readonly quiet: number },
  say: (text: string) => void,
  keep: (result: unknown) => void,
) => Promise<{ readonly ratio: unknown; readonly pairsRunAgain: number }>

const { measurePairs } = (await import(pathToFileURL(join(import.meta.dirname, '../../../bench/driver/pairs.mjs')).href)) as { measurePairs: Measure }

const side = (median: number, parameters = 7): Side => ({
  command: process.execPath,
  words: ['-p', JSON.stringify(JSON.stringify({ median, minimum: 0.9 * median, maximum: median, peakBytes: 1, parameters }))],
})

test('pairs are measured without a clock, and kept one by one', async (t) => {
  const kept: unknown[] = []
  const settings = { pairs: 2, limit: 60, quiet: 0.15 }
  const { ratio, pairsRunAgain } = await measurePairs(
    side(30),
    side(20),
    settings,
    () => undefined,
    (result) => kept.push(result),
  )
  t.deepEqual(ratio, { median: 1.5, minimum: 1.5, maximum: 1.5 })
  t.is(pairsRunAgain, 0)
  t.is(kept.length, 2)
})

test('noisy pairs, and sides that run different networks, are refused', async (t) => {
  const nothing = () => undefined
  await t.throwsAsync(measurePairs(side(30), side(20), { pairs: 1, limit: 60, quiet: 0.05 }, nothing, nothing), { message: /no pair of 3 was quiet/ })
  await t.throwsAsync(measurePairs(side(30), side(20, 8), { pairs: 1, limit: 60, quiet: 0.15 }, nothing, nothing), { message: /different networks: 7 and 8/ })
})
