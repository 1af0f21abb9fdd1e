/** The paper's tables: which rows there are, how each is trained, what the paper found, and what is found here. */
import { dirname, join } from 'node:path'
import type { DataSplit } from '../data/dataset.js'
import { makeDirectory } from '../directory.js'
import { PreresnetError } from '../errors.js'
import { replaceFile } from '../formats/files.js'
import { flagOption, integerOption, numberOption, type Table, type ValuesOf, variant } from '../options/spec.js'
import { deviceOptions, runOptions } from '../options/table.js'
import { defined, nearest } from '../options/values.js'
import { sharedOptions } from '../runtime/session_options.js'
import type { CommandSpec } from './command.js'
import { dataOptions, openImages } from './data_options.js'
import { cudaTrainingOptions, passedOn } from './device_options.js'
import { printJson } from './json/document.js'
import { reproduceDocument, type Reproduction } from './json/reproduce.js'
import { note, print, table } from './output.js'
import { noProgress, openProgress } from './progress.js'
import { figuresOf } from './reproduction/figures.js'
import { type Outcome, outcomeText, type RunOutcome, summaryOf } from './reproduction/outcome.js'
import { runOnce } from './reproduction/run.js'
import { type Row, rows, trainingOf } from './reproduction/rows.js'
import { type Extent, type Training, trainingFor } from './reproduction/trainings.js'
import { SignalWatch } from './signals.js'

const paper = 'Identity Mappings in Deep Residual Networks (arXiv 1603.05027)'

const options = {
  list: flagOption({ group: 'Command', help: 'print every row of Tables 1, 2, 3 and 5, how it is trained and what the paper found', fallback: false }),
  data: variant(dataOptions.data, { help: 'images of rows on CIFAR-10, as `train` takes them; with --smoke of those on CIFAR-100 too' }),
  cifar100Data: variant(dataOptions.data, { help: 'images of rows on CIFAR-100', usual: 'with --smoke those of --data' }),
  imagenetData: variant(dataOptions.data, { help: 'images of rows on ImageNet' }),
  runs: integerOption({
    group: 'Training',
    help: 'runs of each training, with seeds 1, 2 and so on',
    unit: 'runs',
    minimum: 1,
    usual: "the paper's; 1 with --smoke",
  }),
  scale: numberOption({
    group: 'Training',
    help: 'shorten the schedule of each training to this part of its length; every output says so',
    unit: 'part',
    minimum: 0,
    above: true,
    maximum: 1,
    fallback: 1,
  }),
  smoke: flagOption({
    group: 'Training',
    help: 'do a few steps of each training on a few images, to see that it runs, moves every parameter and writes a report; of all rows where none is named',
    fallback: false,
  }),
  workers: runOptions.workers,
  ...deviceOptions,
  precision: variant(deviceOptions.precision, { fallback: 'fp32', usual: undefined }),
  ...cudaTrainingOptions,
  output: variant(runOptions.output, { help: 'where runs and the finished table go', usual: 'runs/reproduce' }),
} satisfies Table

type Values = ValuesOf<typeof options> & { readonly json: boolean }

export const reproduce: CommandSpec<typeof options> = {
  name: 'reproduce',
  summary: "train rows of the paper's tables and print the result beside the paper's; the same command goes on where it was ended",
  arguments: [['[rows...]', 'names of rows, as --list prints them']],
  options,
  json: reproduceDocument,
  examples: [
    ['reproduce --list', 'every row: its name, network, recipe and error'],
    ['reproduce table-2/e/164 --data cifar10:data/cifar10 --runs 5', 'five runs of one row: median, mean and standard deviation'],
    ['reproduce table-1/original table-1/conv-shortcut --data cifar10:data/cifar10 --scale 0.05', 'two rows, each a twentieth of its length'],
    ['reproduce --smoke --data cifar10:data/cifar10 --imagenet-data photographs', 'whether every training runs, in a few steps each'],
  ],
  async run(values, [names]) {
    if (values.list) {
      if (values.json) printJson(reproduceDocument, { paper, rows: rows.map(entry) })
      else print(text())
      return 0
    }
    const chosen = chosenRows(names as readonly string[], values.smoke)
    const extent = { smoke: values.smoke, scale: values.scale }
    const output = values.output ?? join('runs', 'reproduce')
    using watch = new SignalWatch('saving and leaving')
    const outcomes: Outcome[] = []
    for (const work of await prepared(values, chosen, extent)) {
      const done = await trained(values, { ...work, extent, output, watch })
      if (done === undefined) return watch.status ?? 0
      outcomes.push(...done)
    }
    const ordered = chosen.map((row) => outcomes.find((outcome) => outcome.row === row)!)
    const pictures = await writeTable(join(output, `table${suffixOf(extent)}.html`), ordered, (name) => join(output, `${name}${suffixOf(extent)}.svg`))
    if (values.json) printJson(reproduceDocument, { paper, rows: chosen.map(entry), results: ordered.map(resultOf), pictures })
    else {
      print(outcomeText(ordered))
      for (const picture of pictures) note(picture)
    }
    return 0
  },
}

/** The page, and each of its pictures as a file of its own; resolves with the pictures' paths. */
async function writeTable(page: string, outcomes: readonly Outcome[], pathOf: (name: string) => string): Promise<string[]> {
  const figures = await figuresOf(outcomes)
  const { reproductionPage } = await import('./reproduction/page.js')
  await makeDirectory(dirname(page))
  await replaceFile(page, reproductionPage(paper, outcomes, figures))
  for (const { name, svg } of figures) await replaceFile(pathOf(name), svg)
  return figures.map(({ name }) => pathOf(name))
}

/** ERR_OPTION for names that no row has, and for rows of others' networks. */
function chosenRows(names: readonly string[], smoke: boolean): readonly Row[] {
  if (names.length === 0) {
    if (smoke) return rows.filter((row) => trainingOf(row) !== undefined)
    throw new PreresnetError('ERR_OPTION', 'reproduce: expected names of rows, --list or --smoke, got none')
  }
  return names.map((name) => {
    const row = rows.find(({ id }) => id === name)
    if (row === undefined) {
      const near = nearest(
        name,
        rows.map(({ id }) => id),
      )
      throw new PreresnetError(
        'ERR_OPTION',
        `reproduce: no row is called ${JSON.stringify(name)}; ${near === undefined ? 'see --list' : `did you mean ${JSON.stringify(near)}?`}`,
      )
    }
    if (trainingOf(row) === undefined)
      throw new PreresnetError('ERR_OPTION', `reproduce: ${name}: expected a row of a residual network, got one that the paper quotes of others`)
    return row
  })
}

/** Rows with one network and recipe are results of one training. */
function byTraining(chosen: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of chosen) {
    const training = trainingOf(row)!
    groups.set(training, [...(groups.get(training) ?? []), row])
  }
  return groups
}

const suffixOf = ({ smoke, scale }: Extent): string => (smoke ? '-smoke' : scale === 1 ? '' : `-scale-${scale}`)

/** A training by its name, and the rows that it gives results of. */
interface Prepared {
  readonly name: string
  readonly training: Training
  readonly rows: readonly Row[]
}

/** All of them before the first: images that are missing for the last one are found now, and not after days. */
async function prepared(values: Values, chosen: readonly Row[], extent: Extent): Promise<readonly Prepared[]> {
  const opened = new Map<string, DataSplit>()
  const all: Prepared[] = []
  const groups = [...byTraining(chosen)]
  const wanted = groups.map(([, [first]]) => imagesGiven(first!, values))
  for (const [index, [name, ofTraining]] of groups.entries()) {
    const given = wanted[index]!
    const split = opened.get(given) ?? (await openImages(given))
    opened.set(given, split)
    all.push({ name, training: await trainingFor(ofTraining[0]!, split, extent), rows: ofTraining })
  }
  return all
}

interface Work extends Prepared {
  readonly extent: Extent
  readonly output: string
  readonly watch: SignalWatch
}

/** Undefined where a signal ended it. */
async function trained(values: Values, { name, training, rows: ofTraining, extent, output, watch }: Work): Promise<Outcome[] | undefined> {
  const { device, precision, threads, cuda } = passedOn(sharedOptions, values)
  const where = { ...defined({ device, precision, threads, cuda }), workers: values.workers }
  const seeds = Array.from({ length: values.runs ?? (extent.smoke ? 1 : training.row.recipe.seeds.length) }, (_, index) => index + 1)
  const runs = new Map<string, RunOutcome[]>(ofTraining.map(({ id }) => [id, []]))
  for (const seed of seeds) {
    if (!values.json) note(`${name}, seed ${seed}${training.remarks.map((remark) => `; ${remark}`).join('')}`)
    const directory = join(output, `${name.replaceAll('/', '-')}${suffixOf(extent)}`, `seed-${seed}`)
    const progress = values.json ? noProgress : openProgress(process.stderr.isTTY)
    const outcome = await runOnce({ training, rows: ofTraining, seed, directory, where, smoke: extent.smoke, progress, watch })
    if (outcome === undefined) return undefined
    for (const [id, of] of outcome) runs.get(id)!.push(of)
  }
  return ofTraining.map((of) => ({ row: of, training: name, runs: runs.get(of.id)!, remarks: training.remarks }))
}

/** Where the images of a row's recipe are, as --data says it. */
function imagesGiven({ recipe }: Row, values: Values): string {
  const { data, cifar100Data, imagenetData, smoke } = values
  const [flag, given] = (
    {
      cifar10: ['--data', data],
      cifar100: ['--cifar100-data', cifar100Data ?? (smoke ? data : undefined)],
      imagenet: ['--imagenet-data', imagenetData],
    } as const
  )[recipe.data]
  if (given === undefined) throw new PreresnetError('ERR_OPTION', `reproduce: expected ${flag}, the images of rows on ${recipe.data}, got none`)
  return given
}

function resultOf({ row, training, runs, remarks }: Outcome): NonNullable<Reproduction['results']>[number] {
  const { median, mean, deviation } = summaryOf(runs.map(({ top1 }) => top1))
  const { top1 } = row.paper
  return { row: row.id, training, remarks, runs, median, mean, deviation, difference: top1 === null ? null : median - top1 }
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
