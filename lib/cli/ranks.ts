/** A command that several processes run together: rank 0 alone talks, and whoever fails tells the others. */
import { hostname } from 'node:os'
import { joinRanks } from '../ranks/join.js'
import { ranksOptions } from '../ranks/options.js'
import type { Ranks } from '../ranks/ranks.js'
import { untilAllLeave } from '../ranks/work.js'
import { loadBinding } from '../native/load.js'
import { PreresnetError } from '../errors.js'
import { integersOption, type ValuesOf } from '../options/spec.js'
import { runTogether, speakAs } from './failure.js'
import { fromFlags } from './flags.js'

/** Of commands that show where a run is. */
export const logRankOptions = {
  logRank: integersOption({
    group: 'Ranks',
    help: 'ranks that print their progress; lines of ranks above 0 begin with their number',
    unit: null,
    minimum: 0,
    fallback: [0],
  }),
}

/** Joins the ranks that the launcher's variables tell of, does the work, and leaves when all have done it. */
export async function amongRanks(values: ValuesOf<typeof ranksOptions>, work: (ranks: Ranks) => Promise<number>): Promise<number> {
  runTogether()
  const ranks = await joinRanks(fromFlags(ranksOptions, values))
  if (ranks.size > 1) speakAs(ranks)
  return untilAllLeave(ranks, work)
}

/** Threads of this rank, where nobody says how many: its share of what the machine allows. */
export async function threadsOf(ranks: Ranks): Promise<number> {
  const hosts = await ranks.gather(hostname())
  const beside = hosts.filter((host) => host === hosts[ranks.rank]).length
  return Math.max(1, Math.floor((loadBinding().system['allowedThreads'] as number) / beside))
}

/** Whether this rank prints its progress. ERR_OPTION for a rank that is not there. */
export function logs({ rank, size }: Ranks, { logRank }: ValuesOf<typeof logRankOptions>): boolean {
  const beyond = logRank.find((other) => other >= size)
  if (beyond === undefined) return logRank.includes(rank)
  throw new PreresnetError('ERR_OPTION', `--log-rank: expected ranks from 0 to ${size - 1}, got ${beyond}`)
}
