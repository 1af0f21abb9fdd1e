/** Work on many values, not on all of them at once. */

/** Results in order, of at most `most` pieces of work at a time. After the first failure no more is begun. */
export async function mapLimited<T, R>(values: readonly T[], work: (value: T) => Promise<R>, most = 16): Promise<R[]> {
  const results = new Array<R>(values.length)
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < values.length) {
      const index = next++
      try {
        results[index] = await work(values[index]!)
      } catch (error) {
        next = values.length
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(most, values.length) }, lane))
  return results
}

/** Lets at most `most` pieces of work run at a time; others wait for their turn. */
export function limiter(most: number): <R>(work: () => Promise<R>) => Promise<R> {
  let free = most
  const waiting: (() => void)[] = []
  return async (work) => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free++
      else next()
    }
  }
}
