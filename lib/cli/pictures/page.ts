/** A run as one self-contained HTML page: it loads nothing and needs no script. */
import { mistakes, readableClasses } from '../confusion.js'
import type { Confusion } from '../json/common.js'
import { type Curves, curvesSvg } from './curves.js'
import { escapeText } from './escape.js'

export interface RunPage {
  readonly title: string
  /** The line under the title. */
  readonly headline: string
  readonly curves: Curves
  /** Nested values are shown by their paths. */
  readonly manifest: unknown
  readonly confusion?: Confusion
  /** More pictures, as SVG documents, each under its heading. */
  readonly pictures?: readonly { readonly heading: string; readonly svg: string }[]
}

export async function runPage(run: RunPage): Promise<string> {
  const sections = [
    run.curves.loss.length + run.curves.error.length > 0
      ? section(
          'Curves',
          `${curvesSvg(run.curves)}<p>Dashed: training loss (left, logarithmic). Solid: test error (right); test accuracy is the rest up to 100 %. Over iterations.</p>`,
        )
      : section('Curves', '<p>No step was logged.</p>'),
    ...(run.pictures ?? []).map(({ heading, svg }) => section(heading, svg)),
    run.confusion === undefined ? '' : section('Confusion matrix', confusionHtml(run.confusion)),
    section('Manifest', manifestTable(run.manifest)),
  ]
  const title = escapeText(run.title)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${style}</style></head>
<body><h1>${title}</h1><p>${escapeText(run.headline)}</p>
${sections.join('\n')}
</body></html>
`
}

const style = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
svg { max-width: 100%; height: auto }
table { border-collapse: collapse; font-size: 13px } td, th { padding: 2px 8px; border: 1px solid #ddd; text-align: left; vertical-align: top }
.matrix td { text-align: right; font-variant-numeric: tabular-nums } .manifest td:last-child { word-break: break-all }
.scroll { overflow-x: auto }
`

function section(heading: string, body: string): string {
  return `<section><h2>${escapeText(heading)}</h2>${body}</section>`
}

function confusionHtml(confusion: Confusion): string {
  const { classes, counts } = confusion
  return counts !== undefined && classes.length <= readableClasses ? confusionTable(classes, counts) : mistakesTable(confusion)
}

function mistakesTable(confusion: Confusion): string {
  const rows = mistakes(confusion).slice(0, 50)
  const cells = rows.map(({ label, predicted, count }) => `<tr><td>${escapeText(label)}</td><td>${escapeText(predicted)}</td><td>${count}</td></tr>`)
  return `<p>The commonest confusions.</p><table><tr><th>label</th><th>predicted</th><th>images</th></tr>${cells.join('')}</table>`
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
  const alpha = Math.min(1, right ? share * 0.7 : share * 6).toFixed(3)
  return right ? `rgba(27,120,55,${alpha})` : `rgba(178,24,43,${alpha})`
}

function manifestTable(manifest: unknown): string {
  const rows = flatten('', manifest).map(([path, value]) => `<tr><td>${escapeText(path)}</td><td>${escapeText(value)}</td></tr>`)
  return `<table class="manifest">${rows.join('')}</table>`
}

/** Longer values say nothing to people: a network's description would fill the page. */
const longest = 300

function flatten(path: string, value: unknown): (readonly [string, string])[] {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  if (value === undefined) return []
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [[path, text.length > longest ? `${text.slice(0, longest)}...` : text]]
  return Object.entries(value).flatMap(([key, inner]) => flatten(path === '' ? key : `${path}.${key}`, inner))
}
