/** The finished table as one HTML page, which loads nothing. */
import { escapeText } from '../pictures/escape.js'
import { htmlPage, section } from '../pictures/page.js'
import type { Figure } from './figures.js'
import { numberColumns, type Outcome, outcomeCells, outcomeHead, remarksOf } from './outcome.js'

export function reproductionPage(title: string, outcomes: readonly Outcome[], figures: readonly Figure[]): string {
  const line = (tag: 'td' | 'th', cells: readonly string[]): string =>
    `<tr>${cells.map((cell, column) => `<${tag}${numberColumns.includes(outcomeHead[column]!) ? ' class="number"' : ''}>${escapeText(cell)}</${tag}>`).join('')}</tr>`
  const remarks = remarksOf(outcomes).map((remark) => `<li>${escapeText(remark)}</li>`)
  return htmlPage(title, [
    "<p>Test error in percent, top-1 or top-1 / top-5. The paper's CIFAR figures are medians of five runs.</p>",
    remarks.length === 0 ? '' : `<ul>${remarks.join('')}</ul>`,
    `<div class="scroll"><table>${line('th', outcomeHead)}${outcomes.map((outcome) => line('td', outcomeCells(outcome))).join('\n')}</table></div>`,
    ...figures.map(({ heading, svg }) => section(heading, svg)),
  ])
}
