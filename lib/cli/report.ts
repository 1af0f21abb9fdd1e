import { join, resolve } from 'node:path'
import { PreresnetError } from '../errors.js'
import { replaceFile } from '../formats/files.js'
import { stringOption } from '../options/spec.js'
import type { CommandSpec } from './command.js'
import { describedRun } from './described_run.js'
import { printJson } from './json/document.js'
import { reportDocument } from './json/report.js'
import type { RunResult } from './json/train.js'
import type { Mistakes } from './mistakes.js'
import { count, duration, percent, print } from './output.js'
import type { ComparedRun } from './pictures/comparison.js'
import type { Pace } from './pictures/pace.js'
import type { RunPage } from './pictures/page.js'
import { mistakesFile, readCurves, readIfThere, readManifest, readPace, readProbe, readResult } from './run_directory.js'

const options = {
  output: stringOption({
    group: 'Output',
    help: 'the page',
    metavar: 'file',
    usual: 'report.html in the directory of the run; of several runs compared.html in that of the first',
  }),
}

export const report: CommandSpec<typeof options> = {
  name: 'report',
  summary: 'a run as one HTML page: curves, accuracy of each class, the most certain mistakes, speed; several runs laid over each other',
  arguments: [['<run...>', 'directories that train wrote']],
  options,
  json: reportDocument,
  examples: [
    ['report runs/first', 'writes runs/first/report.html'],
    ['report runs/first runs/second --output both.html', 'two runs: curves over each other, results and what differs'],
    ['report runs/first --output first.html --json', 'elsewhere, for a script'],
  ],
  async run({ json, output }, [runs]) {
    const directories = runs as readonly string[]
    const given = output === undefined ? {} : { output }
    const path = directories.length === 1 ? await writeReport(directories[0]!, given) : await writeComparison(directories, given)
    if (json) printJson(reportDocument, { report: path })
    else print(path)
    return 0
  },
}

interface ReportOptions {
  readonly output?: string
  readonly pictures?: readonly { readonly heading: string; readonly svg: string }[]
}

const nameOf = (run: string): string => resolve(run).split('/').at(-1)!

/** Writes the page and resolves with its path. */
export async function writeReport(run: string, { output = join(run, 'report.html'), pictures = [] }: ReportOptions = {}): Promise<string> {
  const [curves, pace, manifest, result] = await Promise.all([readCurves(run), readPace(run), readManifest(run), readResult(run)])
  const [mistakes, probe] = await Promise.all([readIfThere<Mistakes>(join(run, mistakesFile)), readProbe(run)])
  const { runPage } = await import('./pictures/page.js') // Only here: the drawing library takes a while to load.
  const confusion = result?.confusion
  const page = runPage({
    title: nameOf(run),
    headline: result === null ? 'The run has not ended.' : headline(result),
    figures: figuresOf(result, pace),
    words: describedRun(manifest),
    curves,
    pace,
    probe,
    manifest,
    pictures,
    ...(confusion === undefined ? {} : { confusion }),
    ...(mistakes === null ? {} : { mistakes }),
  })
  await replaceFile(output, page)
  return output
}

/** ERR_OPTION where a run is named twice: its curves would hide each other. */
async function writeComparison(runs: readonly string[], { output = join(runs[0]!, 'compared.html') }: ReportOptions): Promise<string> {
  const twice = runs.find((run, index) => runs.findIndex((other) => resolve(other) === resolve(run)) !== index)
  if (twice !== undefined) throw new PreresnetError('ERR_OPTION', `report: expected each run once, got ${twice} twice`)
  const { comparisonPage } = await import('./pictures/comparison.js')
  const compared = await Promise.all(runs.map((run, index) => comparedRun(run, namesOf(runs)[index]!)))
  await replaceFile(output, comparisonPage({ title: `${compared.length} runs`, runs: compared }))
  return output
}

/** Directories by their last parts, as many as tell them apart. */
function namesOf(runs: readonly string[]): string[] {
  const parts = runs.map((run) => resolve(run).split('/'))
  const longest = Math.max(...parts.map(({ length }) => length))
  for (let taken = 1; taken < longest; taken++) {
    const names = parts.map((path) => path.slice(-taken).join('/'))
    if (new Set(names).size === runs.length) return names
  }
  return parts.map((path) => path.join('/'))
}

async function comparedRun(run: string, name: string): Promise<ComparedRun> {
  const [curves, pace, manifest, result] = await Promise.all([readCurves(run), readPace(run), readManifest(run), readResult(run)])
  return { name, ...curves, figures: figuresOf(result, pace), words: describedRun(manifest), probe: await readProbe(run) }
}

function figuresOf(result: RunResult | null, pace: readonly Pace[]): RunPage['figures'] {
  const speed = pace.map(({ imagesPerSecond }) => imagesPerSecond).sort((a, b) => a - b)[Math.floor(pace.length / 2)]
  return [
    ...(result === null || result.top1Error === null ? [] : [['test error', percent(result.top1Error)] as const]),
    ...(result === null || result.top5Error === null || (result.confusion?.classes.length ?? 0) <= 10
      ? []
      : [['among five guesses', percent(result.top5Error)] as const]),
    ...(result === null
      ? []
      : ([
          ['steps', count(result.steps)],
          ['time', duration(result.seconds)],
        ] as const)),
    ...(speed === undefined ? [] : [['images a second', count(Number(speed.toPrecision(3)))] as const]),
    ...(result === null ? [] : [['waiting for data', percent(result.dataShare, 1)] as const]),
  ]
}

function headline(result: RunResult): string {
  const { testErrors, testImages, top1Error } = result
  const error = testErrors === null || top1Error === null ? '' : `; ${count(testErrors)} of ${count(testImages)} test images are wrong`
  return `${result.network} on ${result.data}: ${result.outcome} after ${count(result.steps)} steps in ${duration(result.seconds)} on ${result.device} in ${result.precision}${error}`
}
