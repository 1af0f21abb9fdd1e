/** `compile`: options become programs, programs a native session with start values. */
import { abortSignal, throwIfAborted, unlessAborted } from '../abort.js'
import { compilePrograms, serialisePrograms } from '../compiler/compile.js'
import type { CompileOptions, ConvolutionChoice } from '../compiler/options.js'
import { lossScaleOf } from '../compiler/update.js'
import type { Dataset } from '../data/dataset.js'
import { checkDatasetOrLoader, type Loader } from '../data/loader.js'
import { PreresnetError } from '../errors.js'
import { buildGraph } from '../graph/build.js'
import type { Network } from '../layers/layer.js'
import { loadBinding } from '../native/load.js'
import { boolean, integer, invalid, knownKeys, number } from '../options.js'
import { chosenKernels } from './chosen_kernels.js'
import { cudaPlace, hasCuda, type CudaSettings } from './cuda.js'
import { chooseDevice, type DeviceChoice, type PrecisionChoice } from './device.js'
import { writeLossScale } from './loss_scale.js'
import { checkOptimizer, updateOptions, type SgdOptimizer } from './optimizer.js'
import { checkOutputs, outputsOfGraph } from './outputs.js'
import { select } from './patterns.js'
import { fastestPrecision } from './precision.js'
import { warn } from './remembered.js'
import { Session } from './session.js'
import { writeStartValues } from './start_values.js'

export interface SessionOptions {
  /** A loader whose batches `steps` reads, or a dataset that only says what images are like. @default none: values are handed over, see `step` */
  readonly data?: Dataset | Loader
  /** Images of a training step. @default the loader's */
  readonly batch?: number
  /** @default 'auto' */
  readonly device?: DeviceChoice
  /**
   * Types in memory and of arithmetic; parameters and sums are fp32 in each. 'auto': fp16 on CUDA; on the CPU the fastest for networks of
   * this kind, by a measurement of about a second at first use, which is remembered. @default 'auto'
   */
  readonly precision?: PrecisionChoice
  /** 0: what user, cores and cgroup allow. Results do not depend on it. @default 0 */
  readonly threads?: number
  /** Of start values and dropout. @default 0 */
  readonly seed?: number
  /** @default none: the session only evaluates and infers */
  readonly optimizer?: SgdOptimizer
  /** 0 to 1. @default 0 */
  readonly labelSmoothing?: number
  /** Training batches bring `targets`, N x classes. @default false */
  readonly softTargets?: boolean
  /** Parameters (names, paths above them, patterns with `*`) that are not trained. @default [] */
  readonly frozen?: readonly string[]
  /** Norms that use and keep their running statistics while training. @default [] */
  readonly frozenStatistics?: readonly string[]
  /** Groups of consecutive images with BN statistics of their own. @default 1 */
  readonly statisticsGroups?: number
  /** 'auto': Winograd where it is faster, in networks of up to 512 convolutions; 'direct': never, for the last digits. @default 'auto' */
  readonly convolution?: ConvolutionChoice
  /**
   * Of each residual stream every n-th sum is kept for the backward pass, the others are computed again: less memory for some more time, the same
   * results. 1: all are kept. @default 1
   */
  readonly recompute?: number
  /** Whether `evaluate` shall be there. A session for inference alone is made in less time, and plans less memory without. @default true */
  readonly evaluation?: boolean
  /** For device `cuda`; an error on others. */
  readonly cuda?: CudaSettings
  /** Ends `compile` itself, with ERR_ABORTED; the session's calls have signals of their own. */
  readonly signal?: AbortSignal
}

/** What says how many images a training step has: a loader, or the number. */
export type BatchSize = { readonly data: Loader } | { readonly batch: number }

const optionNames = [
  'data',
  'batch',
  'device',
  'precision',
  'threads',
  'seed',
  'optimizer',
  'labelSmoothing',
  'softTargets',
  'frozen',
  'frozenStatistics',
  'statisticsGroups',
  'convolution',
  'recompute',
  'evaluation',
  'cuda',
  'signal',
] as const
/** Compiles a network and prepares it; nothing is allocated if memory does not suffice (ERR_MEMORY). */
export async function compile(network: Network, options: SessionOptions & BatchSize): Promise<Session> {
  if ((network as Partial<Network> | undefined | null)?.kind !== 'network') throw invalid('compile', 'a network', network)
  knownKeys('compile', options, optionNames)
  const signal = abortSignal('compile: signal', options.signal)
  throwIfAborted(signal)
  const chosen = chooseDevice(options.device, options.precision, { hasCuda })
  const { device } = chosen
  const cuda = cudaPlace('compile', device, options.cuda)
  const data = options.data === undefined ? undefined : checkDatasetOrLoader('compile: data', options.data)
  const feed = data !== undefined && 'native' in data ? data : undefined
  const dataset = feed?.dataset ?? (data as Dataset | undefined)
  const optimizer = options.optimizer === undefined ? undefined : checkOptimizer('compile: optimizer', options.optimizer)
  const batch = integer('compile: batch', options.batch ?? feed?.batch, 1, 1 << 20)
  if (feed !== undefined && feed.batch !== batch) throw invalid('compile: batch', `the loader's ${feed.batch}`, batch)
  const seed = integer('compile: seed', options.seed ?? 0, 0)
  const threads = integer('compile: threads', options.threads ?? 0, 0, 1024)
  const smoothing = number('compile: labelSmoothing', options.labelSmoothing ?? 0, 0, 1)
  const softTargets = boolean('compile: softTargets', options.softTargets ?? false)
  const evaluation = boolean('compile: evaluation', options.evaluation ?? true)
  if (dataset !== undefined) checkImages(network, dataset)
  if (options.frozen !== undefined && optimizer === undefined) throw invalid('compile: frozen', 'an optimizer beside', options.frozen)

  const graph = buildGraph(network)
  if (dataset !== undefined) checkOutputs('compile: data', dataset, { name: network.name, outputs: outputsOfGraph(graph) })
  const measured = device === 'cpu' && (options.precision ?? 'auto') === 'auto'
  const { precision, notes } = measured ? await unlessAborted(fastestPrecision(graph, threads), signal) : { precision: chosen.precision, notes: [] }
  warn(notes)
  const norms = graph.nodes.filter(({ kind }) => kind === 'batchNorm').map(({ name }) => name)
  const plan: CompileOptions = {
    device,
    precision,
    batch,
    programs: [...(optimizer === undefined ? [] : (['train'] as const)), ...(evaluation ? (['evaluate'] as const) : []), 'infer'],
    input: dataset === undefined ? { kind: 'tensor' } : { kind: 'images', ...size(dataset), pad: feed?.pad ?? 0, ...dataset.normalisation },
    loss: { kind: 'crossEntropy', smoothing, softTargets },
    ...(optimizer && { update: updateOptions(graph, optimizer, options.frozen ?? []) }),
    statisticsGroups: integer('compile: statisticsGroups', options.statisticsGroups ?? 1, 1),
    convolution: options.convolution ?? 'auto',
    recompute: integer('compile: recompute', options.recompute ?? 1, 1),
    frozenStatistics: [...select('compile: frozenStatistics', options.frozenStatistics ?? [], norms)],
    ...(cuda && {
      arch: cuda.architecture,
      deterministic: cuda.session.deterministic === true,
      ...(cuda.lossScale !== undefined && { lossScale: cuda.lossScale }),
    }),
  }
  const tuned = cuda === undefined ? plan : { ...plan, ...(await chosenKernels(graph, plan, cuda, signal)) }
  const programs = await compilePrograms(graph, tuned, undefined, signal)
  const native = await loadBinding().createSession(await serialisePrograms(programs, signal), { threads, ...(cuda && { cuda: cuda.session }) }, signal)
  try {
    await native.allocate()
    await writeStartValues(native, graph, seed, signal)
    await writeLossScale(native, programs, lossScaleOf(tuned))
    throwIfAborted(signal)
    return new Session(native, { network, graph, programs, plan: tuned, seed, feed, dataset })
  } catch (error) {
    await native.dispose()
    throw error
  }
}
function size({ shape: { height, width } }: Dataset): { height: number; width: number } {
  return { height, width }
}

function checkImages({ input }: Network, { name, shape }: Dataset): void {
  if (shape.height === input.height && shape.width === input.width && shape.channels === input.channels) return
  throw new PreresnetError(
    'ERR_SHAPE',
    `${name}: the network takes images of ${input.height} x ${input.width} x ${input.channels} (height, width, channels), got ${shape.height} x ${shape.width} x ${shape.channels}`,
  )
}
