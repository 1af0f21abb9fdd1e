/** Norms of signals and gradients behind each unit, from the stem to the last one: a line a step, runs beside each other over the same scales. */
import type { ProbeLine } from '../../training/probes.js'
import { beside } from './beside.js'
import { chartSvg } from './chart.js'
import { colorOf } from './theme.js'

interface ProbedRun {
  readonly name: string
  readonly lines: readonly ProbeLine[]
}

const kinds = [
  { key: 'signal', title: 'norm of the signal' },
  { key: 'gradient', title: 'norm of the gradient' },
] as const

/** Lines that are drawn of many. */
const mostLines = 6

/** Signals above, gradients below. `first`: units from the stem on, where not all are drawn. */
export function depthsSvg(runs: readonly ProbedRun[], first = Infinity): string {
  const chosen = runs.map(({ name, lines }) => ({ name, lines: spread(lines).map((line) => ({ ...line, units: line.units.slice(0, first) })) }))
  const steps = [...new Set(chosen.flatMap(({ lines }) => lines.map(({ step }) => step)))].sort((a, b) => a - b)
  const charts = kinds.flatMap(({ key, title }) => {
    const values = chosen.flatMap(({ lines }) => lines.flatMap(({ units }) => units.map((unit) => unit[key])))
    return chosen.map(({ name, lines }) =>
      chartSvg({
        label: `${title} behind each unit of ${name}`,
        ...(runs.length > 1 && { title: name }),
        width: runs.length > 1 ? 380 : 720,
        height: 230,
        x: { title: 'unit (0: the stem)', to: Math.max(1, ...lines.map(({ units }) => units.length - 1)) },
        left: { title, scale: 'fit', among: values },
        lines: lines.map(({ step, units }) => ({
          name: key,
          axis: 'left' as const,
          color: colorOf(steps.indexOf(step)),
          points: units.map((unit, depth) => [depth, unit[key]] as const),
        })),
        legend: lines.map(({ step }) => ({
          text: step === 0 ? 'at the start' : `after ${step.toLocaleString('en')} steps`,
          color: colorOf(steps.indexOf(step)),
        })),
      }),
    )
  })
  return beside(charts, Math.max(1, Math.min(2, runs.length)))
}

/** The first, the last, and some between them. */
function spread<T>(lines: readonly T[]): readonly T[] {
  if (lines.length <= mostLines) return lines
  return Array.from({ length: mostLines }, (_, index) => lines[Math.round((index * (lines.length - 1)) / (mostLines - 1))]!)
}
