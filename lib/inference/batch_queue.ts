/** What waits is run together, as much as there is: nothing waits for a full batch, unless `maxDelay` says so. */

/** Milliseconds; a longer timer would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1

export interface BatchLimits<T> {
  /** Of one run. */
  readonly most: number
  /** Runs that may be under way at a time. While one is, only a full batch begins: a smaller one would keep out items that come meanwhile. @default 1 */
  readonly runs?: number
  /** Milliseconds that the oldest one waits for a full batch. */
  readonly maxDelay: number
  /** Lets a run begin when there is room for it; what waits is gathered then. @default at once */
  readonly turn?: (run: () => Promise<void>) => Promise<void>
  /** Takes 1 to `most` items and tells them what came of it; never rejects. */
  run(items: readonly T[]): Promise<void>
}

export class BatchQueue<T extends object> {
  readonly #limits: BatchLimits<T>
  /** When each came, in milliseconds. */
  readonly #waiting = new Map<T, number>()
  #woken = false
  #running = 0
  #timer: NodeJS.Timeout | undefined

  constructor(limits: BatchLimits<T>) {
    this.#limits = limits
  }

  get length(): number {
    return this.#waiting.size
  }

  /** Gives what takes the item out again; once its run has begun that does nothing. */
  add(item: T): () => void {
    this.#waiting.set(item, performance.now())
    // In a microtask, so that what is added together runs together.
    if (!this.#woken) queueMicrotask(() => this.#wake())
    this.#woken = true
    return () => {
      this.#waiting.delete(item)
      // A timer would keep the process alive for nothing.
      if (this.#waiting.size === 0) clearTimeout(this.#timer)
    }
  }

  #wake(): void {
    this.#woken = false
    clearTimeout(this.#timer)
    const { most, runs = 1, maxDelay } = this.#limits
    while (this.#running < runs && this.#waiting.size >= most) void this.#next()
    if (this.#running > 0 || this.#waiting.size === 0) return
    const [oldest] = this.#waiting.values()
    const rest = oldest! + maxDelay - performance.now()
    if (rest > 0) this.#timer = setTimeout(() => this.#wake(), Math.min(Math.ceil(rest), LONGEST_TIMER))
    else void this.#next()
  }

  async #next(): Promise<void> {
    this.#running++
    const run = (): Promise<void> => this.#gather()
    await (this.#limits.turn?.(run) ?? run())
    this.#running--
    this.#wake()
  }

  async #gather(): Promise<void> {
    const items = [...this.#waiting.keys()].slice(0, this.#limits.most)
    for (const item of items) this.#waiting.delete(item)
    if (items.length > 0) await this.#limits.run(items)
  }
}
