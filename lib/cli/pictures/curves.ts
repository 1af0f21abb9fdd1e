/**
 * Curves as He et al. draw them (2016, Fig. 1 and 6): over iterations, the training loss dashed against the left axis on a logarithmic
 * scale, the test error solid against the right one in percent.
 */
import { parse, type Spec, View } from 'vega'

export interface Curves {
  /** Mean training loss at a step. */
  readonly loss: readonly { readonly step: number; readonly loss: number }[]
  /** Share of test images that were wrong at a step, 0 to 1. */
  readonly error: readonly { readonly step: number; readonly error: number }[]
}

/** One SVG document. */
export async function curvesSvg(curves: Curves): Promise<string> {
  const view = new View(parse(spec(curves)), { renderer: 'none' })
  try {
    return await view.toSVG()
  } finally {
    view.finalize()
  }
}

/** More points than the picture has columns only blur it: means of equal stretches. */
export function thin(points: Curves['loss'], most: number): Curves['loss'] {
  if (points.length <= most) return points
  return Array.from({ length: most }, (_, index) => {
    const stretch = points.slice(Math.floor((index * points.length) / most), Math.floor(((index + 1) * points.length) / most))
    return { step: stretch.at(-1)!.step, loss: stretch.reduce((sum, point) => sum + point.loss, 0) / stretch.length }
  })
}

function spec({ loss, error }: Curves): Spec {
  const last = Math.max(1, ...[...loss, ...error].map(({ step }) => step))
  return {
    width: 720,
    height: 380,
    padding: 12,
    background: 'white',
    data: [
      // A logarithm knows no zero: a loss that underflowed stays on the lowest line.
      { name: 'loss', values: thin(loss, 700).map((point) => ({ step: point.step, value: Math.max(point.loss, 1e-6) })) },
      { name: 'error', values: error.map((point) => ({ step: point.step, value: 100 * point.error })) },
    ],
    scales: [
      { name: 'x', type: 'linear', domain: [0, last], range: 'width' },
      { name: 'left', type: 'log', domain: { data: 'loss', field: 'value' }, range: 'height', nice: true },
      { name: 'right', type: 'linear', domain: { data: 'error', field: 'value' }, range: 'height', zero: true, nice: true },
      {
        name: 'dash',
        type: 'ordinal',
        domain: ['training loss', 'test error'],
        range: [
          [5, 3],
          [1, 0],
        ],
      },
    ],
    axes: [
      { orient: 'bottom', scale: 'x', title: 'iterations', grid: true, tickCount: 8 },
      { orient: 'left', scale: 'left', title: 'training loss', grid: false, tickCount: 6 },
      { orient: 'right', scale: 'right', title: 'test error (%)', grid: true, tickCount: 8 },
    ],
    legends: [{ strokeDash: 'dash', orient: 'top', direction: 'horizontal', symbolType: 'stroke', symbolSize: 400 }],
    marks: [
      line('loss', 'left', [5, 3], 1),
      line('error', 'right', [1, 0], 2),
      {
        type: 'symbol',
        from: { data: 'error' },
        encode: { enter: { x: { scale: 'x', field: 'step' }, y: { scale: 'right', field: 'value' }, size: { value: 18 }, fill: { value: colour } } },
      },
    ],
  }
}

const colour = '#1f4e9c'

function line(data: string, scale: string, dash: number[], width: number): NonNullable<Spec['marks']>[number] {
  return {
    type: 'line',
    from: { data },
    encode: {
      enter: {
        x: { scale: 'x', field: 'step' },
        y: { scale, field: 'value' },
        stroke: { value: colour },
        strokeWidth: { value: width },
        strokeDash: { value: dash },
      },
    },
  }
}
