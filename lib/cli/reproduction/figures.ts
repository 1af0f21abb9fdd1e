/** Training loss and test error over iterations, one curve a case, as in the paper's Figures 3, 5 and 6: a picture for each table, and within it for each set of images. */
import { readCurves } from '../run_directory.js'
import type { Case } from '../pictures/curves.js'
import { remarksOf, type Outcome, type RunOutcome } from './outcome.js'

export interface Figure {
  /** Of the file, without its ending. */
  readonly name: string
  readonly heading: string
  readonly svg: string
}

/** Cases of one panel; the first case of a figure, which the others are compared with, stands in each. */
const mostCases = 5

export async function figuresOf(outcomes: readonly Outcome[]): Promise<Figure[]> {
  const { beside } = await import('../pictures/beside.js')
  const { curvesSvg } = await import('../pictures/curves.js') // Only here: the drawing library takes a while to load.
  const groups = new Map<string, Outcome[]>()
  for (const outcome of distinct(outcomes)) {
    const name = `table-${outcome.row.table}-${outcome.row.recipe.data}`
    groups.set(name, [...(groups.get(name) ?? []), outcome])
  }
  return Promise.all(
    [...groups].map(async ([name, members]) => {
      const { table, recipe } = members[0]!.row
      const cases = await Promise.all(members.map(caseOf))
      const shortened = remarksOf(members).filter((remark) => remark.includes('shortened') || remark.startsWith('smoke'))
      const svg = beside(
        panels(cases).map((panel) => curvesSvg(panel.length === 1 ? panel[0]! : panel, [`Table ${table}, ${recipe.data}`, ...shortened].join('; '))),
        1,
      )
      return { name, heading: `Table ${table}, ${recipe.data}`, svg }
    }),
  )
}

/** Rows of one training in one table have the same curves. */
function distinct(outcomes: readonly Outcome[]): Outcome[] {
  return outcomes.filter(({ training, row }, index) => outcomes.findIndex((other) => other.training === training && other.row.table === row.table) === index)
}

async function caseOf({ row, runs }: Outcome): Promise<Case> {
  return { name: row.title, ...(await readCurves(medianRun(runs).directory)) }
}

/** The run in the middle, of an even number the better one. */
export function medianRun(runs: readonly RunOutcome[]): RunOutcome {
  return [...runs].sort((a, b) => a.top1 - b.top1)[Math.floor((runs.length - 1) / 2)]!
}

export function panels<T>([first, ...others]: readonly T[]): T[][] {
  if (others.length < mostCases) return [[first!, ...others]]
  const count = Math.ceil(others.length / (mostCases - 1))
  return Array.from({ length: count }, (_, index) => [
    first!,
    ...others.slice(Math.floor((index * others.length) / count), Math.floor(((index + 1) * others.length) / count)),
  ])
}
