/** Requests that come while a run is under way wait, and are answered together by the next one. */

interface Waiting<In, Out> {
  readonly value: In
  readonly resolve: (result: Out) => void
  readonly reject: (error: unknown) => void
}

export class BatchQueue<In, Out> {
  readonly #waiting: Waiting<In, Out>[] = []
  #running = false
  #closed: Error | undefined

  /** `run` takes 1 to `most` values and gives a result for each. */
  constructor(
    private readonly most: number,
    private readonly run: (values: readonly In[]) => Promise<readonly Out[]>,
  ) {}

  add(value: In): Promise<Out> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ value, resolve, reject })
      // In a microtask, so that requests made together run together.
      queueMicrotask(() => void this.#drain())
    })
  }

  /** What waits is rejected with `error`, and so is what comes later. */
  close(error: Error): void {
    this.#closed ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(this.#closed)
  }

  async #drain(): Promise<void> {
    if (this.#running) return
    this.#running = true
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, this.most)
      try {
        const results = await this.run(group.map(({ value }) => value))
        group.forEach(({ resolve }, index) => resolve(results[index]!))
      } catch (error) {
        for (const { reject } of group) reject(this.#closed ?? error)
      }
    }
    this.#running = false
  }
}
