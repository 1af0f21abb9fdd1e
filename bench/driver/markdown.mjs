// The table of one machine in docs/benchmarks.md, between two markers.
import { readFileSync, writeFileSync } from 'node:fs'
import { configurationName, memoryTarget, rows, title, trials } from '../rows.mjs'

export function publish(file, results) {
  const text = readFileSync(file, 'utf8')
  const [begin, end] = [`<!-- begin ${results.name} -->`, `<!-- end ${results.name} -->`]
  const section = `${begin}\n${machineSection(results)}\n${end}`
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  writeFileSync(file, from < 0 || to < from ? `${text.trimEnd()}\n\n${section}\n` : text.slice(0, from) + section + text.slice(to + end.length))
}

export function machineSection({ machine, rows: measured }) {
  // In the order of bench/rows.mjs, whenever they were measured.
  const entries = Object.entries({ ...rows, ...trials }).flatMap(([id, row]) => (measured[id] === undefined ? [] : [{ id, row, result: measured[id] }]))
  const training = entries.filter(({ row }) => row.work === 'train' && row.against === undefined)
  return [
    `## ${machine.cpu}, ${machine.threads} threads`,
    `${machine.system}, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB; ${machine.instructionSets.join(' ')}`,
    speedTable(entries),
    ...(training.length === 0 ? [] : [memoryTable(training)]),
    notes(entries),
  ].join('\n\n')
}

function speedTable(entries) {
  const lines = entries.map(({ row, result: { a, b, ratio, pairs, pairsWanted, pairsRunAgain, configuration, sessions = 1 } }) => [
    title(row),
    `${rate(a.imagesPerSecond)} (${a.precision}${sessions === 1 ? '' : `, ${sessions} sessions at a time`})`,
    `${rate(b.imagesPerSecond)} (${configuration === undefined ? row.against : configurationName(configuration)})`,
    `**${times(ratio.median)}** (${times(ratio.minimum)} to ${times(ratio.maximum)})`,
    targetText(row.target),
    `${pairs.length}${pairs.length < pairsWanted ? ` of ${pairsWanted} wanted` : ''}, ${pairsRunAgain} run again`,
  ])
  return table(['images/s', 'preresnet', 'against, in its fastest configuration', 'ratio', 'wanted', 'pairs'], lines)
}

function memoryTable(entries) {
  const lines = entries.map(({ row, result: { a, b, search } }) => {
    const leanest = Math.min(...search.flatMap(({ peakBytes }) => peakBytes ?? []))
    const own = a.peakBytes.median
    return [
      title(row),
      mebibytes(own),
      mebibytes(b.peakBytes.median),
      `**${(own / b.peakBytes.median).toFixed(2)}**`,
      mebibytes(leanest),
      (own / leanest).toFixed(2),
    ]
  })
  const head = ['peak memory above idle, MiB', 'preresnet', 'PyTorch, its fastest', `ratio (wanted: ${memoryTarget.must}, goal ${memoryTarget.goal})`]
  return table([...head, 'PyTorch, its leanest', 'ratio'], lines)
}

/** What the figures were made with, each combination once, and which configurations could not take part. */
function notes(entries) {
  const made = new Map()
  for (const { row, result } of entries) {
    const { preresnet, node, oneDNN, highway, compiler, torch, torchOneDNN } = result.versions
    const others = ['onnxruntime', 'openvino'].flatMap((name) => (result.versions[name] === undefined ? [] : [`; ${name} ${result.versions[name]}`]))
    const other = torch === undefined ? others.join('') : `; PyTorch ${torch} (oneDNN ${torchOneDNN})`
    const text = `${result.date.slice(0, 10)}: preresnet ${preresnet}, oneDNN ${oneDNN}, Highway ${highway}, ${compiler}, Node ${node}${other}; ${result.seconds} s a process`
    made.set(text, [...(made.get(text) ?? []), title(row)])
  }
  const all = [...made].map(([text, which]) => `- ${text}${made.size === 1 ? '' : ` (${which.join('; ')})`}`)
  const failed = entries.flatMap(({ row, result: { search = [] } }) =>
    search
      .filter((entry) => entry.failed !== undefined)
      .map((entry) => `- ${title(row)}: ${configurationName(entry)} did not run: ${entry.failed.split(': ').slice(1).join(': ')}`),
  )
  return [...all, ...failed].join('\n')
}

function targetText({ must, goal, nativeBf16 }) {
  return `${times(must)}${nativeBf16 === undefined ? '' : ` (${times(nativeBf16)} where native bf16 is the faster)`}, goal ${times(goal)}`
}

const table = (head, lines) => [head, head.map(() => '---'), ...lines].map((line) => `| ${line.join(' | ')} |`).join('\n')
const digits = (value) => (value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0))
const rate = ({ median, minimum, maximum }) => `${digits(median)}, ${digits(minimum)} to ${digits(maximum)}`
const times = (value) => `${value.toFixed(2)}x`
const mebibytes = (value) => (value / 2 ** 20).toFixed(0)
