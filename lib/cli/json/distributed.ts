/** What `doctor --distributed` says beyond what `doctor` says. */
import { bytes } from './common.js'
import { flag, integer, list, number, object, optional, text, type ValueOf } from './field.js'

const rankField = object('One rank, as it sees itself.', {
  rank: integer({ help: 'Its number.', unit: null, minimum: 0 }),
  host: text('Name of its machine.'),
  process: integer({ help: 'Its process.', unit: null, minimum: 1 }),
  engine: text('Library that carries bytes between ranks, with its version; `none` where there is one rank.'),
  version: text('Version of the package.'),
  addon: text('Version of the native addon.'),
  contracts: integer({ help: 'Version of the contracts of operations.', unit: null, minimum: 1 }),
  programs: text("Beginning of a hash of a small network's programs, as this rank compiles them."),
  node: text('Version of Node.'),
  cpu: text('Model of the processor.'),
  instructionSets: list('Instruction sets that vector code can use.', text('Its name, as `avx2`.')),
  allowedThreads: integer({ help: 'Threads that it may use.', unit: 'threads', minimum: 1 }),
  availableMemory: bytes('Memory of its machine that is free now.'),
  sharedMemory: optional(
    object('The folder /dev/shm, through which MPI libraries exchange on a machine.', { bytes: bytes('Its size.'), free: bytes('What of it is free.') }),
    'where there is none',
  ),
  interfaces: list(
    'Addresses of its network interfaces, loopback left out.',
    object('One address.', { name: text('Name of the interface.'), address: text('Its address.') }),
  ),
  faults: list('What it found amiss when it looked at itself.', text('One fault.')),
})
export type RankFacts = ValueOf<typeof rankField>

export const distributedField = object('The ranks of a run, by `--distributed`.', {
  launcher: optional(text('Who started them, by the variables of the environment.'), 'where nobody did'),
  ranks: list('All ranks, in their order.', rankField),
  reduction: optional(
    object('A reduction as those of gradients; times are those of the slowest rank.', {
      bytes: bytes('What each rank gave.'),
      right: flag('Whether all ranks got the sums of the tree.'),
      seconds: number({ help: 'Median time of it.', unit: 'seconds', minimum: 0 }),
      latencySeconds: number({ help: 'Time of an exchange of a few bytes: `--network-latency` of `plan`.', unit: 'seconds', minimum: 0 }),
      bytesPerSecond: optional(
        number({ help: 'What a rank sends, by the time beyond that of small exchanges: `--network-bandwidth` of `plan`.', unit: 'bytes a second', minimum: 0 }),
        'where it took no longer than a small one',
      ),
    }),
    'where there is one rank',
  ),
})
export type Distributed = ValueOf<typeof distributedField>
