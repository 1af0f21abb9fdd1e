/** What the runs of a row come to, beside what the paper found. Errors are in percent. */
import { median } from '../../goldens/bounds.js'
import { table } from '../output.js'
import type { Row } from './rows.js'

export interface RunOutcome {
  readonly seed: number
  readonly steps: number
  readonly top1: number
  readonly top5: number
  readonly seconds: number
  /** Where checkpoints, logs, the model and the report are. */
  readonly directory: string
}

export interface Outcome {
  readonly row: Row
  readonly training: string
  readonly runs: readonly RunOutcome[]
  readonly remarks: readonly string[]
}

interface Summary {
  readonly median: number
  readonly mean: number
  /** Of the sample; none of a single run. */
  readonly deviation: number | null
}

export function summaryOf(values: readonly number[]): Summary {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { median: median(values), mean, deviation: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : null }
}

export const outcomeHead = ['row', 'paper', 'here: median', 'mean', 'runs', 'difference', 'others']

/** Columns of figures. */
export const numberColumns: readonly string[] = outcomeHead.slice(1, 6)

/** Cells of one row, as text and page print them. */
export function outcomeCells({ row, runs }: Outcome): string[] {
  const { median, mean, deviation } = summaryOf(runs.map(({ top1 }) => top1))
  const top5 = summaryOf(runs.map((run) => run.top5)).median
  const { paper, others } = row
  const of5 = (value: number | undefined): string => (value === undefined ? '' : ` / ${value.toFixed(1)}`)
  return [
    row.id,
    paper.top1 === null ? 'fail (> 20)' : `${paper.top1.toFixed(2)}${of5(paper.top5)}`,
    `${median.toFixed(2)}${paper.top5 === undefined ? '' : of5(top5)}`,
    `${mean.toFixed(2)}${deviation === null ? '' : ` +- ${deviation.toFixed(2)}`}`,
    String(runs.length),
    paper.top1 === null ? (median > 20 ? 'fails too' : 'does not fail') : signed(median - paper.top1),
    others.map(({ by, top1 }) => `${top1.toFixed(2)} (${by})`).join(', '),
  ]
}

const signed = (value: number): string => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(2)}`

/** Remarks that rows share are told once, with the rows that they are of. */
export function remarksOf(outcomes: readonly Outcome[]): string[] {
  const rows = new Map<string, string[]>()
  for (const { row, remarks } of outcomes) for (const remark of remarks) rows.set(remark, [...(rows.get(remark) ?? []), row.id])
  return [...rows].map(([remark, of]) => (of.length === outcomes.length ? remark : `${remark}: ${of.join(', ')}`))
}

/** The finished table; what differs from the paper's training stands above the figures. */
export function outcomeText(outcomes: readonly Outcome[]): string {
  return [...remarksOf(outcomes), '', 'test error in percent', table(outcomeHead, outcomes.map(outcomeCells))].join('\n')
}
