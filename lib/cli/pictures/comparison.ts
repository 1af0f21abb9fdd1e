/** Several runs laid over each other, as one HTML page that loads nothing. */
import { curvesSvg, type Case } from './curves.js'
import { depthsSvg } from './depths.js'
import { escapeText } from './escape.js'
import { htmlPage, section, wordsTable, type RunPage } from './page.js'

export interface ComparedRun extends Case {
  readonly figures: RunPage['figures']
  readonly words: RunPage['words']
  readonly probe: RunPage['probe']
}

export interface Comparison {
  readonly title: string
  readonly runs: readonly ComparedRun[]
}

export function comparisonPage({ title, runs }: Comparison): string {
  const { common, differing } = sorted(runs)
  const probed = runs.flatMap(({ name, probe }) => (probe.length === 0 ? [] : [{ name, lines: probe }]))
  return htmlPage(title, [
    section('Loss and error', curvesSvg(runs)),
    section(
      'Results',
      sideBySide(runs, ({ figures }) => figures),
    ),
    differing.length === 0
      ? ''
      : section(
          'What differs',
          sideBySide(runs, ({ words }) => differing.map((name) => [name, valueOf(words, name)] as const)),
        ),
    common.length === 0 ? '' : section('What is the same', wordsTable(common)),
    probed.length === 0 ? '' : section('Signals and gradients by depth', depthsSvg(probed)),
  ])
}

const valueOf = (words: RunPage['words'], name: string): string => words.find(([of]) => of === name)?.[1] ?? ''

function sorted(runs: readonly ComparedRun[]): { readonly common: RunPage['words']; readonly differing: readonly string[] } {
  const names = [...new Set(runs.flatMap(({ words }) => words.map(([name]) => name)))]
  const same = names.filter((name) => new Set(runs.map(({ words }) => valueOf(words, name))).size === 1)
  return { common: same.map((name) => [name, valueOf(runs[0]!.words, name)]), differing: names.filter((name) => !same.includes(name)) }
}

/** A row for each run, a column for each name. */
function sideBySide(runs: readonly ComparedRun[], of: (run: ComparedRun) => RunPage['words']): string {
  const names = [...new Set(runs.flatMap((run) => of(run).map(([name]) => name)))]
  const head = ['run', ...names].map((name) => `<th>${escapeText(name)}</th>`).join('')
  const rows = runs.map((run) => `<tr><td>${escapeText(run.name)}</td>${names.map((name) => `<td>${escapeText(valueOf(of(run), name))}</td>`).join('')}</tr>`)
  return `<div class="scroll"><table><tr>${head}</tr>${rows.join('')}</table></div>`
}
