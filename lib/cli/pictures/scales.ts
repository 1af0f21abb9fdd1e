/** Scales of axes that fit what is drawn. */
import { scaleLinear, scaleLog } from 'd3-scale'

export interface FittedScale {
  /** Pixels from the axis' beginning. */
  readonly at: (value: number) => number
  readonly ticks: readonly number[]
  readonly label: (tick: number) => string
}

/** 'linear' begins at 0; 'fit': logarithmic where the values span a factor of three, else linear around them. */
export type ScaleKind = 'linear' | 'fit' | 'percent'

const spanOfLog = 3

export function fittedScale(kind: ScaleKind, values: readonly number[], range: readonly [number, number]): FittedScale {
  if (kind === 'percent') return linear([0, 100], range)
  const finite = values.filter(Number.isFinite)
  const highest = Math.max(...finite)
  if (kind === 'linear') return linear([0, highest > 0 ? highest : 1], range)
  const positive = finite.filter((value) => value > 0)
  const lowest = Math.min(...positive)
  if (positive.length > 0 && highest / lowest >= spanOfLog) return logarithmic(lowest, highest, range)
  const least = Math.min(...finite)
  return linear(least === highest ? around(least) : [least, highest], range)
}

const around = (value: number): [number, number] => (value === 0 ? [0, 1] : [value * 0.9, value * 1.1])

function linear(domain: readonly [number, number], range: readonly [number, number]): FittedScale {
  const scale = scaleLinear(domain, range).nice(6)
  return { at: scale, ticks: scale.ticks(6), label: numberText }
}

/** A logarithm knows no zero: what is smaller than everything that is drawn stays on the lowest line. */
function logarithmic(lowest: number, highest: number, range: readonly [number, number]): FittedScale {
  const from = roundNear(lowest).findLast((round) => round <= lowest)!
  const to = roundNear(highest).find((round) => round >= highest)!
  const scale = scaleLog([from, to], range)
  return { at: (value) => scale(Math.max(value, from)), ticks: roundNumbers(from, to), label: numberText }
}

const steps = [1, 2, 5]

/** 1, 2 and 5 times powers of ten, by their order. */
const roundAt = (index: number): number => Number(`${steps[((index % 3) + 3) % 3]}e${Math.floor(index / 3)}`)

/** Round numbers on both sides of a value, the smallest first. */
function roundNear(value: number): number[] {
  const decade = Math.floor(Math.log10(value))
  return Array.from({ length: 8 }, (_, index) => roundAt(3 * decade - 2 + index))
}

/** Powers of ten alone where there would be too many. */
function roundNumbers(from: number, to: number): number[] {
  const first = 3 * Math.floor(Math.log10(from)) - 3
  const indices = Array.from({ length: 3 * Math.ceil(Math.log10(to / from)) + 12 }, (_, index) => first + index)
  const all = indices.filter((index) => roundAt(index) >= from && roundAt(index) <= to)
  return (all.length > 9 ? all.filter((index) => index % 3 === 0) : all).map(roundAt)
}

/** 64000 as 64,000; 0.00001 as 1e-5. */
export function numberText(value: number): string {
  if (value !== 0 && Math.abs(value) < 1e-4) return value.toExponential(0)
  return Math.abs(value) >= 1e7 ? value.toExponential().replace('e+', 'e') : value.toLocaleString('en', { maximumSignificantDigits: 6 })
}
