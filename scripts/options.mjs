// Writes docs/options.md and the comments of the tables of options, both from the tables' entries; `--check` only says whether they are up to date.
// Needs the compiled library (npm run build).
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commonOptions } from '../dist/lib/cli/command.js'
import { commands } from '../dist/lib/cli/commands.js'
import { optionName } from '../dist/lib/cli/config.js'
import * as data from '../dist/lib/data/options.js'
import * as exchange from '../dist/lib/exchange/options.js'
import { classifierTable, ownClassifierOptions, requestOptions } from '../dist/lib/inference/options.js'
import { groups, usually } from '../dist/lib/options/spec.js'
import * as reduction from '../dist/lib/options/reduction.js'
import * as averages from '../dist/lib/options/averages.js'
import * as losses from '../dist/lib/options/losses.js'
import * as optimizers from '../dist/lib/options/optimizers.js'
import * as tables from '../dist/lib/options/table.js'
import * as calls from '../dist/lib/runtime/call_options.js'
import { ownCudaOptions } from '../dist/lib/runtime/cuda.js'
import * as sessions from '../dist/lib/runtime/session_options.js'
import { evaluationInputOptions, fitEmaOptions, fitTable, ownFitOptions } from '../dist/lib/training/fit_options.js'
import * as durations from '../dist/lib/training/duration.js'
import * as ranks from '../dist/lib/ranks/options.js'
import * as schedules from '../dist/lib/training/schedule_options.js'
import { adamWTable, lambTable, larsTable } from '../dist/lib/training/optimizers.js'
import { ownSgdOptions, sgdTable } from '../dist/lib/training/sgd.js'
import { main, Stop } from './support/run.mjs'

const root = join(import.meta.dirname, '..')
/** Where each table stands, whose entries get comments. */
const sources = [
  ['lib/options/table.ts', tables],
  ['lib/options/averages.ts', averages],
  ['lib/options/losses.ts', losses],
  ['lib/options/reduction.ts', reduction],
  ['lib/options/optimizers.ts', optimizers],
  ['lib/data/options.ts', data],
  ['lib/exchange/options.ts', exchange],
  ['lib/inference/options.ts', { ownClassifierOptions, requestOptions }],
  ['lib/ranks/options.ts', ranks],
  ['lib/runtime/call_options.ts', calls],
  ['lib/runtime/cuda.ts', { ownCudaOptions }],
  ['lib/runtime/session_options.ts', sessions],
  ['lib/training/fit_options.ts', { ownFitOptions, fitEmaOptions, evaluationInputOptions }],
  ['lib/training/duration.ts', durations],
  ['lib/training/schedule_options.ts', schedules],
  ['lib/training/sgd.ts', { ownSgdOptions }],
]

const optimizerTables = { sgd: sgdTable, adamW: adamWTable, lamb: lambTable, lars: larsTable }

const width = 160

/** What editors show: the help, a sentence that says what may be given and what it counts, and the default. */
function comment(option) {
  const tag = option.required ? '' : ` @default ${usually(option) ?? (Array.isArray(option.fallback) ? '[]' : 'undefined')}`
  const text = `${option.help[0].toUpperCase()}${option.help.slice(1)}. Give ${option.accepts}${option.unit === null ? '' : ` (${option.unit})`}.`
  if (`  /** ${text}${tag} */`.length <= width) return `  /** ${text}${tag} */\n`
  const lines = ['']
  for (const word of text.split(' ')) {
    if (lines.at(-1) !== '' && '   * '.length + lines.at(-1).length + 1 + word.length > width) lines.push('')
    lines.push(`${lines.pop()} ${word}`.trimStart())
  }
  if (tag !== '') lines.push(tag.trimStart())
  return `  /**\n${lines.map((line) => `   * ${line}\n`).join('')}   */\n`
}

/** A source file with the comment of each entry of its tables. */
function commented(source, within) {
  for (const [name, table] of Object.entries(within)) {
    source = source.replace(new RegExp(`(const ${name} = \\{\\n)([\\s\\S]*?)(\\n\\} satisfies)`), (_, head, body, end) => {
      const bare = body.replace(/^ {2}\/\*\*[\s\S]*?\*\/\n/gm, '')
      return head + bare.replace(/^ {2}(\w+): /gm, (start, key) => comment(table[key]) + start) + end
    })
  }
  return source
}

const cell = (text) => text.replaceAll('|', '\\|')

function valueOf({ accepts, unit, choices }) {
  const said = choices === undefined ? accepts : choices.map((choice) => `\`${choice}\``).join(', ')
  return unit === null ? said : `${said} (${unit})`
}

const row = (cells) => `| ${cells.map(cell).join(' | ')} |`

/** Options in code: those within an option are `cuda.index`. */
function codeRows(table, prefix = '') {
  return Object.entries(table).flatMap(([key, option]) => [
    row([`\`${prefix}${key}\``, valueOf(option), usually(option) ?? (option.required ? 'must be given' : ''), option.decides ? 'yes' : '', option.help]),
    ...codeRows(option.table ?? {}, `${prefix}${key}.`),
  ])
}

const codeTable = (table) => ['| option | value | default | decides | what it is |', '|---|---|---|---|---|', ...codeRows(table)]

function flagRows(options) {
  const all = Object.entries({ ...options, ...commonOptions })
  return groups.flatMap((group) =>
    all
      .filter(([, option]) => option.group === group)
      .map(([key, option]) => row([`\`--${optionName(key)}\``, valueOf(option), usually(option) ?? '', option.help])),
  )
}

const flagTable = (options) => ['| flag | value | default | what it is |', '|---|---|---|---|', ...flagRows(options)]

/** A heading and the tables under it. */
const section = (heading, tables, names) => [`## ${heading}`, '', ...names.flatMap(([name, table]) => [`### \`${name}\``, '', ...codeTable(tables[table]), ''])]

function schedulesSection() {
  const names = ['constant', 'multiStep', 'cosine', 'linearWarmup', 'oneCycle', 'poly']
  const [heading, space, ...tables] = section('Schedules', { ...schedules, ...durations }, [
    ...names.map((name) => [name, `${name}Options`]),
    ['schedule.resolve', 'runLengthOptions'],
  ])
  const text = [
    'A length or milestone in a schedule is a number of steps, which may be written `{ steps: n }`; `{ epochs: x }`, passes over the training images; or `{ fraction: f }`, a part of the run, and for a',
    "warm-up a part of the schedule's own length. Epochs are rounded to the nearest step, fractions down to one, and what is above 0 is at least one step. Several milestones of one unit may be written",
    '`{ epochs: [82, 123] }`.',
    '',
    '`fit` tells a schedule the lengths of its run. A training loop of your own calls `schedule.resolve({ steps, stepsPerEpoch })`, which gives the same schedule in steps; `schedule.resolved` says whether',
    'that is needed, and `schedule.at(step)` is the rate of a step.',
    '',
    'A checkpoint holds the schedule in steps, and a run goes on only under the same one. A run that is made longer under a schedule that follows its length would have other rates from the step on where it goes',
    'on, so it is refused and both lengths are told. Give the schedule its former length (`cosine({ base: 0.1, steps: 64_000 })`, `--schedule-steps 64000`, `--milestones 32000,48000`) to go on at its last',
    'rate. Lengths in steps and epochs do not follow the length of the run.',
    '',
  ]
  return [heading, space, ...text, ...tables]
}

function page() {
  const { sharedOptions, ownSessionOptions: own } = sessions
  return [
    '# Options',
    '',
    'Made by `node scripts/options.mjs` from the tables of options in the source; do not edit.',
    'An option that *decides* changes the numbers of a run: a run is resumed with the same value, or refused. Every other one may change.',
    '',
    '## `fit`',
    '',
    ...codeTable(fitTable),
    '',
    '## `compile`',
    '',
    `Also ${Object.keys(sharedOptions)
      .map((key) => `\`${key}\``)
      .join(', ')}, as in \`fit\`; without \`optimizer\` a session does not train.`,
    '',
    ...codeTable(own),
    '',
    ...Object.entries(optimizerTables).flatMap(([name, table]) => [`## \`${name}\``, '', ...codeTable(table), '']),
    ...schedulesSection(),
    ...section('`loader` and `cacheInMemory`', data, [
      ['loader', 'loaderOptions'],
      ['cacheInMemory', 'cacheOptions'],
    ]),
    '## `customDataset`',
    '',
    'Also `length`, `labels`, `read`, `classes`, `pixels`, `name` and `version`: [sources.md](sources.md).',
    '',
    ...codeTable(data.customOptions),
    '',
    '## `pack`',
    '',
    ...codeTable(data.packOptions),
    '',
    '## `imageFolderSplits`',
    '',
    'Also `classes` and `signal`, as of every source.',
    '',
    ...codeTable(data.splitOptions),
    '',
    '## `imageNetFolder`',
    '',
    ...codeTable(data.imageNetOptions),
    '',
    ...section('Calls of a session', calls, [
      ['steps', 'stepsOptions'],
      ['evaluate', 'evaluateOptions'],
      ['infer', 'inferOptions'],
      ['save', 'saveOptions'],
      ['load', 'loadOptions'],
    ]),
    '`step` takes what `steps` takes, but for `loader`.',
    '',
    '## `joinRanks`',
    '',
    ...codeTable(ranks.ranksOptions),
    '',
    '## `Classifier.load`',
    '',
    ...codeTable(classifierTable),
    '',
    ...section('Weights of other libraries', exchange, [
      ['importWeights', 'importOptions'],
      ['exportWeights', 'exportOptions'],
      ['exportOnnx', 'onnxOptions'],
      ['importOnnx', 'onnxImportOptions'],
    ]),
    '## The command line',
    '',
    '`--config FILE` reads a JSON object whose keys are the flags without `--`. A flag that is true or false has a `--no-` form.',
    ...commands.flatMap(({ name, options }) => ['', `### ${name}`, '', ...flagTable(options)]),
    '',
  ].join('\n')
}

await main('options', () => {
  const check = process.argv.includes('--check')
  const stale = []
  const put = (file, text) => {
    if (readFileSync(join(root, file), { encoding: 'utf8', flag: 'a+' }) === text) return
    stale.push(file)
    if (!check) writeFileSync(join(root, file), text)
  }
  for (const [file, within] of sources) put(file, commented(readFileSync(join(root, file), 'utf8'), within))
  put('docs/options.md', page())
  if (check && stale.length > 0) throw new Stop(`${stale.join(', ')}: not what the tables of options say; run node scripts/options.mjs`)
})
