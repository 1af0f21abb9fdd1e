/**
 * Curves as He et al. draw them (2016, Fig. 1 and 6): over iterations, the training loss dashed against the left axis on a logarithmic
 * scale, the test error solid against the right one in percent.
 */
import { scaleLinear, scaleLog } from 'd3-scale'

export interface Curves {
  /** Mean training loss at a step. */
  readonly loss: readonly { readonly step: number; readonly loss: number }[]
  /** Share of test images that were wrong at a step, 0 to 1. */
  readonly error: readonly { readonly step: number; readonly error: number }[]
}

/** Pixels of the area that the axes enclose, and of what stands around it. */
const plot = { width: 720, height: 380 }
const margin = { left: 84, top: 42, right: 56, bottom: 48 }

const curve = '#1f4e9c'
const axis = '#888'
const dashes = 'stroke-dasharray="5,3"'

/** One SVG document. */
export function curvesSvg({ loss, error }: Curves): string {
  const x = scaleLinear([0, Math.max(1, ...[...loss, ...error].map(({ step }) => step))], [0, plot.width])
  const left = leftAxis(loss)
  const right = rightAxis(error)
  const steps = x.ticks(8).filter(Number.isInteger)
  const parts = [
    ...steps.map((step) => rule(x(step), 0, 0, plot.height, '#ddd') + rule(x(step), plot.height, 0, 5, axis) + text(x(step), plot.height + 18, number(step))),
    text(plot.width / 2, plot.height + 38, 'iterations', 'font-weight="bold"'),
    right.drawing,
    left.drawing,
    `<path d="M0.5,0.5V${plot.height}.5H${plot.width}.5V0.5" fill="none" stroke="${axis}"/>`,
    line(left.points(x), `class="loss" ${dashes}`),
    line(right.points(x), 'class="error" stroke-width="2"'),
    ...right.points(x).map(([at, value]) => `<circle cx="${at}" cy="${value}" r="2.5" fill="${curve}"/>`),
    ...legend(loss.length > 0, error.length > 0),
  ]
  const [width, height] = [margin.left + plot.width + margin.right, margin.top + plot.height + margin.bottom]
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11" ` +
    `text-anchor="middle" role="img" aria-label="Training loss and test error over iterations"><rect width="${width}" height="${height}" fill="white"/>` +
    `<g transform="translate(${margin.left},${margin.top})">${parts.join('')}</g></svg>\n`
  )
}

/** More points than the picture has columns only blur it: means of equal stretches. */
export function thin(points: Curves['loss'], most: number): Curves['loss'] {
  if (points.length <= most) return points
  return Array.from({ length: most }, (_, index) => {
    const stretch = points.slice(Math.floor((index * points.length) / most), Math.floor(((index + 1) * points.length) / most))
    return { step: stretch.at(-1)!.step, loss: stretch.reduce((sum, point) => sum + point.loss, 0) / stretch.length }
  })
}

type Point = readonly [string, string]

/** What a curve's own axis draws, and where its points lie. */
interface Axis {
  readonly drawing: string
  readonly points: (x: (step: number) => number) => Point[]
}

const nothing: Axis = { drawing: '', points: () => [] }

function leftAxis(loss: Curves['loss']): Axis {
  if (loss.length === 0) return nothing
  // A logarithm knows no zero: a loss that underflowed stays on the lowest line.
  const values = thin(loss, 700).map((point) => ({ step: point.step, value: Math.max(point.loss, 1e-6) }))
  const [lowest, highest] = range(values)
  // Up to the decades around; one value alone has some too.
  const y = scaleLog([lowest, Math.max(highest, lowest * (1 + 1e-9))], [plot.height, 0]).nice()
  // Where decades are few, there are ticks between them; too many labels would touch.
  const labeled = y.tickFormat(6)
  const ticks = y.ticks(6).map((tick) => rule(0, y(tick), -5, 0, axis) + text(-9, y(tick) + 4, labeled(tick) && number(tick), 'text-anchor="end"'))
  return { drawing: ticks.join('') + title(-70, -90, 'training loss'), points: (x) => values.map(({ step, value }) => [pixels(x(step)), pixels(y(value))]) }
}

function rightAxis(error: Curves['error']): Axis {
  if (error.length === 0) return nothing
  const values = error.map((point) => ({ step: point.step, value: 100 * point.error }))
  const y = scaleLinear([0, range(values)[1] || 1], [plot.height, 0]).nice(8)
  const ticks = y
    .ticks(8)
    .map(
      (tick) =>
        rule(0, y(tick), plot.width, 0, '#ddd') +
        rule(plot.width, y(tick), 5, 0, axis) +
        text(plot.width + 9, y(tick) + 4, number(tick), 'text-anchor="start"'),
    )
  return {
    drawing: ticks.join('') + title(plot.width + 44, 90, 'test error (%)'),
    points: (x) => values.map(({ step, value }) => [pixels(x(step)), pixels(y(value))]),
  }
}

function range(values: readonly { readonly value: number }[]): [number, number] {
  const numbers = values.map(({ value }) => value)
  return [Math.min(...numbers), Math.max(...numbers)]
}

function legend(loss: boolean, error: boolean): string[] {
  const entries = [...(loss ? [['training loss', dashes]] : []), ...(error ? [['test error', 'stroke-width="2"']] : [])]
  return entries.map(([name, stroke], index) => {
    const at = index * 130
    return `<path d="M${at},-22h24" stroke="${curve}" ${stroke}/>` + text(at + 30, -18, name!, 'text-anchor="start"')
  })
}

const pixels = (value: number): string => String(Math.round(value * 10) / 10)

const number = (value: number): string => value.toLocaleString('en', { maximumSignificantDigits: 6 })

/** In the middle of a pixel, where it is sharp. */
function rule(x: number, y: number, width: number, height: number, color: string): string {
  return `<path d="M${Math.round(x)}.5,${Math.round(y)}.5l${width},${height}" stroke="${color}"/>`
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return content === '' ? '' : `<text x="${pixels(x)}" y="${pixels(y)}" ${attributes}>${content}</text>`
}

/** Of an axis, along its middle. */
function title(x: number, angle: number, content: string): string {
  return `<text transform="translate(${x},${plot.height / 2}) rotate(${angle})" font-weight="bold">${content}</text>`
}

function line(points: readonly Point[], attributes: string): string {
  if (points.length === 0) return ''
  return `<path d="M${points.map((point) => point.join(',')).join('L')}" fill="none" stroke="${curve}" stroke-linejoin="round" ${attributes}/>`
}
