import { compilePrograms, serializePrograms } from '../compiler/compile.js'
import type { ProgramOptions } from '../compiler/options.js'
import type { DeviceName, ProgramSet } from '../compiler/program.js'
import { type PlanReport, planReport } from '../compiler/report.js'
import { buildGraph, type Graph } from '../graph/index.js'
import type { Network } from '../layers/index.js'
import { invalid } from '../options/values.js'
import { loadBinding } from '../native/load.js'
import { chosenKernels } from '../runtime/chosen_kernels.js'
import { type CudaDevice, cudaDevice } from '../runtime/cuda.js'
import { chooseDevice } from '../runtime/device.js'
import { updateOptions } from '../runtime/optimizer.js'
import { sgd } from '../training/sgd.js'
import { pick } from '../options/check.js'
import { choiceOption, flagOption, integerOption, variant } from '../options/spec.js'
import { cudaOptions, deviceOptions, programOptions, runOptions } from '../options/table.js'
import { sharedOptions } from '../runtime/session_options.js'
import type { CommandSpec } from './command.js'
import { chooseNetwork, networkOptions, sizeOf, sizeOptions } from './model_options.js'
import { printJson } from './json/document.js'
import { planDocument } from './json/plan.js'
import type { Scaling } from './json/scaling.js'
import { count, pairs, percent, print, size, table } from './output.js'
import { passedOn } from './device_options.js'
import { describeScaling, imagesOfRank, scalingOf, scalingOptions } from './plan_scaling.js'
import type { Work } from './scaling.js'
import { loweringOf, tierOption } from './tier_option.js'
import { type Timing, timeProgram } from './time.js'

const options = {
  ...networkOptions,
  ...sizeOptions,
  ...deviceOptions,
  ...programOptions,
  // A program can be made for a device that is not there.
  device: variant(deviceOptions.device, { help: 'for whom' }),
  precision: variant(deviceOptions.precision, { help: 'arithmetic' }),
  arch: integerOption({
    group: 'CUDA',
    help: 'compute capability, 90 for an H100',
    unit: null,
    minimum: 1,
    maximum: 1000,
    usual: '90; with --time that of the device',
  }),
  ...tierOption,
  cudaIndex: variant(cudaOptions.index, { fallback: undefined }),
  batch: runOptions.batch,
  ...scalingOptions,
  program: choiceOption({ group: 'Command', help: 'which program to show', choices: ['train', 'evaluate', 'infer'], fallback: 'train' }),
  time: flagOption({
    group: 'Command',
    help: 'run it on random images and show what each operation takes, beside what this machine reaches at best',
    fallback: false,
  }),
}

export const plan: CommandSpec<typeof options> = {
  name: 'plan',
  emulates: true,
  summary: 'the program of a network: its operations, what was fused into them, bytes read and written, memory',
  arguments: [['[network]', 'a name as preresnet-164']],
  options,
  json: planDocument,
  examples: [
    ['plan preresnet-164 --batch 128', 'operation by operation'],
    ['plan preresnet-164 --batch 128 --precision bf16 --json', 'for a script'],
    ['plan preresnet-200 --program infer --batch 1 --time', 'milliseconds, GFLOP/s and GB/s of each operation'],
    ['plan preresnet-164 --batch 128 --activation-checkpointing 4', 'what recomputing saves'],
    ['plan preresnet-200 --device cuda --arch 90 --precision fp16', 'launches of a GPU that need not be there'],
    ['plan preresnet-200 --device cuda --time --tier plain', 'what each takes on the GPU, with cuDNN fusing nothing'],
    ['plan preresnet-164 --batch 8192 --time --ranks 64 --network-bandwidth 10 --network-latency 30', 'what 64 machines with 128 images each would make of it'],
  ],
  async run(values, [name]) {
    const { json, program, threads, time, tier } = values
    const batch = imagesOfRank(values)
    const network = chooseNetwork(name as string | undefined, values, sizeOf(values))
    const graph = buildGraph(network)
    const chosen = chooseDevice(values.device, values.precision)
    const gpu = time ? gpuOf(chosen.device, values) : undefined
    const arch = gpu?.architecture ?? values.arch
    const shape = { ...chosen, ...pick(programOptions, values), batch, ...(arch !== undefined && { arch }), ...loweringOf(tier, chosen) }
    const plan = trainingPlan(graph, network, shape)
    const choices = gpu === undefined || tier !== undefined ? {} : await chosenKernels(graph, plan, gpu)
    const set = await compilePrograms(graph, { ...plan, ...choices })
    const report = planReport(set, program, chosen.device === 'cuda' ? 0 : await scratchBytes(set, threads))
    const sizes = { ...report, program, allocatedBytes: report.peakBytes }
    if (!time) {
      const scaling = scalingOf(set, values)
      if (json) printJson(planDocument, { ...sizes, ...(scaling && { scaling }) })
      else print(withScaling(describe(report), scaling))
      return 0
    }
    const timing = await timeProgram(network, set, report, { threads, ...(gpu && { cuda: gpu.session }) })
    const operations = report.operations.map((operation, index) => ({ ...operation, ...timing.operations[index] }))
    const scaling = scalingOf(set, values, workIn(report, timing))
    if (json) printJson(planDocument, { ...sizes, ...timing, peakBytesPerSecond: timing.peakBytes, operations, ...(scaling && { scaling }) })
    else print(withScaling(describeTiming(report, timing), scaling))
    return 0
  },
}

const withScaling = (text: string, scaling: Scaling | undefined): string => (scaling === undefined ? text : `${text}\n\n${describeScaling(scaling)}`)

/** Of a whole step: all its accumulations, and the update. */
function workIn({ operations, accumulations = 1 }: PlanReport, timing: Timing): Work {
  const seconds = { forward: 0, loss: 0, backward: 0, update: 0 }
  operations.forEach(({ phase }, index) => (seconds[phase] += timing.operations[index]!.milliseconds / 1000))
  const { forward, loss, backward, update } = seconds
  return { seconds: accumulations * (forward + loss + backward) + update, backward }
}

/** The GPU that a program is timed on; it has to be there. ERR_OPTION where it is another than `--arch` says. */
function gpuOf(device: DeviceName, values: { readonly json: boolean; readonly arch: number | undefined }): CudaDevice | undefined {
  const { arch } = values
  const gpu = cudaDevice('plan', device, passedOn(sharedOptions, values).cuda)
  if (gpu !== undefined && arch !== undefined && arch !== gpu.architecture) throw invalid('--arch', `the device's, ${gpu.architecture}, with --time`, arch)
  return gpu
}

type Shape = Pick<ProgramOptions, 'device' | 'precision' | 'batch' | keyof typeof programOptions | 'arch' | 'lowering'>

/** What a training session compiles for images of the network's size. */
function trainingPlan(graph: Graph, network: Network, shape: Shape): ProgramOptions {
  const { height, width, channels } = network.input
  const each = (value: number): number[] => new Array<number>(channels).fill(value)
  return {
    ...shape,
    programs: ['train', 'evaluate', 'infer'],
    input: { kind: 'images', height, width, pad: 0, mean: each(0.5), std: each(0.2) },
    loss: { kind: 'crossEntropy', smoothing: 0, softTargets: false },
    update: updateOptions(graph, sgd(), []),
  }
}

/** Scratch belongs to the executor, so it is asked; nothing is allocated. */
async function scratchBytes(set: ProgramSet, threads: number): Promise<number> {
  const session = await loadBinding().createSession(await serializePrograms(set), { threads })
  try {
    return session.memory.scratch
  } finally {
    await session.dispose()
  }
}

function describeTiming(report: PlanReport, timing: Timing): string {
  const { operations, milliseconds, runs, peakBytes } = timing
  const rows = report.operations.map(({ name, op, flops }, index) => {
    const { milliseconds: time, flopsPerSecond, bytesPerSecond, shareOfPeak } = operations[index]!
    return [op, name, time.toFixed(3), flops === 0 ? '-' : giga(flopsPerSecond), giga(bytesPerSecond), percent(shareOfPeak, 0)]
  })
  const flops = report.operations.reduce((sum, operation) => sum + operation.flops, 0)
  const seconds = milliseconds / 1000
  const totals = pairs([
    ['all operations', `${milliseconds.toFixed(2)} ms, the median of ${runs} runs each`],
    ['images/s', (report.batch / seconds).toFixed(1)],
    ['arithmetic, as of direct convolutions', `${giga(flops / seconds)} GFLOP/s`],
    ['operands, each read or written once', `${giga(report.bytesMoved / seconds)} GB/s`],
    peakArithmetic(report, timing),
    ['peak of large copies, read and written', `${giga(peakBytes)} GB/s`],
  ])
  const head = headOf(report)
  const note =
    'Of peak: the time that the machine would need at best, for the arithmetic or for the operands, whichever is longer, as a share of the time taken.\n' +
    'Above 100 % where an algorithm multiplies less than direct convolution, in bf16 arithmetic, or where operands lay in a cache.' +
    (timing.threads === undefined
      ? '\nOperations are launched one by one: of one that is shorter than its launch, some microseconds, the launch is what is seen.'
      : '')
  return `${head}\n\n${table(['operation', 'at', 'ms', 'GFLOP/s', 'GB/s', 'of peak'], rows)}\n\n${totals}\n\n${note}`
}

function headOf({ network, program, batch, accumulations, device, precision }: PlanReport): string {
  const parts = accumulations === undefined ? '' : `\nbatch ${batch} at a time, ${accumulations} times a step; the figures are those of one time and the update`
  return `${network}, ${program}, batch ${batch}, ${device} ${precision}${parts}`
}

function peakArithmetic({ precision }: PlanReport, { peakFlops, instructions, threads }: Timing): readonly [label: string, value: string] {
  if (threads === undefined) return [`peak arithmetic, a matrix product in ${precision}`, `${giga(peakFlops)} GFLOP/s`]
  return ['peak arithmetic, fp32 in registers', `${giga(peakFlops)} GFLOP/s on ${threads} threads, ${instructions}`]
}

function giga(value: number): string {
  return (value / 1e9).toFixed(1)
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
    ...Object.entries(report.arenas).map(([arena, bytes]) => {
      const within = arena === 'gradients' && report.gradientsAt !== undefined
      return [`arena ${arena}`, within ? `${size(bytes)} of arena activations` : size(bytes)] as const
    }),
    ...(report.launches === undefined ? [['scratch of the executor', size(report.scratchBytes)] as const] : []),
    [report.launches === undefined ? 'all that a session allocates' : 'all arenas; the workspace of convolutions comes on top', size(report.peakBytes)],
  ])
  const head = headOf(report)
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
