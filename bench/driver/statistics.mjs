export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

export const summary = (values) => ({ median: median(values), minimum: Math.min(...values), maximum: Math.max(...values) })

/** How far the stretches of one process lie apart, as a share of their median. */
export const spread = ({ median: middle, minimum, maximum }) => (maximum - minimum) / middle
