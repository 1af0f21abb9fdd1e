/** What each rank tells the others of itself, so that rank 0 can compare them. */
import { createHash } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import { hostname, networkInterfaces } from 'node:os'
import { compilePrograms, serializePrograms } from '../../compiler/compile.js'
import { buildGraph } from '../../graph/index.js'
import { preResNet } from '../../models/index.js'
import { loadBinding } from '../../native/load.js'
import { packageVersion } from '../../package.js'
import type { Ranks } from '../../ranks/ranks.js'
import { updateOptions } from '../../runtime/optimizer.js'
import { sgd } from '../../training/sgd.js'
import type { RankFacts } from '../json/distributed.js'
import type { Check } from '../json/doctor.js'

/** MPI libraries exchange through files here on a machine. */
const sharedMemoryFolder = '/dev/shm'

/** `checks`: what this rank found when it looked at itself. */
export async function factsOf({ rank, size, engine }: Ranks, checks: readonly Check[]): Promise<RankFacts> {
  const { version, contracts, system } = loadBinding()
  const shared = await statfs(sharedMemoryFolder).catch(() => undefined)
  return {
    rank,
    host: hostname(),
    process: process.pid,
    engine,
    version: packageVersion(),
    addon: version,
    contracts,
    programs: await programsHash(size),
    node: process.versions.node,
    cpu: String(system['cpu']),
    instructionSets: system['instructionSets'] as string[],
    allowedThreads: Number(system['allowedThreads']),
    availableMemory: Number(system['availableMemory']),
    ...(shared !== undefined && { sharedMemory: { bytes: shared.blocks * shared.bsize, free: shared.bavail * shared.bsize } }),
    interfaces: addresses(),
    faults: checks.filter(({ ok }) => !ok).map(({ what, found, wanted }) => `${what}: expected ${wanted}, got ${found}`),
  }
}

/** Of a small network's training, which each rank compiles by itself. */
async function programsHash(ranks: number): Promise<string> {
  const graph = buildGraph(preResNet('preresnet-20'))
  const set = await compilePrograms(graph, {
    device: 'cpu',
    precision: 'fp32',
    batch: 8 * ranks,
    programs: ['train', 'evaluate'],
    input: { kind: 'images', height: 32, width: 32, pad: 4, mean: [0, 0, 0], std: [1, 1, 1] },
    loss: { kind: 'crossEntropy', smoothing: 0, softTargets: false },
    update: updateOptions(graph, sgd(), []),
    ...(ranks > 1 && { ranks }),
  })
  return createHash('sha256')
    .update(await serializePrograms(set))
    .digest('hex')
    .slice(0, 12)
}

/** Addresses by which other machines may reach this one. */
function addresses(): RankFacts['interfaces'] {
  return Object.entries(networkInterfaces()).flatMap(([name, list]) =>
    (list ?? []).filter(({ internal }) => !internal).map(({ address }) => ({ name, address })),
  )
}
