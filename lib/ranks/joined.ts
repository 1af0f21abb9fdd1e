/** Ranks that an engine connects. */
import type { NativeRanks } from '../native/types.js'
import type { Ranks } from './ranks.js'

const [encoder, decoder] = [new TextEncoder(), new TextDecoder()]

/** Ranks of an engine. What they exchange is JSON: first its length, then the text. */
export class JoinedRanks implements Ranks {
  readonly rank: number
  readonly size: number
  readonly engine: string

  constructor(readonly native: NativeRanks) {
    this.rank = native.rank
    this.size = native.ranks
    // MPICH has a tab in its name.
    this.engine = native.engine.replaceAll(/\s+/g, ' ')
  }

  async same<T>(value: T): Promise<T> {
    const text = this.rank === 0 ? textOf(value) : new Uint8Array()
    const [length] = await this.#lengths(text)
    const bytes = new Uint8Array(length!)
    bytes.set(text)
    return valueIn(await this.native.broadcast(bytes)) as T
  }

  async gather<T>(value: T): Promise<readonly T[]> {
    const text = textOf(value)
    const lengths = await this.#lengths(text)
    const row = Math.max(...lengths)
    const bytes = new Uint8Array(row)
    bytes.set(text)
    const all = await this.native.gather(bytes)
    return lengths.map((length, rank) => valueIn(all.subarray(rank * row, rank * row + length)) as T)
  }

  doing(what: string): void {
    this.native.doing(what)
  }

  fail(error: unknown): void {
    this.native.fail(error instanceof Error ? error.message : String(error))
  }

  leave(): Promise<void> {
    return this.native.leave()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave()
  }

  async #lengths({ length }: Uint8Array): Promise<number[]> {
    const all = await this.native.gather(new Uint8Array(Float64Array.of(length).buffer))
    return [...new Float64Array(all.buffer, all.byteOffset, this.size)]
  }
}

/** JSON has no undefined: a list of nothing stands for it. */
const textOf = (value: unknown): Uint8Array => encoder.encode(JSON.stringify([value].filter((one) => one !== undefined)))

const valueIn = (text: Uint8Array): unknown => (JSON.parse(decoder.decode(text)) as unknown[])[0]
