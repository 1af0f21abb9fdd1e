/** Which classes are taken for which. */
import type { ConfusionMatrix } from '../runtime/metrics.js'
import { type Confusion, mostRows } from './json/common.js'
import { table } from './output.js'

/** Beyond this a matrix is no longer readable, and the commonest confusions say more. */
export const readableClasses = 20

export function confusionOf(classes: readonly string[], matrix: ConfusionMatrix): Confusion {
  const { classes: size } = matrix
  const names = Array.from({ length: size }, (_, index) => classes[index] ?? String(index))
  if (size > mostRows) return { classes: names, cells: matrix.cells.map(({ label, guess, count }) => ({ label, prediction: guess, images: count })) }
  return { classes: names, counts: names.map((_, label) => Array.from(matrix.counts.subarray(label * size, (label + 1) * size))) }
}

interface Mistake {
  readonly label: string
  readonly predicted: string
  readonly count: number
}

/** The commonest first. */
export function mistakes(confusion: Confusion): Mistake[] {
  const { classes } = confusion
  return cellsOf(confusion)
    .filter(({ label, prediction }) => label !== prediction)
    .sort((a, b) => b.images - a.images)
    .map(({ label, prediction, images }) => ({ label: classes[label]!, predicted: classes[prediction]!, count: images }))
}

export function cellsOf({ counts = [], cells }: Confusion): NonNullable<Confusion['cells']> {
  return cells ?? counts.flatMap((row, label) => row.map((images, prediction) => ({ label, prediction, images })).filter(({ images }) => images > 0))
}

export function confusionText(confusion: Confusion): string {
  const { classes, counts } = confusion
  if (counts !== undefined && classes.length <= readableClasses) {
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
