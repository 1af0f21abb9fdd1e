/** Learning rate, images a second and time spent waiting for data, over iterations. */
import { chartSvg, type Line } from './chart.js'
import { colorOf } from './theme.js'

/** Of the steps since the line of the log before. */
export interface Pace {
  readonly step: number
  readonly learningRate: number
  readonly imagesPerSecond: number
  /** Share of the time, 0 to 1. */
  readonly dataShare: number
}

const size = { height: 150 }

const last = (pace: readonly Pace[]): number => Math.max(1, ...pace.map(({ step }) => step))

export function rateSvg(pace: readonly Pace[]): string {
  const points = pace.map(({ step, learningRate }) => [step, learningRate] as const)
  return chartSvg({
    ...size,
    label: 'Learning rate over iterations',
    x: { title: 'iterations', to: last(pace) },
    left: { title: 'learning rate', scale: 'fit' },
    lines: [{ name: 'rate', axis: 'left', color: colorOf(0), points }],
  })
}

export function paceSvg(pace: readonly Pace[]): string {
  const lines: Line[] = [
    { name: 'speed', axis: 'left', color: colorOf(0), points: pace.map(({ step, imagesPerSecond }) => [step, imagesPerSecond] as const) },
    { name: 'waiting', axis: 'right', color: colorOf(1), points: pace.map(({ step, dataShare }) => [step, 100 * dataShare] as const) },
  ]
  return chartSvg({
    ...size,
    label: 'Images a second and share of time spent waiting for data, over iterations',
    x: { title: 'iterations', to: last(pace) },
    left: { title: 'images/s', scale: 'linear' },
    right: { title: 'waiting (%)', scale: 'percent' },
    lines,
    legend: [
      { text: 'images a second', color: colorOf(0) },
      { text: 'time spent waiting for data', color: colorOf(1) },
    ],
  })
}
