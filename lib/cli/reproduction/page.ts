/** The finished table as one HTML page, which loads nothing. */
import { escapeText } from '../pictures/escape.js'
import { type Outcome, outcomeCells, outcomeHead, remarksOf } from './outcome.js'

export function reproductionPage(title: string, outcomes: readonly Outcome[]): string {
  const line = (tag: 'td' | 'th', cells: readonly string[]): string => `<tr>${cells.map((cell) => `<${tag}>${escapeText(cell)}</${tag}>`).join('')}</tr>`
  const remarks = remarksOf(outcomes).map((remark) => `<li>${escapeText(remark)}</li>`)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeText(title)}</title>
<style>body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse } td, th { padding: 2px 8px; border: 1px solid #ddd; text-align: left }</style></head>
<body><h1>${escapeText(title)}</h1>
<p>Test error in percent, top-1 or top-1 / top-5. The paper's CIFAR figures are medians of five runs.</p>
${remarks.length === 0 ? '' : `<ul>${remarks.join('')}</ul>\n`}<table>${line('th', outcomeHead)}${outcomes.map((outcome) => line('td', outcomeCells(outcome))).join('\n')}</table>
</body></html>
`
}
