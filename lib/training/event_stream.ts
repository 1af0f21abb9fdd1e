/**
 * Events for any number of readers, or none. The last `capacity` events are kept; who reads more slowly misses the oldest. So a
 * writer never waits, and nothing piles up.
 */
export class EventStream<T> implements AsyncIterable<T> {
  readonly #capacity: number
  readonly #kept: T[] = []
  /** Number of the first kept event. */
  #first = 0
  #end: { readonly error: unknown } | 'complete' | undefined
  #wake: (() => void)[] = []

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  push(event: T): void {
    if (this.#end !== undefined) return
    this.#kept.push(event)
    // Dropping half at a time keeps a push at constant cost.
    if (this.#kept.length > 2 * this.#capacity) this.#first += this.#kept.splice(0, this.#kept.length - this.#capacity).length
    this.#wakeReaders()
  }

  /** Readers get what is kept, then the end. */
  complete(): void {
    this.#end ??= 'complete'
    this.#wakeReaders()
  }

  /** Readers get what is kept, then the error. */
  fail(error: unknown): void {
    this.#end ??= { error }
    this.#wakeReaders()
  }

  #wakeReaders(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (let next = this.#first; ;) {
      next = Math.max(next, this.#first)
      if (next < this.#first + this.#kept.length) {
        yield this.#kept[next - this.#first]!
        next += 1
      } else if (this.#end === 'complete') return
      else if (this.#end !== undefined) throw this.#end.error
      else await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }
}
