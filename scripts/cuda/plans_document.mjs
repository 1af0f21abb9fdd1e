// docs/cuda-plans.md out of the table of cuda-plans.mjs.
import { BATCH, patternKey, PATTERNS, PRECISIONS, SAMPLE } from './patterns.mjs'

export function plansDocument(table, descriptions) {
  const devices = Object.keys(table.engines)
  const lines = [
    '# What cuDNN fuses',
    '',
    '`npm run cuda:plans` writes this page. It asks cuDNN itself, without a GPU, with the classes that the CUDA executor uses: a GPU is described in',
    '`native/cuda/devices`, and cuDNN is asked for engines for it. That an engine is listed says that cuDNN takes types, shapes and fusion for that architecture. It says',
    'nothing about speed or numbers. A100, B200 and RTX 5090 are described from their data sheets.',
    '',
    `cuDNN ${dotted(table.cudnn)}, cudnn-frontend ${dotted(table.frontend)}, batch ${BATCH}: ${table.layers} distinct layers of all named networks, with either stride placement.`,
    `Tier 0 is a plain convolution, tier 1 a precompiled fusion, tier 2 one that cuDNN compiles when it is first used. For tiers 0 and 1 the plan was built; for tier 2 engines were`,
    `listed (for all layers in H100's columns except fp32, for those of ${SAMPLE} elsewhere), and those named below were compiled. Engines that round operands or sums to less than fp32 (in fp32: tf32 too), Winograd and FFT are ruled out. The number is the`,
    'largest workspace that a first choice takes. Where it says crashes, cuDNN ends the process that asks.',
    '',
    `| device | described as |`,
    `|---|---|`,
    ...devices.map((device, index) => `| ${device} | ${describe(descriptions[index])} |`),
  ]
  const notes = []
  for (const precision of PRECISIONS) {
    lines.push('', `## ${precision}`, '', `| pattern | tier | ${devices.join(' | ')} |`, `|---|---|${devices.map(() => '---|').join('')}`)
    for (const pattern of PATTERNS) {
      const cells = devices.map((device) => cell(table, device, precision, patternKey(pattern), notes))
      lines.push(`| ${pattern.name} | ${pattern.tier} | ${cells.join(' | ')} |`)
    }
  }
  lines.push('', '## Layers without an engine', '')
  notes.forEach((layers, index) => lines.push(`${index + 1}. ${layers}`))
  lines.push('', '## Compiled', '', '| device | plan | built |', '|---|---|---|')
  for (const [device, plans] of Object.entries(table.compiled)) {
    for (const [plan, built] of Object.entries(plans)) lines.push(`| ${device} | ${plan} | ${built ? 'yes' : 'no'} |`)
  }
  return `${lines.join('\n')}\n`
}

/** Equal sets of layers share a note. */
function cell(table, device, precision, pattern, notes) {
  const without = table.engines[device][precision][pattern]
  if (without === 'none' || without === 'crashes') return without === 'none' ? '–' : 'crashes'
  const workspace = table.workspaceMiB[device][precision][pattern]
  const size = workspace === undefined ? '' : `, ${workspace} MiB`
  if (without === 'all') return `all${size}`
  const text = without.join('; ')
  if (!notes.includes(text)) notes.push(text)
  return `but for ${without.length} (${notes.indexOf(text) + 1})${size}`
}

function describe({ deviceName, deviceVer, multiProcessorCount }) {
  return `${deviceName}, compute capability ${Math.floor(deviceVer / 100)}.${(deviceVer % 100) / 10}, ${multiProcessorCount} multiprocessors`
}

function dotted(version) {
  return `${Math.floor(version / 10000)}.${Math.floor((version % 10000) / 100)}.${version % 100}`
}
