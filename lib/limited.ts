/** Work on many values, not on all of them at once. */

/** Work on each index below `count`, at most `most` pieces at a time. After the first that fails or says 'enough' no more is begun. */
export async function eachIndex(count: number, work: (index: number) => Promise<unknown>, most = 16): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) {
      try {
        if ((await work(next++)) === 'enough') next = count
      } catch (error) {
        next = count
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(most, count) }, lane))
}

/** Results in order, of at most `most` pieces of work at a time. After the first failure no more is begun. */
export async function mapLimited<T, R>(values: readonly T[], work: (value: T) => Promise<R>, most = 16): Promise<R[]> {
  const results = new Array<R>(values.length)
  const keep = async (index: number): Promise<void> => {
    results[index] = await work(values[index]!)
  }
  await eachIndex(values.length, keep, most)
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
