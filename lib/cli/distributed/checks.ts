/** What ranks tell of themselves, compared. */
import type { Launch } from '../../ranks/launch.js'
import type { RankFacts } from '../json/distributed.js'
import type { Check } from '../json/doctor.js'
import { size } from '../output.js'
import type { Reduction } from './reduction.js'

/** What MPI libraries lay into /dev/shm for a rank, with room to spare. */
const sharedMemoryOfRank = 16 * 2 ** 20

/** `launch`: what the launcher's variables say; `reduction`: undefined where there is one rank. */
export function distributedChecks(all: readonly RankFacts[], launch: Launch | undefined, reduction: Reduction | undefined): Check[] {
  const checks = [
    ranksCheck(all, launch),
    same('version', all, ({ version, addon }) => (version === addon ? version : `${version} with an addon of ${addon}`)),
    same('operation contracts', all, ({ contracts }) => String(contracts)),
    same('hash of programs', all, ({ programs }) => programs),
    same('what carries bytes', all, ({ engine }) => engine),
    same('Node', all, ({ node }) => node),
    same('instruction sets', all, ({ instructionSets }) => instructionSets.join(' ')),
    sharedMemoryCheck(all),
    interfacesCheck(all),
    ...all.flatMap(({ rank, host, faults }) => faults.map((fault) => ({ what: `rank ${rank} (${host})`, found: fault, wanted: 'nothing amiss', ok: false }))),
  ]
  return reduction === undefined ? checks : [...checks, reductionCheck(reduction, all)]
}

const hostsOf = (all: readonly RankFacts[]): string[] => [...new Set(all.map(({ host }) => host))]

function ranksCheck(all: readonly RankFacts[], launch: Launch | undefined): Check {
  const hosts = hostsOf(all).length
  const found = `${all.length} on ${hosts} ${hosts === 1 ? 'host' : 'hosts'}`
  if (launch === undefined) return { what: 'ranks', found: `${found}, of no launcher`, wanted: 'mpirun -n 4 npx preresnet doctor --distributed', ok: false }
  return { what: 'ranks', found, wanted: `${launch.ranks} of ${launch.launcher}, at least 2`, ok: all.length === launch.ranks && all.length > 1 }
}

/** Names those who differ from rank 0. */
function same(what: string, all: readonly RankFacts[], of: (facts: RankFacts) => string): Check {
  const expected = of(all[0]!)
  const others = all.filter((facts) => of(facts) !== expected)
  const found = [expected, ...others.map((facts) => `rank ${facts.rank} (${facts.host}): ${of(facts)}`)].join('; ')
  return { what, found, wanted: 'the same on all ranks', ok: others.length === 0 }
}

function sharedMemoryCheck(all: readonly RankFacts[]): Check {
  const rows = hostsOf(all).map((host) => {
    const beside = all.filter((facts) => facts.host === host)
    const free = Math.min(...beside.map(({ sharedMemory }) => sharedMemory?.free ?? 0))
    return { text: `${host}: ${size(free)}`, ok: beside.length === 1 || free >= beside.length * sharedMemoryOfRank }
  })
  // What suffices is not worth a line of a hundred hosts.
  const told = rows.some(({ ok }) => !ok) ? rows.filter(({ ok }) => !ok) : rows.slice(0, 1)
  return {
    what: 'shared memory, free',
    found: told.map(({ text }) => text).join('; '),
    wanted: `${size(sharedMemoryOfRank)} for each rank of a host; in a container --shm-size or --ipc=host`,
    ok: rows.every(({ ok }) => ok),
  }
}

function interfacesCheck(all: readonly RankFacts[]): Check {
  const hosts = hostsOf(all)
  const without = hosts.filter((host) => all.some((facts) => facts.host === host && facts.interfaces.length === 0))
  const ok = hosts.length === 1 || without.length === 0
  const found = ok ? all[0]!.interfaces.map(({ name, address }) => `${name} ${address}`).join(', ') : `none on ${without.join(', ')}`
  return { what: 'network interfaces', found: found === '' ? 'loopback alone' : found, wanted: 'one beside loopback, where there are several hosts', ok }
}

function reductionCheck({ bytes, wrong, seconds, bytesPerSecond }: Reduction, all: readonly RankFacts[]): Check {
  const speed = bytesPerSecond === undefined ? '' : `, ${(bytesPerSecond / 1e6).toFixed(0)} MB/s`
  const names = wrong.map((rank) => `rank ${rank} (${all[rank]!.host})`)
  const found = wrong.length === 0 ? `right, ${(1e3 * seconds).toFixed(2)} ms${speed}` : `wrong on ${names.join(', ')}`
  return { what: `reduction of ${size(bytes)}`, found, wanted: 'the sums of the tree on all ranks', ok: wrong.length === 0 }
}
