/** `preresnet doctor --distributed`: who is missing, who differs, and whether a reduction is right. */
import test from 'ava'
import { distributedChecks } from '../../lib/cli/distributed/checks.js'
import { examineRanks, rankRows } from '../../lib/cli/distributed/examine.js'
import type { RankFacts } from '../../lib/cli/json/distributed.js'
import type { Check } from '../../lib/cli/json/doctor.js'
import type { Launch } from '../../lib/ranks/launch.js'
import { preresnet } from '../cli/run.js'
import { allOf, together } from '../support/ranks.js'

const launch: Launch = { launcher: 'Open MPI', mpi: true, rank: 0, ranks: 3, local: 0 }
const facts: RankFacts = {
  rank: 0,
  host: 'a',
  process: 10,
  engine: 'Open MPI v4.1.4',
  version: '1.0.0',
  addon: '1.0.0',
  contracts: 20,
  programs: '0123456789ab',
  node: '20.19.0',
  cpu: 'a processor',
  instructionSets: ['avx2', 'avx512'],
  allowedThreads: 2,
  availableMemory: 2 ** 30,
  sharedMemory: { bytes: 2 ** 30, free: 2 ** 29 },
  interfaces: [{ name: 'eth0', address: '10.0.0.1' }],
  faults: [],
}
const three = (changes: Partial<RankFacts>, of = 2): RankFacts[] => [0, 1, 2].map((rank) => ({ ...facts, rank, ...(rank === of && changes) }))
const right = { bytes: 2 ** 20, wrong: [], seconds: 0.002, latency: 1e-4, bytesPerSecond: 1e9 }
const wrongOf = (checks: readonly Check[]): string[] => checks.filter(({ ok }) => !ok).map(({ what, found }) => `${what}: ${found}`)

test('ranks that are alike are right', (t) => {
  t.deepEqual(wrongOf(distributedChecks(three({}), launch, right)), [])
})

const differences = [
  [{ version: '0.9.0', addon: '0.9.0' }, 'version: 1.0.0; rank 2 (a): 0.9.0'],
  [{ addon: '0.9.0' }, 'version: 1.0.0; rank 2 (a): 1.0.0 with an addon of 0.9.0'],
  [{ contracts: 19 }, 'operation contracts: 20; rank 2 (a): 19'],
  [{ programs: 'ba9876543210' }, 'hash of programs: 0123456789ab; rank 2 (a): ba9876543210'],
  [{ engine: 'MPICH' }, 'what carries bytes: Open MPI v4.1.4; rank 2 (a): MPICH'],
  [{ node: '22.0.0' }, 'Node: 20.19.0; rank 2 (a): 22.0.0'],
  [{ instructionSets: ['avx2'] }, 'instruction sets: avx2 avx512; rank 2 (a): avx2'],
  [{ faults: ['Node: expected 20.19 or later, got 18.0.0'] }, 'rank 2 (a): Node: expected 20.19 or later, got 18.0.0'],
  [{ host: 'b', interfaces: [] }, 'network interfaces: none on b'],
  [{ sharedMemory: { bytes: 2 ** 26, free: 2 ** 24 } }, 'shared memory, free: a: 16.0 MiB'],
] as const

for (const [change, expected] of differences) {
  test(`one that differs is named: ${Object.keys(change).join(', ')}`, (t) => t.deepEqual(wrongOf(distributedChecks(three(change), launch, right)), [expected]))
}

test('fewer ranks than the launcher started, one rank, and no launcher', (t) => {
  t.deepEqual(wrongOf(distributedChecks(three({}).slice(0, 2), launch, right)), ['ranks: 2 on 1 host'])
  t.deepEqual(wrongOf(distributedChecks([facts], { ...launch, ranks: 1 }, undefined)), ['ranks: 1 on 1 host'])
  t.deepEqual(wrongOf(distributedChecks([facts], undefined, undefined)), ['ranks: 1 on 1 host, of no launcher'])
})

test('a reduction that is wrong names the ranks that got it', (t) => {
  t.deepEqual(wrongOf(distributedChecks(three({ host: 'b' }), launch, { ...right, wrong: [1, 2] })), ['reduction of 1.0 MiB: wrong on rank 1 (a), rank 2 (b)'])
})

test('three ranks add 1 MiB by the tree, and all know what all have found', async (t) => {
  const all = await allOf(3, (ranks) => examineRanks(ranks, [{ what: 'Node', found: '1', wanted: '2', ok: ranks.rank !== 1 }]), { seed: 5 })
  for (const { checks, distributed } of all) {
    t.deepEqual(
      distributed.ranks.map(({ rank }) => rank),
      [0, 1, 2],
    )
    const { reduction } = distributed
    t.like(reduction, { bytes: 2 ** 20, right: true })
    t.true(reduction!.seconds > 0 && reduction!.latencySeconds > 0)
    // What plan --ranks takes follows where the reduction took longer than a message alone.
    const [listed, network] = rankRows(distributed).split('\n\n')
    t.regex(listed!, /^rank +host +process +threads +free memory +processor\n *0 .+\n *1 .+\n *2 .+$/)
    t.is(network === undefined, reduction!.bytesPerSecond === undefined)
    t.true(wrongOf(checks).some((text) => /^rank 1 \(.+\): Node: expected 2, got 1$/.test(text)))
    t.regex(checks.find(({ what }) => what === 'reduction of 1.0 MiB')!.found, /^right, \d/)
  }
})

test('a rank that stands still is named', async (t) => {
  const results = await together(2, (ranks) => examineRanks(ranks, []), { silence: 1_500, stops: { rank: 1, after: 4 } })
  t.regex(String((results[0] as PromiseRejectedResult).reason), /rank 1 of 2 has said nothing for 1.5 s/)
})

test('doctor --distributed of no launcher: status 1, and how to start it', async (t) => {
  const { status, stdout, stderr } = await preresnet(['doctor', '--distributed'])
  t.is(stderr, '')
  t.is(status, 1)
  t.regex(stdout, /^ranks +1 on 1 host, of no launcher +mpirun -n 4 npx preresnet doctor --distributed +WRONG$/m)
})

test('doctor --distributed where the library for MPI is missing, and with half of a launcher', async (t) => {
  const environment = { OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '2', PRERESNET_MPI: '/nowhere/preresnet_mpi.so' }
  const missing = await preresnet(['doctor', '--distributed'], { env: environment })
  t.is(missing.status, 1)
  t.regex(missing.stderr, /^preresnet: ERR_DEVICE: MPI: .*\/nowhere\/preresnet_mpi\.so.*npx preresnet build --mpi\n$/)
  const half = await preresnet(['doctor', '--distributed'], { env: { OMPI_COMM_WORLD_RANK: '0' } })
  t.is(half.status, 2)
  t.regex(half.stderr, /^preresnet: ERR_OPTION: environment: OMPI_COMM_WORLD_RANK is set and OMPI_COMM_WORLD_SIZE is not.*\n$/)
})
