/** The paper's tables: which rows there are, how each is trained, and what the paper found. */
import { PreresnetError } from '../errors.js'
import { flagOption, type Table } from '../options/spec.js'
import type { CommandSpec } from './command.js'
import { printJson } from './json/document.js'
import { reproduceDocument, type Reproduction } from './json/reproduce.js'
import { print, table } from './output.js'
import { type Row, rows, trainingOf } from './reproduction/rows.js'

const paper = 'Identity Mappings in Deep Residual Networks (arXiv 1603.05027)'

const options = {
  list: flagOption({ group: 'Command', help: 'print every row of Tables 1, 2, 3 and 5, how it is trained and what the paper found', fallback: false }),
} satisfies Table

export const reproduce: CommandSpec<typeof options> = {
  name: 'reproduce',
  summary: "list the rows of the paper's tables, with their networks, recipes and errors",
  options,
  json: reproduceDocument,
  examples: [
    ['reproduce --list', 'every row: its name, network, recipe and error'],
    ['reproduce --list --json', 'the same as data, for a script that trains them'],
  ],
  run({ list, json }) {
    if (!list)
      throw new PreresnetError('ERR_OPTION', 'reproduce: expected --list, got none; this command trains no row yet, which `preresnet train` and `fit` do')
    if (json) printJson(reproduceDocument, { paper, rows: rows.map(entry) })
    else print(text())
    return Promise.resolve(0)
  },
}

function entry(row: Row): Reproduction['rows'][number] {
  const { id, table, title, network, recipe, testCrop, paper: found, others } = row
  const { family, depth, unit, ...rest } = network ?? {}
  const described = network === undefined ? null : { family: family!, depth: depth!, unit: unit!, ...(rest as { readonly classes: number }) }
  return { id, table, title, training: trainingOf(row) ?? null, network: described, ...recipe, testCrop, found, others }
}

function text(): string {
  const cells = rows.map((row) => [row.id, errorOf(row), trainedBy(row), row.title])
  return `${paper}\n\n${table(['row', 'error in percent', 'training', 'title'], cells)}`
}

function errorOf({ paper: { top1, top5, mean, deviation } }: Row): string {
  if (top1 === null) return 'fail (> 20)'
  const spread = mean === undefined ? '' : ` (${mean.toFixed(2)} +- ${deviation!.toFixed(2)})`
  return top5 === undefined ? `${top1.toFixed(2)}${spread}` : `${top1.toFixed(1)} / ${top5.toFixed(1)}`
}

/** A training is told once; other rows name the row that has it. */
function trainedBy(row: Row): string {
  const training = trainingOf(row)
  if (training === undefined) return 'not here'
  if (training !== row.id) return `as ${training}`
  const { recipe } = row
  const { schedule, missing } = recipe
  const lacking = missing.length === 0 ? '' : `, without ${missing.join(', ')} so far`
  return `${recipe.data}, batch ${recipe.batch} in ${recipe.statisticsGroups} groups, ${schedule.length} ${schedule.unit}${lacking}`
}
