// Pairs in turn, A B A B: what disturbs the machine for a while meets both sides.
import { Stop } from '../../scripts/support/run.mjs'
import { startClock } from './clock.mjs'
import { run } from './sides.mjs'
import { spread, summary } from './statistics.mjs'

/**
 * A pair of which one side's own stretches lie further apart than `quiet` is run again; at most three times as many pairs are run as
 * are wanted. Calls `keep` with the result so far after every pair. before: such a result, whose pairs count; clock: says
 * when to stop, without one it takes as long as it takes.
 */
export async function measurePairs(a, b, { pairs, limit, quiet, clock = startClock() }, say, keep, before) {
  const kept = before === undefined ? [] : before.pairs.map((pair) => ({ a: { ...before.a, ...pair.a }, b: { ...before.b, ...pair.b } }))
  let again = before?.pairsRunAgain ?? 0
  while (kept.length < pairs && again <= 2 * pairs) {
    const pair = await clock.within(async () => ({ a: await run(a, { limit }), b: await run(b, { limit }) }))
    if (pair.a.parameters !== pair.b.parameters) {
      throw new Stop(`the two sides run different networks: ${pair.a.parameters} and ${pair.b.parameters} parameters`)
    }
    const noise = Math.max(spread(pair.a), spread(pair.b))
    const calm = noise <= quiet
    if (calm) kept.push(pair)
    else again++
    say(
      `${pair.a.median.toFixed(2)} : ${pair.b.median.toFixed(2)} = ${(pair.a.median / pair.b.median).toFixed(3)}${calm ? '' : `, spread ${(100 * noise).toFixed(0)} %: again`}`,
    )
    if (kept.length > 0) keep(result(kept, again, pairs))
  }
  if (kept.length === 0) throw new Stop(`no pair of ${again} was quiet: the machine is busy with something else`)
  return result(kept, again, pairs)
}

function result(kept, again, wanted) {
  const side = (name) => ({
    imagesPerSecond: summary(kept.map((pair) => pair[name].median)),
    peakBytes: summary(kept.map((pair) => pair[name].peakBytes)),
    precision: kept[0][name].precision,
    threads: kept[0][name].threads,
  })
  return {
    ratio: summary(kept.map(({ a, b }) => a.median / b.median)),
    a: side('a'),
    b: side('b'),
    pairs: kept.map(({ a, b }) => ({ a: figures(a), b: figures(b) })),
    pairsWanted: wanted,
    pairsRunAgain: again,
  }
}

const figures = ({ imagesPerSecond, median, minimum, maximum, steps, peakBytes }) => ({ imagesPerSecond, median, minimum, maximum, steps, peakBytes })
