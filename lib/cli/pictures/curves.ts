/**
 * Curves as He et al. draw them (2016, Fig. 1, 3, 5 and 6): over iterations, the training loss dashed against the left axis, the test error solid against the
 * right one in percent; one color a case.
 */
import { chartSvg, type Line } from './chart.js'
import { colorOf } from './theme.js'

export interface Curves {
  /** Mean training loss at a step. */
  readonly loss: readonly { readonly step: number; readonly loss: number }[]
  /** Share of test images that were wrong at a step, 0 to 1. */
  readonly error: readonly { readonly step: number; readonly error: number }[]
}

/** Curves of one run among others. */
export interface Case extends Curves {
  readonly name: string
}

/** More points than the picture has columns only blur it. */
const mostPoints = 700

/** One SVG document; a single case needs no name. */
export function curvesSvg(cases: Curves | readonly Case[], title?: string): string {
  const all: readonly Curves[] = Array.isArray(cases) ? (cases as readonly Case[]) : [cases as Curves]
  const several = all.length > 1
  const lines = all.flatMap((each, index) => linesOf(each, colorOf(index), all.length))
  const kinds = [
    ...(all.some(({ loss }) => loss.length > 0) ? [{ text: 'training loss', dashed: true }] : []),
    ...(all.some(({ error }) => error.length > 0) ? [{ text: 'test error' }] : []),
  ]
  const legend = several
    ? [...(all as readonly Case[]).map(({ name }, index) => ({ text: name, color: colorOf(index) })), ...kinds]
    : kinds.map((kind) => ({ ...kind, color: colorOf(0) }))
  return chartSvg({
    label: 'Training loss and test error over iterations',
    x: { title: 'iterations', to: Math.max(1, ...lines.flatMap(({ points }) => points.map(([step]) => step))) },
    left: { title: 'training loss', scale: 'fit' },
    right: { title: 'test error (%)', scale: errorScale(all) },
    lines,
    legend,
    ...(title !== undefined && { title }),
  })
}

/** From 0 on, where the end is not lost below the beginning, or no image was wrong: a logarithm has no place for that. */
function errorScale(all: readonly Curves[]): 'linear' | 'fit' {
  const errors = all.flatMap(({ error }) => error.map((point) => point.error))
  const least = Math.min(...errors)
  return least > 0 && Math.max(...errors) > 5 * least ? 'fit' : 'linear'
}

function linesOf({ loss, error }: Curves, color: string, among: number): Line[] {
  const points = thin(loss, Math.ceil(mostPoints / Math.sqrt(among))).map(({ step, loss: value }) => [step, value] as const)
  return [
    { name: 'loss', axis: 'left', color, dashed: true, points },
    { name: 'error', axis: 'right', color, points: error.map(({ step, error: value }) => [step, 100 * value] as const) },
  ]
}

/** Means of equal stretches. */
export function thin(points: Curves['loss'], most: number): Curves['loss'] {
  if (points.length <= most) return points
  return Array.from({ length: most }, (_, index) => {
    const stretch = points.slice(Math.floor((index * points.length) / most), Math.floor(((index + 1) * points.length) / most))
    return { step: stretch.at(-1)!.step, loss: stretch.reduce((sum, point) => sum + point.loss, 0) / stretch.length }
  })
}
