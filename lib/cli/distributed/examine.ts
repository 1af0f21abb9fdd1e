/** `preresnet doctor --distributed`: all ranks look at themselves, and each gets what all have found. */
import { launchOf } from '../../ranks/launch.js'
import type { Ranks } from '../../ranks/ranks.js'
import { defined } from '../../options/values.js'
import type { Distributed } from '../json/distributed.js'
import type { Check } from '../json/doctor.js'
import { size, table } from '../output.js'
import { distributedChecks } from './checks.js'
import { factsOf } from './facts.js'
import { measureReduction } from './reduction.js'

/** `own`: the checks of this rank. */
export async function examineRanks(ranks: Ranks, own: readonly Check[]): Promise<{ checks: readonly Check[]; distributed: Distributed }> {
  const launch = launchOf(process.env)
  const all = await ranks.gather(await factsOf(ranks, own))
  ranks.doing('reduction')
  const reduction = ranks.size > 1 ? await measureReduction(ranks) : undefined
  const measured = reduction && {
    bytes: reduction.bytes,
    right: reduction.wrong.length === 0,
    seconds: reduction.seconds,
    latencySeconds: reduction.latency,
    ...defined({ bytesPerSecond: reduction.bytesPerSecond }),
  }
  return {
    checks: distributedChecks(all, launch, reduction),
    distributed: { ...defined({ launcher: launch?.launcher, reduction: measured }), ranks: all },
  }
}

/** A line for each rank, and what `plan` takes of the network. */
export function rankRows({ ranks, reduction }: Distributed): string {
  const rows = ranks.map(({ rank, host, process, allowedThreads, availableMemory, cpu }) => [
    rank,
    host,
    String(process),
    allowedThreads,
    size(availableMemory),
    cpu,
  ])
  const listed = table(['rank', 'host', 'process', 'threads', 'free memory', 'processor'], rows)
  if (reduction?.bytesPerSecond === undefined) return listed
  const { bytesPerSecond, latencySeconds } = reduction
  const [bandwidth, latency] = [(8 * bytesPerSecond) / 1e9, 1e6 * latencySeconds].map((value) => Number(value.toPrecision(3)))
  return `${listed}\n\nfor preresnet plan --ranks: --network-bandwidth ${bandwidth} --network-latency ${latency}`
}
