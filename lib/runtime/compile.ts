/** `compile`: options become programs, programs a native session with start values. */
import { createHash } from 'node:crypto'
import { throwIfAborted, unlessAborted } from '../abort.js'
import { compilePrograms, serializePrograms } from '../compiler/compile.js'
import type { ProgramOptions, ProgramRequest } from '../compiler/options.js'
import type { DeviceName } from '../compiler/program.js'
import { lossScaleOf } from '../compiler/update.js'
import { balancedWeights } from '../data/class_weights.js'
import type { Dataset } from '../data/dataset.js'
import type { Loader } from '../data/loader.js'
import { buildGraph } from '../graph/build.js'
import type { Network } from '../layers/layer.js'
import { PreresnetError } from '../errors.js'
import { libraryVersion, loadBinding } from '../native/load.js'
import { invalid } from '../options/values.js'
import { checkOptions, pick, withDefaults } from '../options/check.js'
import type { ValuesOf } from '../options/spec.js'
import { groupsOf } from '../options/parts.js'
import { programOptions } from '../options/table.js'
import { alone, type Ranks } from '../ranks/ranks.js'
import { chosenKernels } from './chosen_kernels.js'
import { cudaDevice, hasCuda } from './cuda.js'
import { chooseDevice } from './device.js'
import { writeLossScale } from './loss_scale.js'
import { updateOptions } from './optimizer.js'
import { checkOutputs, outputsOfGraph } from './outputs.js'
import { select } from './patterns.js'
import { fastestPrecision, type FastestPrecision } from './precision.js'
import { averagedEvaluation } from './evaluate.js'
import { checkGiven, completed, programInput } from './preparation.js'
import { warn } from './remembered.js'
import { Session } from './session.js'
import { sessionTable, type BatchSize, type SessionOptions } from './session_options.js'
import { writeStartValues } from './start_values.js'

/**
 * Compiles a network and prepares it; nothing is allocated if memory does not suffice.
 * @param network - What `network`, `preResNet` or `networkFromJson` made.
 * @param options - Device, precision, batch, data and optimizer.
 * @throws ERR_OPTION where an option is unknown, out of range or does not fit the others.
 * @throws ERR_SHAPE where a layer does not fit its input.
 * @throws ERR_DATASET where the network has another number of outputs than the data has classes.
 * @throws ERR_DEVICE where the device is not there or cannot compute in this precision.
 * @throws ERR_MEMORY where more memory is needed than there is.
 * @throws ERR_BINDING where the native addon is missing.
 * @throws ERR_ABORTED where `signal` ended it.
 */
export async function compile(network: Network, options: SessionOptions & BatchSize): Promise<Session> {
  return compileWith(network, options, () => [])
}

type LossSettings = Pick<ValuesOf<typeof sessionTable>, 'labelSmoothing' | 'softTargets' | 'loss' | 'targetThreshold' | 'classWeights' | 'mixup' | 'cutmix'>

function lossOf(
  { labelSmoothing: smoothing, softTargets, loss, targetThreshold, classWeights, ...mixing }: LossSettings,
  classes: number,
  dataset: Dataset | undefined,
): ProgramOptions['loss'] {
  const binary = loss === 'binary-cross-entropy'
  if (targetThreshold !== undefined && !binary) throw invalid('compile: targetThreshold', 'none without loss "binary-cross-entropy"', targetThreshold)
  if (softTargets && isMixed(mixing)) throw invalid('compile: softTargets', 'false with mixup or cutmix, which make targets of labels', softTargets)
  const weights = weightsOf(classWeights, classes, dataset)
  return {
    kind: 'crossEntropy',
    smoothing,
    softTargets,
    ...(weights.length > 0 && { classWeights: weights }),
    ...(binary && { of: 'binary' }),
    ...(targetThreshold !== undefined && { targetThreshold }),
  }
}

/** None, or one for each output. ERR_OPTION for another number of them. */
function weightsOf(given: LossSettings['classWeights'], classes: number, dataset: Dataset | undefined): readonly number[] {
  if (given === 'balanced' && dataset === undefined) throw invalid('compile: classWeights', 'numbers, or `data` to count the images of each class in', given)
  const weights = given === 'balanced' ? balancedWeights(dataset!) : given
  if (weights.length === 0 || weights.length === classes) return weights
  throw new PreresnetError('ERR_OPTION', `compile: classWeights: expected ${classes} numbers, one for each output, got ${weights.length}`)
}

function isMixed({ mixup, cutmix }: { readonly mixup: number; readonly cutmix: number }): boolean {
  return mixup > 0 || cutmix > 0
}

interface More {
  readonly aloneShare?: number
  readonly startValues?: boolean
  readonly probed?: readonly string[]
}

/**
 * @internal `compile` with more programs over the same weights, for other batches and sizes of images: `inferBy` and `evaluateBy` run them. `aloneShare`: see
 * `InferencePace`; startValues: without them parameters and running statistics are what `loadFirst` writes; probed: see
 * `ProgramOptions`.
 */
export async function compileWith(
  network: Network,
  options: SessionOptions & BatchSize,
  more: (device: DeviceName) => readonly ProgramRequest[],
  { aloneShare = 0, startValues = true, probed = [] }: More = {},
): Promise<Session> {
  if ((network as Partial<Network> | undefined | null)?.kind !== 'network') throw invalid('compile', 'a network', network)
  const { signal, ...given } = withDefaults(sessionTable, checkOptions('compile', sessionTable, options))
  throwIfAborted(signal)
  const chosen = chooseDevice(given.device, given.precision, { hasCuda })
  const { device } = chosen
  const cuda = cudaDevice('compile', device, given.cuda)
  const { data, optimizer, threads, seed, ranks = alone } = given
  const feed = data !== undefined && 'native' in data ? data : undefined
  const dataset = feed?.dataset ?? (data as Dataset | undefined)
  const batch = given.batch ?? sessionTable.batch.read('compile: batch', feed && feed.batch * ranks.size)
  if (feed !== undefined) checkFeed(feed, batch, { ...given, ranks })
  checkGiven(network, given.prepare ?? feed?.prepare, dataset, feed)
  if (options.ema !== undefined && optimizer === undefined) throw invalid('compile: ema', 'an optimizer beside', options.ema)
  if (options.frozen !== undefined && optimizer === undefined) throw invalid('compile: frozen', 'an optimizer beside', options.frozen)

  const graph = buildGraph(network)
  if (dataset !== undefined) checkOutputs('compile: data', dataset, { name: network.name, outputs: outputsOfGraph(graph) })
  const prepare = await completed(network, given.prepare ?? feed?.prepare, dataset, signal)
  const measured = device === 'cpu' && given.precision === 'auto'
  const usual: FastestPrecision = {
    precision: chosen.precision,
    reason: given.precision === 'auto' ? `it is the usual one of device ${device}` : 'the option names it',
    notes: [],
  }
  const pace = optimizer === undefined ? { batch, aloneShare } : undefined
  const choose = async (): Promise<FastestPrecision> => (measured && ranks.rank === 0 ? unlessAborted(fastestPrecision(graph, threads, pace), signal) : usual)
  const { precision, reason, notes } = await ranks.same(await choose())
  warn(notes)
  const norms = graph.nodes.filter(({ kind }) => kind === 'batchNorm').map(({ name }) => name)
  const plan: ProgramOptions = {
    device,
    precision,
    batch,
    programs: [
      ...(optimizer === undefined ? [] : (['train'] as const)),
      ...(given.evaluation ? (['evaluate'] as const) : []),
      ...(given.evaluation && given.ema !== undefined ? [averagedEvaluation] : []),
      'infer',
      ...more(device),
    ],
    input: programInput(network, prepare),
    loss: lossOf(given, outputsOfGraph(graph)!, dataset),
    ...(isMixed(given) && optimizer !== undefined && { mix: true }),
    ...(given.ema && { ema: given.ema }),
    ...(optimizer && { update: updateOptions(graph, optimizer, given.frozen) }),
    ...pick(programOptions, given),
    ...(ranks.size > 1 && { ranks: ranks.size }),
    ...(probed.length > 0 && { probed }),
    frozenStatistics: [...select('compile: frozenStatistics', given.frozenStatistics, norms)],
    ...(cuda && {
      arch: cuda.architecture,
      deterministic: cuda.session.deterministic === true,
      ...(cuda.lossScale !== undefined && { lossScale: cuda.lossScale }),
    }),
  }
  const tuned = cuda === undefined ? plan : { ...plan, ...(await chosenKernels(graph, plan, cuda, signal)) }
  const programs = await compilePrograms(graph, tuned, undefined, signal)
  const text = await serializePrograms(programs, signal)
  await checkSamePrograms(ranks, text)
  const settings = { threads, ...(cuda && { cuda: cuda.session }), ...(ranks.native && { ranks: ranks.native }) }
  const native = await loadBinding().createSession(text, settings, signal)
  try {
    await native.allocate()
    if (startValues) await writeStartValues(native, graph, seed, signal)
    await writeLossScale(native, programs, lossScaleOf(tuned))
    throwIfAborted(signal)
    return new Session(native, { network, graph, programs, plan: tuned, precisionReason: reason, seed, feed, dataset, prepare, ranks })
  } catch (error) {
    await native.dispose()
    throw error
  }
}

/** ERR_OPTION where a loader's batches are of another size, or another rank's. */
function checkFeed(
  feed: Loader,
  batch: number,
  parts: Pick<ValuesOf<typeof sessionTable>, 'statisticsGroups' | 'accumulate'> & { readonly ranks: Ranks },
): void {
  const { rank, size } = parts.ranks
  const groups = groupsOf({ ...parts, ranks: size })
  if (feed.mixes && feed.groups !== groups) throw invalid('compile: data', `a loader of ${groups} groups, as the step has groups of statistics`, feed.groups)
  if (feed.batch * size !== batch) throw invalid('compile: batch', `the loader's ${feed.batch * size}`, batch)
  if (size > 1 && (feed.rank !== rank || feed.ranks !== size))
    throw invalid('compile: data', `a loader of rank ${rank} of ${size}`, `rank ${feed.rank} of ${feed.ranks}`)
}

/** Ranks that compute different things would wait for each other, or add what does not belong together. */
async function checkSamePrograms(ranks: Ranks, programs: string): Promise<void> {
  if (ranks.size === 1) return
  const own = { version: libraryVersion(), programs: createHash('sha256').update(programs).digest('hex').slice(0, 12) }
  const all = await ranks.gather(own)
  const other = all.findIndex(({ version, programs: hash }) => version !== all[0]!.version || hash !== all[0]!.programs)
  if (other < 0) return
  const shown = ({ version, programs: hash }: typeof own): string => `version ${version} and programs ${hash}`
  throw new PreresnetError(
    'ERR_RANK',
    `rank ${other}: expected ${shown(all[0]!)}, as on rank 0, got ${shown(all[other]!)}; start all ranks with the same options, data and version of preresnet`,
  )
}
