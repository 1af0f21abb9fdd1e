/** The processor's cores, which the classifiers of a process share: runs that want more threads than there are take turns, rather than hinder each other. */
import { loadBinding } from '../native/load.js'

export class Cores {
  readonly #all: number
  #free: number
  readonly #waiting: { readonly threads: number; readonly begin: () => void }[] = []

  constructor(all: number) {
    this.#all = all
    this.#free = all
  }

  /** In the order in which they came. `threads`: 0 for all. */
  async take(threads: number, work: () => Promise<void>): Promise<void> {
    const taken = threads === 0 ? this.#all : Math.min(threads, this.#all)
    await new Promise<void>((begin) => {
      this.#waiting.push({ threads: taken, begin })
      this.#admit()
    })
    try {
      await work()
    } finally {
      this.#free += taken
      this.#admit()
    }
  }

  #admit(): void {
    for (let [next] = this.#waiting; next !== undefined && next.threads <= this.#free; [next] = this.#waiting) {
      this.#waiting.shift()
      this.#free -= next.threads
      next.begin()
    }
  }
}

let shared: Cores | undefined

/** Those of this thread of JavaScript. */
export function sharedCores(): Cores {
  return (shared ??= new Cores(Number(loadBinding().system['allowedThreads'])))
}
