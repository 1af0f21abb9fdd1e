/** The ranks of a run: processes that run the same program, each on its share of every batch. */
import type { NativeRanks } from '../native/types.js'
import { fields, invalid } from '../options/values.js'

/**
 * This process is one of the ranks of a run, which make the same calls in the same order. `joinRanks` gives it, and `fit` and `compile` take it. Where a rank
 * fails, is killed or stands still, the calls of all others throw ERR_RANK within seconds.
 */
export interface Ranks extends AsyncDisposable {
  /** The number of this process among them is at least 0. */
  readonly rank: number
  /** The number of ranks is at least 1. */
  readonly size: number
  /** The library that carries the bytes is named with its version; 'none' where there is one rank. */
  readonly engine: string
  /** @internal What sessions reduce by; undefined where there is one rank. */
  readonly native: NativeRanks | undefined
  /**
   * Gives what rank 0 gives.
   * @param value - Plain data, as JSON has it.
   * @throws ERR_RANK where another rank has failed.
   */
  same<T>(value: T): Promise<T>
  /**
   * Gives what all ranks give, in their order.
   * @param value - Plain data, as JSON has it.
   * @throws ERR_RANK where another rank has failed.
   */
  gather<T>(value: T): Promise<readonly T[]>
  /**
   * Says what this rank does from now on, for the messages of others.
   * @param what - A phrase such as 'validation of step 14'.
   */
  doing(what: string): void
  /**
   * Ends the calls of all other ranks.
   * @param error - What they are told; of an error its message.
   */
  fail(error: unknown): void
  /**
   * Waits until all ranks leave.
   * @throws ERR_RANK where another rank fails before.
   */
  leave(): Promise<void>
}

/** One process by itself. */
export const alone: Ranks = {
  rank: 0,
  size: 1,
  engine: 'none',
  native: undefined,
  same: (value) => Promise.resolve(value),
  gather: (value) => Promise.resolve([value]),
  doing: () => undefined,
  fail: () => undefined,
  leave: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

/** ERR_OPTION for what is not what `joinRanks` gives. */
export function checkRanks(where: string, value: unknown): Ranks {
  const { rank, size, gather } = fields(value)
  if (typeof rank === 'number' && typeof size === 'number' && typeof gather === 'function') return value as Ranks
  throw invalid(where, 'what joinRanks() gives', value)
}
