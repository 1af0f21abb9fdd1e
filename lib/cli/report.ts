import { join, resolve } from 'node:path'
import { replaceFile } from '../formats/files.js'
import { stringOption } from '../options/spec.js'
import type { CommandSpec } from './command.js'
import { printJson } from './json/document.js'
import { reportDocument } from './json/report.js'
import type { RunResult } from './json/train.js'
import { duration, percent, print } from './output.js'
import { readCurves, readManifest, readResult } from './run_directory.js'

const options = {
  output: stringOption({ group: 'Output', help: 'the page', metavar: 'file', usual: 'report.html in the directory of the run' }),
}

export const report: CommandSpec<typeof options> = {
  name: 'report',
  summary: 'a run as one HTML page: training loss and test error over iterations, confusion matrix, manifest',
  arguments: [['<run>', 'the directory that train wrote']],
  options,
  json: reportDocument,
  examples: [
    ['report runs/first', 'writes runs/first/report.html'],
    ['report runs/first --output first.html --json', 'elsewhere, for a script'],
  ],
  async run({ json, output }, [run]) {
    const path = await writeReport(run as string, output === undefined ? {} : { output })
    if (json) printJson(reportDocument, { report: path })
    else print(path)
    return 0
  },
}

interface ReportOptions {
  readonly output?: string
  readonly pictures?: readonly { readonly heading: string; readonly svg: string }[]
}

/** Writes the page and resolves with its path. */
export async function writeReport(run: string, { output = join(run, 'report.html'), pictures = [] }: ReportOptions = {}): Promise<string> {
  const [curves, manifest, result] = await Promise.all([readCurves(run), readManifest(run), readResult(run)])
  const { runPage } = await import('./pictures/page.js') // Only here: the drawing library takes a while to load.
  const confusion = result?.confusion
  const page = await runPage({
    title: resolve(run).split('/').at(-1)!,
    headline: result === null ? 'The run has not ended.' : headline(result),
    curves,
    manifest,
    pictures,
    ...(confusion === undefined ? {} : { confusion }),
  })
  await replaceFile(output, page)
  return output
}

function headline(result: RunResult): string {
  const { testErrors, testImages, top1Error } = result
  const error =
    testErrors === null || top1Error === null
      ? ''
      : `, test error ${percent(top1Error)} (${testErrors} of ${testImages}), test accuracy ${percent(1 - top1Error)}`
  return `${result.network} on ${result.data}: ${result.outcome} after ${result.steps} steps in ${duration(result.seconds)} on ${result.device} ${result.precision}${error}`
}
