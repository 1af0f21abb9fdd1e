/** Lines over one axis at the bottom and one or two at the sides, with a legend, as one SVG document that is readable on light and on dark ground. */
import { scaleLinear } from 'd3-scale'
import { escapeText } from './escape.js'
import { fittedScale, numberText, type FittedScale, type ScaleKind } from './scales.js'
import { svgStyle } from './theme.js'

export interface Line {
  readonly points: readonly (readonly [x: number, y: number])[]
  readonly axis: 'left' | 'right'
  readonly color: string
  readonly dashed?: boolean
  /** Of the path, for tests and style sheets of others. */
  readonly name: string
}

interface Side {
  readonly title: string
  readonly scale: ScaleKind
  /** More values that the scale has to fit: those of pictures beside this one. */
  readonly among?: readonly number[]
}

/** A sample of a line and what it stands for; without a color of a case it is in that of the text. */
interface LegendEntry {
  readonly text: string
  readonly color?: string
  readonly dashed?: boolean
}

interface Chart {
  /** What the picture shows, for those who do not see it. */
  readonly label: string
  readonly x: { readonly title: string; readonly from?: number; readonly to: number }
  readonly left?: Side
  readonly right?: Side
  readonly lines: readonly Line[]
  readonly legend?: readonly LegendEntry[]
  readonly title?: string
  /** Of the area that the axes enclose. */
  readonly width?: number
  readonly height?: number
}

const margin = { left: 84, right: 74, bottom: 48 }
const row = 20

/** Points of a line that are drawn one by one, where they are few. */
const fewPoints = 60

export function chartSvg(chart: Chart): string {
  const { width = 720, height = 380 } = chart
  const legend = legendOf(chart.legend ?? [], width)
  const titled = chart.title === undefined ? 0 : 24
  const top = 14 + titled + legend.rows * row
  const [wide, high] = [margin.left + width + margin.right, top + height + margin.bottom]
  const title = chart.title === undefined ? '' : text(0, -top + 24, chart.title, 'text-anchor="start" font-size="14" font-weight="bold"')
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${wide}" height="${high}" viewBox="0 0 ${wide} ${high}" font-family="system-ui, sans-serif" font-size="12" ` +
    `text-anchor="middle" role="img" aria-label="${escapeText(chart.label)}">${svgStyle}<rect class="ground" width="${wide}" height="${high}"/>` +
    `<g transform="translate(${margin.left},${top})">${title}<g transform="translate(0,${-legend.rows * row})">${legend.drawing}</g>${body(chart, width, height)}</g></svg>\n`
  )
}

function body({ x: bottom, left, right, lines }: Chart, width: number, height: number): string {
  const x = scaleLinear([bottom.from ?? 0, bottom.to], [0, width])
  const whole = x.ticks(8).filter(Number.isInteger)
  const sides = { left: sideOf(left, 'left'), right: sideOf(right, 'right') }
  return [
    ...whole.map((tick) => rule(x(tick), 0, 0, height, 'grid') + rule(x(tick), height, 0, 5, 'axis') + text(x(tick), height + 19, numberText(tick))),
    text(width / 2, height + 40, bottom.title, 'font-weight="bold"'),
    left === undefined || sides.left === undefined ? '' : axis(left, sides.left, 'left', { width, height, grid: true }),
    right === undefined || sides.right === undefined ? '' : axis(right, sides.right, 'right', { width, height, grid: sides.left === undefined }),
    `<path class="axis" d="M0.5,0.5V${height}.5H${width}.5V0.5" fill="none"/>`,
    ...lines.map((line) => drawn(line, (step) => x(step), sides[line.axis])),
  ].join('')

  function sideOf(side: Side | undefined, of: 'left' | 'right'): FittedScale | undefined {
    const values = lines.filter((line) => line.axis === of).flatMap(({ points }) => points.map(([, y]) => y))
    return side === undefined || values.length === 0 ? undefined : fittedScale(side.scale, [...values, ...(side.among ?? [])], [height, 0])
  }
}

interface Area {
  readonly width: number
  readonly height: number
  /** Whether its ticks are ruled across the picture: of two axes one's are. */
  readonly grid: boolean
}

function axis({ title }: Side, { at, ticks, label }: FittedScale, side: 'left' | 'right', { width, height, grid }: Area): string {
  const [from, outwards, anchor] = side === 'left' ? [0, -1, 'end'] : [width, 1, 'start']
  const marks = ticks.map(
    (tick) =>
      (grid ? rule(0, at(tick), width, 0, 'grid') : '') +
      rule(from, at(tick), 5 * outwards, 0, 'axis') +
      text(from + 9 * outwards, at(tick) + 4, label(tick), `text-anchor="${anchor}"`),
  )
  const place = side === 'left' ? `translate(-66,${height / 2}) rotate(-90)` : `translate(${width + 60},${height / 2}) rotate(90)`
  return `${marks.join('')}<text class="ink" transform="${place}" font-weight="bold">${escapeText(title)}</text>`
}

function drawn({ points, color, dashed, name }: Line, x: (step: number) => number, scale: FittedScale | undefined): string {
  const finite = points.filter(([, y]) => Number.isFinite(y))
  if (scale === undefined || finite.length === 0) return ''
  const places = finite.map(([step, y]) => [pixels(x(step)), pixels(scale.at(y))] as const)
  const stroke = dashed === true ? 'stroke-dasharray="5,3" stroke-width="1.3"' : 'stroke-width="2"'
  const path = `<path d="M${places.map((place) => place.join(',')).join('L')}" fill="none" stroke="${color}" stroke-linejoin="round" class="${name}" ${stroke}/>`
  if (dashed === true || places.length > fewPoints) return path
  return path + places.map(([left, top]) => `<circle cx="${left}" cy="${top}" r="2.5" fill="${color}"/>`).join('')
}

/** Entries beside each other, in as many rows as they take. */
function legendOf(entries: readonly LegendEntry[], width: number): { readonly drawing: string; readonly rows: number } {
  let [left, rows] = [0, 0]
  const parts = entries.map(({ text: words, color, dashed }) => {
    const wide = 34 + 7 * words.length + 22
    if (left > 0 && left + wide > width) [left, rows] = [0, rows + 1]
    const stroke = `${color === undefined ? 'class="axis"' : `stroke="${color}"`} ${dashed === true ? 'stroke-dasharray="5,3" stroke-width="1.3"' : 'stroke-width="2"'}`
    const part = `<path d="M${left},${rows * row + 4}h26" ${stroke}/>` + text(left + 34, rows * row + 8, words, 'text-anchor="start"')
    left += wide
    return part
  })
  return { drawing: parts.join(''), rows: entries.length === 0 ? 0 : rows + 1 }
}

const pixels = (value: number): string => String(Math.round(value * 10) / 10)

/** In the middle of a pixel, where it is sharp. */
function rule(x: number, y: number, width: number, height: number, name: 'grid' | 'axis'): string {
  return `<path class="${name}" d="M${Math.round(x)}.5,${Math.round(y)}.5l${width},${height}"/>`
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text class="ink" x="${pixels(x)}" y="${pixels(y)}" ${attributes}>${escapeText(content)}</text>`
}
