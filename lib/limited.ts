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
