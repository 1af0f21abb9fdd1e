/** A small reduction, by the operation that adds gradients in a training: whether it is right, and how long it takes. */
import type { ProgramSet } from '../../compiler/program.js'
import { contractsVersion } from '../../contracts.js'
import { loadBinding } from '../../native/load.js'
import type { NativeSession } from '../../native/types.js'
import type { Ranks } from '../../ranks/ranks.js'

/** 1 MiB. */
const LARGE = 2 ** 18
/** One cache line: nothing but the exchanges themselves takes time. */
const SMALL = 16
const TIMES = 9
/** Of so many elements one is compared; a prime number, so that they fall on every place of a cache line. */
const COMPARED = 61
/** Exchanges of a reduction of one bucket: which step all are at, parts to whom adds them, sums to all. */
const EXCHANGES = 3

export interface Reduction {
  readonly bytes: number
  /** Ranks whose sums are not what the tree over the ranks' values gives. */
  readonly wrong: readonly number[]
  /** Medians of the slowest rank. */
  readonly seconds: number
  /** Of an exchange of a few bytes. */
  readonly latency: number
  /** What a rank sends, by the time beyond that of as many small exchanges; undefined where that is none. */
  readonly bytesPerSecond: number | undefined
}

/** Every rank calls it, and all get the same. There are at least two. */
export async function measureReduction(ranks: Ranks): Promise<Reduction> {
  const large = await timed(ranks, LARGE)
  const small = await timed(ranks, SMALL)
  const all = await ranks.gather({ right: large.right && small.right, large: large.seconds, small: small.seconds })
  const slowest = (key: 'large' | 'small'): number => Math.max(...all.map((one) => one[key]))
  const [seconds, least] = [slowest('large'), slowest('small')]
  const bytes = 4 * LARGE
  const sent = (2 * (ranks.size - 1) * bytes) / ranks.size
  return {
    bytes,
    wrong: all.flatMap(({ right }, rank) => (right ? [] : [rank])),
    seconds,
    latency: least / EXCHANGES,
    bytesPerSecond: seconds > least ? sent / (seconds - least) : undefined,
  }
}

async function timed(ranks: Ranks, elements: number): Promise<{ right: boolean; seconds: number }> {
  const session = await loadBinding().createSession(JSON.stringify(programs(elements, ranks.size)), { threads: 1, ranks: ranks.native! })
  try {
    await session.allocate()
    await session.write(
      'gradients',
      Float32Array.from({ length: elements }, (_, index) => valueOf(ranks.rank, index)),
    )
    await run(session, 1)
    const right = isRight(await session.readFloats('gradients', new Float32Array(elements)), ranks.size)
    await session.write('gradients', new Float32Array(elements))
    return { right, seconds: await run(session, TIMES) }
  } finally {
    await session.dispose()
  }
}

/** The median of the steps' seconds. */
async function run(session: NativeSession, steps: number): Promise<number> {
  const { rows } = await session.run('train', { steps, seed: 0, firstStep: 0, learningRates: new Float64Array() })
  const seconds = Array.from({ length: steps }, (_, step) => rows[6 * step + 5]!)
  return seconds.sort((a, b) => a - b)[steps >> 1]!
}

/** A program of one operation. */
function programs(elements: number, ranks: number): ProgramSet {
  return {
    format: 1,
    contracts: contractsVersion,
    network: 'reduction',
    device: 'cpu',
    precision: 'fp32',
    arenas: { gradients: 4 * elements },
    tensors: [{ name: 'gradients', dtype: 'f32', layout: 'plain', shape: [elements], arena: 'gradients', offset: 0, bytes: 4 * elements }],
    programs: {
      train: {
        name: 'train',
        batch: 1,
        operations: [
          {
            op: 'all_reduce',
            name: 'all_reduce',
            fused: ['all_reduce'],
            phase: 'update',
            operands: { gradients: 0 },
            attributes: { ranks, offsets: [0], lengths: [elements] },
          },
        ],
      },
    },
  }
}

/** Other on each rank, and rounded in another way for each order of additions. */
function valueOf(rank: number, index: number): number {
  return Math.fround(((rank * 7919 + index * 104_729) % 10_007) / 10_007 - 0.5)
}

function isRight(sums: Float32Array, ranks: number): boolean {
  for (let index = 0; index < sums.length; index += COMPARED) {
    if (sums[index] !== treeSum(Array.from({ length: ranks }, (_, rank) => valueOf(rank, index)))) return false
  }
  return true
}

/** By the balanced tree: neighbors first, then the pairs. */
function treeSum(values: readonly number[]): number {
  let row = values
  while (row.length > 1) {
    const pairs: number[] = []
    for (let index = 0; index < row.length; index += 2) pairs.push(index + 1 < row.length ? Math.fround(row[index]! + row[index + 1]!) : row[index]!)
    row = pairs
  }
  return row[0]!
}
