/** Which classes are taken for which. */
import type { ConfusionMatrix } from '../runtime/metrics.js'
import type { Confusion } from './json/common.js'
import { table } from './output.js'

/** Beyond this a matrix is no longer readable, and the commonest confusions say more. */
export const readableClasses = 20

export function confusionOf(classes: readonly string[], { classes: size, counts }: ConfusionMatrix): Confusion {
  const names = Array.from({ length: size }, (_, index) => classes[index] ?? String(index))
  return { classes: names, counts: names.map((_, label) => Array.from(counts.subarray(label * size, (label + 1) * size))) }
}

interface Mistake {
  readonly label: string
  readonly predicted: string
  readonly count: number
}

/** The commonest first. */
export function mistakes({ classes, counts }: Confusion): Mistake[] {
  return counts
    .flatMap((row, label) => row.map((count, predicted) => ({ label: classes[label]!, predicted: classes[predicted]!, count, wrong: label !== predicted })))
    .filter(({ wrong, count }) => wrong && count > 0)
    .sort((a, b) => b.count - a.count)
    .map(({ label, predicted, count }) => ({ label, predicted, count }))
}

export function confusionText(confusion: Confusion): string {
  const { classes, counts } = confusion
  if (classes.length <= readableClasses) {
    return table(
      ['label \\ predicted', ...classes],
      classes.map((name, label) => [name, ...counts[label]!]),
    )
  }
  const rows = mistakes(confusion).slice(0, 20)
  return table(
    ['label', 'predicted', 'images'],
    rows.map(({ label, predicted, count }) => [label, predicted, count]),
  )
}
