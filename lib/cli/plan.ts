import { compilePrograms, serialisePrograms } from '../compiler/compile.js'
import type { DeviceName, Precision, ProgramSet } from '../compiler/program.js'
import { type PlanReport, planReport } from '../compiler/report.js'
import { buildGraph } from '../graph/index.js'
import type { Network } from '../layers/index.js'
import { loadBinding } from '../runtime/binding.js'
import { chooseDevice, deviceChoices, isCuda, precisionChoices } from '../runtime/device.js'
import { updateOptions } from '../runtime/optimizer.js'
import { sgd } from '../training/sgd.js'
import type { CommandSpec } from './command.js'
import { chooseNetwork, networkOptions, sizeOf, sizeOptions } from './model_options.js'
import { choiceOption, integerOption } from './option_spec.js'
import { count, pairs, print, printJson, size, table } from './output.js'
import { placeOptions } from './place_options.js'

const options = {
  ...networkOptions,
  ...sizeOptions,
  ...placeOptions,
  // A program can be made for a device that is not there.
  device: choiceOption('for whom', deviceChoices, 'auto'),
  precision: choiceOption('arithmetic', precisionChoices, 'auto'),
  arch: integerOption('for cuda: compute capability, 90 for an H100', { minimum: 1, maximum: 1000 }),
  batch: integerOption('images a step', { minimum: 1, fallback: 128 }),
  program: choiceOption('which program to show', ['train', 'evaluate', 'infer'], 'train'),
  statisticsGroups: integerOption('groups of the batch with BN statistics of their own', { minimum: 1, fallback: 1 }),
}

export const plan: CommandSpec<typeof options> = {
  name: 'plan',
  summary: 'the program of a network: its operations, what was fused into them, bytes read and written, memory',
  arguments: [['[network]', 'a name as preresnet-164']],
  options,
  examples: [
    ['plan preresnet-164 --batch 128', 'operation by operation'],
    ['plan preresnet-164 --batch 128 --precision bf16 --json', 'for a script'],
    ['plan preresnet-200 --device cuda --arch 90 --precision fp16', 'launches of a GPU that need not be there'],
  ],
  async run(values, [name]) {
    const { json, batch, program, statisticsGroups, threads, arch } = values
    const network = chooseNetwork(name as string | undefined, values, sizeOf(values))
    const place = chooseDevice(values.device, values.precision)
    const set = await programsOf(network, { ...place, batch, statisticsGroups, ...(arch !== undefined && { arch }) })
    const report = planReport(set, program, isCuda(place.device) ? 0 : await scratchBytes(set, threads))
    if (json) printJson(report)
    else print(describe(report))
    return 0
  },
}

interface Shape {
  readonly device: DeviceName
  readonly precision: Precision
  readonly batch: number
  readonly statisticsGroups: number
  readonly arch?: number
}

/** What a training session compiles for images of the network's size. */
function programsOf(network: Network, shape: Shape): Promise<ProgramSet> {
  const graph = buildGraph(network)
  const { height, width, channels } = network.input
  const each = (value: number): number[] => new Array<number>(channels).fill(value)
  return compilePrograms(graph, {
    ...shape,
    programs: ['train', 'evaluate', 'infer'],
    input: { kind: 'images', height, width, pad: 0, mean: each(0), deviation: each(1) },
    loss: { kind: 'crossEntropy', smoothing: 0, softTargets: false },
    update: updateOptions(graph, sgd(), []),
  })
}

/** Scratch belongs to the executor, so it is asked; nothing is allocated. */
async function scratchBytes(set: ProgramSet, threads: number): Promise<number> {
  const session = await loadBinding().createSession(await serialisePrograms(set), { threads })
  try {
    return session.memory.scratch
  } finally {
    await session.dispose()
  }
}

function describe(report: PlanReport): string {
  const rows = report.operations.map(({ name, op, phase, fused, shape, bytesRead, bytesWritten }) => [
    phase,
    op,
    name,
    fused.join(' + '),
    shape.join(' x '),
    size(bytesRead),
    size(bytesWritten),
  ])
  const totals = pairs([
    ['operations', String(report.operations.length)],
    ['bytes read a step', size(report.bytesRead)],
    ['bytes written a step', size(report.bytesWritten)],
    ...launchRows(report),
    ['kept for the backward pass', size(report.activationBytes)],
    ['  were activations stored too', size(report.activationBytesUnfused)],
    ...Object.entries(report.arenas).map(([arena, bytes]) => [`arena ${arena}`, size(bytes)] as const),
    ...(report.launches === undefined ? [['scratch of the executor', size(report.scratchBytes)] as const] : []),
    [report.launches === undefined ? 'all that a session allocates' : 'all arenas; the workspace of convolutions comes on top', size(report.peakBytes)],
  ])
  const head = `${report.network}, ${report.program}, batch ${report.batch}, ${report.device} ${report.precision}`
  return `${head}\n\n${table(['phase', 'operation', 'at', 'fused', 'writes', 'read', 'written'], rows)}\n\n${totals}`
}

function launchRows({ launches }: PlanReport): (readonly [label: string, value: string])[] {
  if (launches === undefined) return []
  const { total, convolutions, operations } = launches
  return [
    ['launches a step', count(total)],
    ['  convolutions, forward', count(convolutions.forward)],
    ['  convolutions, backward', count(convolutions.backward)],
    ...Object.entries(operations).flatMap(([op, launched]) => (op.startsWith('conv') ? [] : [[`  ${op}`, count(launched)] as const])),
  ]
}
