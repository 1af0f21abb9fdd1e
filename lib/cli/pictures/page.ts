/** A run as one self-contained HTML page: it loads nothing and needs no script. */
import type { ProbeLine } from '../../training/probes.js'
import type { Confusion } from '../json/common.js'
import { percent } from '../output.js'
import { accuracyBars, confusionHtml } from './classes.js'
import { curvesSvg, type Curves } from './curves.js'
import { depthsSvg } from './depths.js'
import { escapeText } from './escape.js'
import { paceSvg, rateSvg, type Pace } from './pace.js'
import { pageStyle } from './theme.js'

/** A mistake, as `mistakes.json` of a run keeps it. */
export interface ShownMistake {
  /** Address of the picture, with the picture in it. */
  readonly image: string
  readonly label: string
  readonly predicted: string
  readonly probability: number
}

export interface RunPage {
  readonly title: string
  /** The line under the title. */
  readonly headline: string
  /** The most important figures, each with its name. */
  readonly figures: readonly (readonly [name: string, value: string])[]
  /** What was trained and how, in words. */
  readonly words: readonly (readonly [name: string, text: string])[]
  readonly curves: Curves
  readonly pace: readonly Pace[]
  /** Nested values are shown by their paths. */
  readonly manifest: unknown
  readonly confusion?: Confusion
  readonly mistakes?: { readonly of: number; readonly shown: readonly ShownMistake[] }
  readonly probe: readonly ProbeLine[]
  /** More pictures, as SVG documents, each under its heading. */
  readonly pictures?: readonly { readonly heading: string; readonly svg: string }[]
}

export function runPage(run: RunPage): string {
  const { curves, pace, confusion, mistakes } = run
  const logged = curves.loss.length + curves.error.length > 0
  return htmlPage(run.title, [
    `<p>${escapeText(run.headline)}</p>`,
    `<div class="tiles">${run.figures.map(([name, value]) => `<div class="tile"><b>${escapeText(value)}</b><span>${escapeText(name)}</span></div>`).join('')}</div>`,
    section('Loss and error', logged ? curvesSvg(curves) : '<p>No step was logged.</p>'),
    run.words.length === 0 ? '' : section('What was trained', wordsTable(run.words)),
    confusion === undefined ? '' : section('Accuracy of each class', accuracyBars(confusion)),
    mistakes === undefined || mistakes.shown.length === 0 ? '' : section('The most certain mistakes', mistakesHtml(mistakes)),
    confusion === undefined ? '' : section('Confusion matrix: which classes are taken for which', confusionHtml(confusion)),
    ...(run.pictures ?? []).map(({ heading, svg }) => section(heading, svg)),
    run.probe.length === 0 ? '' : section('Signals and gradients by depth', depthsSvg([{ name: run.title, lines: run.probe }])),
    pace.length === 0 ? '' : section('Learning rate', rateSvg(pace)),
    pace.length === 0 ? '' : section('Speed', paceSvg(pace)),
    `<details><summary>Everything that the manifest says</summary>${manifestTable(run.manifest)}</details>`,
  ])
}

export function htmlPage(title: string, parts: readonly string[]): string {
  const name = escapeText(title)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${name}</title><style>${pageStyle}</style></head>
<body><h1>${name}</h1>
${parts.filter((part) => part !== '').join('\n')}
</body></html>
`
}

export function section(heading: string, body: string): string {
  return `<section><h2>${escapeText(heading)}</h2>${body}</section>`
}

export function wordsTable(words: RunPage['words']): string {
  return `<table class="words">${words.map(([name, text]) => `<tr><th>${escapeText(name)}</th><td>${escapeText(text)}</td></tr>`).join('')}</table>`
}

function mistakesHtml({ of, shown }: NonNullable<RunPage['mistakes']>): string {
  const figures = shown.map(
    ({ image, label, predicted, probability }) =>
      `<figure><img src="${escapeText(image)}" alt="${escapeText(label)}"><figcaption><span class="wrong">${escapeText(predicted)}</span><br>` +
      `<span class="faint">${percent(probability, 1)}</span><br>is <span class="right">${escapeText(label)}</span></figcaption></figure>`,
  )
  return `<p class="faint">Of ${of} wrong test images that were looked at again, those of whose class the network was most certain: what it said, and what it is.</p><div class="sheet">${figures.join('')}</div>`
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
