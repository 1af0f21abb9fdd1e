/** Who of those that wait may begin. */

export interface GateLimits {
  /** Things at a time. One of these is for small things alone, if there is more than one. */
  readonly most: number
  /** Largest size of a small thing. */
  readonly small: number
  /** Sizes of all large things at a time, together. One that is larger than that goes without other large ones. */
  readonly budget: number
}

interface Waiting {
  readonly arrival: number
  readonly cost: number
  readonly begin: () => void
}

/**
 * Lets things through in the order they came, but for this: small ones go past large ones that may not begin yet. They take nothing that these wait for: a place that
 * becomes free is for whoever has waited longest and may take it.
 */
export class Gate {
  readonly #limits: GateLimits
  readonly #small: Waiting[] = []
  readonly #large: Waiting[] = []
  #arrivals = 0
  #running = 0
  #largeRunning = 0
  #cost = 0

  constructor(limits: GateLimits) {
    this.#limits = limits
  }

  async pass<T>(size: number, work: () => Promise<T>): Promise<T> {
    const large = size > this.#limits.small
    const cost = large ? Math.min(size, this.#limits.budget) : 0
    await new Promise<void>((begin) => {
      ;(large ? this.#large : this.#small).push({ arrival: this.#arrivals++, cost, begin })
      this.#admit()
    })
    try {
      return await work()
    } finally {
      this.#running--
      if (large) this.#largeRunning--
      this.#cost -= cost
      this.#admit()
    }
  }

  #admit(): void {
    for (let queue = this.#next(); queue !== undefined; queue = this.#next()) {
      const { cost, begin } = queue.shift()!
      this.#running++
      if (queue === this.#large) this.#largeRunning++
      this.#cost += cost
      begin()
    }
  }

  /** Whose first one may begin. */
  #next(): Waiting[] | undefined {
    const { most, budget } = this.#limits
    if (this.#running >= most) return undefined
    const [small, large] = [this.#small[0], this.#large[0]]
    const fits = large !== undefined && this.#largeRunning < Math.max(1, most - 1) && this.#cost + large.cost <= budget
    if (fits && (small === undefined || large.arrival < small.arrival)) return this.#large
    return small === undefined ? undefined : this.#small
  }
}
