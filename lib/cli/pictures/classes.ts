/** What a network makes of each class: how many images are right, and what the others are taken for. */
import { cellsOf, mistakes, readableClasses } from '../confusion.js'
import type { Confusion } from '../json/common.js'
import { percent } from '../output.js'
import { escapeText } from './escape.js'

interface ClassAccuracy {
  readonly name: string
  readonly right: number
  readonly images: number
}

/** Of classes that have test images, the worst first. */
export function accuracies(confusion: Confusion): ClassAccuracy[] {
  const all = confusion.classes.map((name) => ({ name, right: 0, images: 0 }))
  for (const { label, prediction, images } of cellsOf(confusion)) {
    all[label]!.images += images
    if (label === prediction) all[label]!.right += images
  }
  return all.filter(({ images }) => images > 0).sort((a, b) => a.right / a.images - b.right / b.images)
}

/** Of many classes the ends alone are shown. */
const mostBars = 30
const worstBars = 20

export function accuracyBars(confusion: Confusion): string {
  const all = accuracies(confusion)
  if (all.length <= mostBars) return bars(all)
  const best = all.slice(worstBars - mostBars)
  return `<p>The ${worstBars} worst of ${all.length} classes.</p>${bars(all.slice(0, worstBars))}<p>The ${best.length} best.</p>${bars(best)}`
}

function bars(classes: readonly ClassAccuracy[]): string {
  const rows = classes.map(({ name, right, images }) => {
    const share = right / images
    return (
      `<span>${escapeText(name)}</span><span class="track"><i style="width:${(100 * share).toFixed(2)}%"></i></span>` +
      `<span>${percent(share, 1)} <span class="faint">${right} of ${images}</span></span>`
    )
  })
  return `<div class="bars">${rows.join('')}</div>`
}

export function confusionHtml(confusion: Confusion): string {
  const { classes, counts } = confusion
  return counts !== undefined && classes.length <= readableClasses ? confusionTable(classes, counts) : mistakesTable(confusion)
}

function mistakesTable(confusion: Confusion): string {
  const rows = mistakes(confusion).slice(0, 50)
  const cells = rows.map(
    ({ label, predicted, count }) => `<tr><td>${escapeText(label)}</td><td>${escapeText(predicted)}</td><td class="number">${count}</td></tr>`,
  )
  return `<p>The commonest confusions.</p><table><tr><th>label</th><th>predicted</th><th class="number">images</th></tr>${cells.join('')}</table>`
}

/** Rows are labels, columns predictions; the darker, the larger the share of the label's images. */
function confusionTable(classes: readonly string[], counts: NonNullable<Confusion['counts']>): string {
  const head = classes.map((name) => `<th>${escapeText(name)}</th>`).join('')
  const rows = classes.map((name, label) => {
    const row = counts[label]!
    const total = Math.max(
      1,
      row.reduce((sum, value) => sum + value, 0),
    )
    const cells = row.map((value, prediction) => `<td style="background:${shade(value / total, label === prediction)}">${value === 0 ? '' : value}</td>`)
    return `<tr><th>${escapeText(name)}</th>${cells.join('')}</tr>`
  })
  return `<div class="scroll"><table class="matrix"><tr><th>label \\ predicted</th>${head}</tr>${rows.join('')}</table></div>`
}

function shade(share: number, right: boolean): string {
  const alpha = Math.min(1, right ? share * 0.55 : share * 6).toFixed(3)
  return right ? `rgba(42,157,74,${alpha})` : `rgba(216,66,62,${alpha})`
}
