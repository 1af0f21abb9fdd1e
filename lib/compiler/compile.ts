/**
 * A graph and options to a set of programs over one parameter arena. The steps are generators: after each node they may be left, so
 * that compiling a thousand layers never holds the event loop for more than a few milliseconds.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { throwIfAborted } from '../abort.js'
import { PreresnetError } from '../errors.js'
import type { Graph } from '../graph/graph.js'
import { boolean, integer, invalid, knownKeys, oneOf } from '../options/values.js'
import { checkOptions, pick, withDefaults } from '../options/check.js'
import { checkParts } from '../options/parts.js'
import { runOptions } from '../options/table.js'
import { Backward } from './backward.js'
import { contractsVersion } from '../contracts.js'
import { Draft, type DraftTensor } from './draft.js'
import { Forward, imageShape } from './forward.js'
import { tensorTypes, type TensorTypes } from './layout.js'
import { Linker } from './linker.js'
import { compilerKeys, compilerTable, type ProgramOptions, type ProgramKind } from './options.js'
import { lower } from './lower/lower.js'
import type { Site } from './lower/engines.js'
import { DEFAULT_ARCH, hasCopies, targetOf } from './lower/target.js'
import { planParameters, type ParameterPlan } from './parameters.js'
import { type Planned, plannedPrograms } from './planned.js'
import { checkpointActivations } from './activation_checkpointing.js'
import { GradientBuckets } from './gradient_buckets.js'
import type { Program, ProgramSet } from './program.js'
import { emitAccumulate, emitAllReduce, emitEma, emitUpdate, lossScaleOf, optimizerStates, type Reduction } from './update.js'

/**
 * Rounding grows with depth: after a thousand layers Winograd's few 1e-7 a layer have moved the loss by some 1e-4, direct convolution's by some
 * 1e-5. Deeper networks than this are convolved directly.
 */
const WINOGRAD_DEPTH = 512

/** Milliseconds of work between two turns of the event loop. */
const SLICE = 4

/**
 * Compiles a graph to programs; it lets other work through every few milliseconds, and looks at the signal then.
 * @param graph - What `buildGraph` made.
 * @param options - For which device, precision and batch.
 * @param seen - Where it notes the convolutions that it met, by the keys of `Choices`.
 * @param signal - What ends it.
 * @throws ERR_OPTION where an option is unknown or out of range.
 * @throws ERR_SHAPE where a norm would see a single value.
 * @throws ERR_DEVICE where the device cannot compute in this precision.
 * @throws ERR_ABORTED where `signal` ended it.
 */
export async function compilePrograms(graph: Graph, options: ProgramOptions, seen?: Map<string, Site>, signal?: AbortSignal): Promise<ProgramSet> {
  throwIfAborted(signal)
  const steps = compileSteps(graph, options, seen)
  for (;;) {
    const end = performance.now() + SLICE
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done === true) return step.value
      if (performance.now() >= end) break
    }
    await nextTurn()
    throwIfAborted(signal)
  }
}

/** JSON of a program set in pieces of bounded work. */
export async function serializePrograms(set: ProgramSet, signal?: AbortSignal): Promise<string> {
  const pieces: string[] = []
  let end = performance.now() + SLICE
  const list = async (items: readonly unknown[]): Promise<string> => {
    const texts: string[] = []
    for (const item of items) {
      texts.push(JSON.stringify(item))
      if (performance.now() < end) continue
      await nextTurn()
      throwIfAborted(signal)
      end = performance.now() + SLICE
    }
    return `[${texts.join(',')}]`
  }
  for (const [name, program] of Object.entries(set.programs)) {
    const { operations, ...head } = program
    pieces.push(`${JSON.stringify(name)}:${JSON.stringify(head).slice(0, -1)},"operations":${await list(operations)}}`)
  }
  const { tensors, programs: _programs, ...head } = set
  return `${JSON.stringify(head).slice(0, -1)},"tensors":${await list(tensors)},"programs":{${pieces.join(',')}}}`
}

/** `seen` gathers the convolutions for which a kernel was chosen; of a GPU's programs. */
function* compileSteps(graph: Graph, options: ProgramOptions, seen?: Map<string, Site>): Generator<void, ProgramSet> {
  checkAll(graph, options)
  const types = tensorTypes(options.device, options.precision)
  const planned = plannedPrograms(graph, options)
  const trains = planned.some(({ kind }) => kind === 'train')
  const external = options.loss.kind === 'externalGradient'
  const settings = options.update?.settings
  const target = targetOf(options)
  const parameters = planParameters(graph, types, {
    trainable: (name) => trains && (external || settings?.[name] !== undefined),
    apart: target !== undefined,
    copies: target !== undefined && hasCopies(target),
    scaler: target !== undefined && trains && options.update !== undefined,
    states: optimizerStates(options.update),
    averages: trains && options.update !== undefined && options.ema !== undefined,
    accumulate: options.accumulate ?? 1,
  })
  const linker = new Linker(parameters, target === undefined)
  const programs: Record<string, Program> = {}
  for (const plan of planned) {
    const draft = yield* draftProgram(plan, options, types, parameters)
    const copies = plan.weights === 'ema' ? parameters.averagedCopies : parameters.copies
    programs[plan.name] = yield* linker.link(plan.name, target === undefined ? draft : yield* lower(draft, { ...target, seen }, copies))
  }
  const { copies } = parameters.views
  if (copies !== undefined) programs['refresh'] = yield* linker.link('refresh', refreshDraft(options, types, parameters, copies))
  return {
    format: 1,
    contracts: contractsVersion,
    network: graph.name,
    device: options.device,
    precision: options.precision,
    arenas: linker.arenas(),
    ...(linker.gradientsAt !== undefined && { gradientsAt: linker.gradientsAt }),
    tensors: linker.specs,
    programs,
  }
}

function checkAll(graph: Graph, options: ProgramOptions): void {
  knownKeys('compile', options, compilerKeys)
  oneOf('compile: device', options.device, ['reference', 'cpu', 'cuda'])
  checkTarget(options)
  runOptions.batch.read('compile: batch', options.batch)
  const given = withDefaults(compilerTable, checkOptions('compile', compilerTable, pick(compilerTable, options)))
  const ranks = integer('compile: ranks', options.ranks ?? 1, 1)
  checkParts('compile', options.batch, { ...given, ranks })
  if (given.accumulate > 1) checkParted('accumulate', given.accumulate, options)
  if (ranks > 1) checkParted('ranks', ranks, options)
  if (boolean('compile: mix', options.mix ?? false)) checkMixed(options)
  boolean('compile: inputGradient', options.inputGradient ?? false)
  const output = graph.nodes.at(-1)
  if (options.loss.kind === 'crossEntropy' && output?.shape.kind !== 'features') {
    throw new PreresnetError(
      'ERR_SHAPE',
      `${output?.name ?? graph.name}: expected logits for a cross-entropy loss, got a feature map; end the network with a classifier`,
    )
  }
  if (options.loss.kind === 'externalGradient' && output?.shape.kind !== 'image') {
    throw new PreresnetError('ERR_SHAPE', `${output?.name ?? graph.name}: expected a feature map for an external gradient`)
  }
  if (options.programs.includes('train') && options.loss.kind === 'crossEntropy' && options.update === undefined) {
    throw invalid('compile: update', 'the settings of the optimizer', options.update)
  }
  const names = new Set(graph.parameters.map((parameter) => parameter.name))
  for (const name of Object.keys(options.update?.settings ?? {})) {
    if (!names.has(name)) throw new PreresnetError('ERR_PARAMETER', `compile: the network has no parameter ${JSON.stringify(name)}`)
  }
}

/** What is mixed becomes the loss's targets, which nobody else gives then. */
function checkMixed({ loss, inputGradient }: ProgramOptions): void {
  if (loss.kind !== 'crossEntropy' || loss.softTargets) throw invalid('compile: mix', 'false with soft targets or an external gradient', true)
  if (inputGradient === true) throw invalid('compile: inputGradient', 'false with mix', inputGradient)
}

/** Accumulations and ranks need a device that has kernels for them, and images, of which each computes its own. */
function checkParted(option: 'accumulate' | 'ranks', value: number, options: ProgramOptions): void {
  const where = `compile: ${option}`
  if (targetOf(options) !== undefined) {
    throw new PreresnetError(
      'ERR_DEVICE',
      `${where}: expected 1 on device ${options.device}, which has no kernels for ${option === 'ranks' ? 'several ranks' : 'accumulation'} yet, got ${value}`,
    )
  }
  if (options.input.kind === 'tensor' && options.programs.includes('train')) {
    throw new PreresnetError('ERR_OPTION', `${where}: expected 1 where values are handed over (\`x\`), got ${value}; with \`prepare\` a session takes images`)
  }
}

function checkTarget(options: ProgramOptions): void {
  const { device, arch, choices, lossScale, deterministic } = options
  integer('compile: arch', arch ?? DEFAULT_ARCH, 1, 1_000)
  if (targetOf(options) !== undefined) return
  for (const [name, value] of Object.entries({ arch, choices, lossScale, deterministic })) {
    if (value !== undefined) throw invalid(`compile: ${name}`, `none on device ${device}`, value)
  }
}

function depthOf(graph: Graph): number {
  return graph.nodes.filter((node) => node.kind === 'conv2d').length
}

function* draftProgram(plan: Planned, options: ProgramOptions, types: TensorTypes, parameters: ParameterPlan): Generator<void, Draft> {
  const { graph } = plan
  const { accumulate = 1, ranks = 1 } = options
  const training = plan.kind === 'train'
  const onCpu = options.device === 'cpu'
  const winograd = onCpu && options.convolution !== 'direct' && depthOf(graph) <= WINOGRAD_DEPTH
  const draft = new Draft(types, plan.batch, training ? (options.statisticsGroups ?? 1) : 1, winograd, options.precision === 'bf16-native', onCpu)
  const averaged = plan.weights === 'ema'
  const { averages, averagedCopies } = parameters.averageViews ?? {}
  // What convolutions read is a copy, which nobody else makes of averages.
  if (averaged && averages !== undefined && averagedCopies !== undefined)
    draft.emit('compute_weights', 'copies', ['copies'], { weights: averages, copies: averagedCopies }, {})
  const forward = new Forward(graph, draft, averaged ? parameters.averages : parameters.tensors, {
    training,
    fold: targetOf(options) === undefined,
    perImage: !training && options.device === 'cpu',
    frozenStatistics: new Set(options.frozenStatistics ?? []),
    ranks: training && options.synchronizedBatchNorm === true ? ranks : 1,
  })
  const given = givenTensors(plan, draft, options)
  yield* forward.run(training && options.mix === true ? mixed(draft, given, options) : given.x)
  const probed = training ? probedNodes(graph, options.probed ?? []) : []
  for (const { id, name } of probed) publish(forward.materializer.store(forward.expression(id), name, []), probedTensors(name).signal)
  const gradient = output(plan.kind, draft, forward, options, types, parameters.scaler, given)
  if (!training || gradient === undefined) return draft

  draft.phase = 'backward'
  const backward = new Backward(forward, {
    gradient: (parameter) => parameters.gradients.get(parameter),
    inputGradient: options.inputGradient ?? false,
    stridedFirst: targetOf(options) !== undefined,
    probed: new Set(probed.map(({ id }) => id)),
  })
  if (options.loss.kind === 'externalGradient') backward.seedImage(gradient)
  else backward.seedFeatures(gradient)
  const reduction = ranks > 1 ? { ranks, fast: options.reduction === 'fast', whole: wholeGradients(graph, options) } : undefined
  const buckets = bucketsOf(draft, parameters, options, reduction)
  for (const _ of backward.run()) {
    buckets?.collect()
    yield
  }
  for (const { id, name } of probed) publish(backward.probes.get(id)!, probedTensors(name).gradient)
  if (backward.inputGradient !== undefined) publish(forward.materializer.store(backward.inputGradient, 'dx', []), 'dx')

  if (accumulate > 1) emitAccumulate(draft, parameters, accumulate, metricsOf(draft))
  if (reduction !== undefined) emitAllReduce(draft, parameters, reduction, metricsOf(draft))
  if (options.update !== undefined) emitUpdate(draft, parameters, options.update, lossScaleOf(options))
  if (options.ema !== undefined) emitEma(draft, parameters, options.ema)
  const every = options.activationCheckpointing ?? 1
  return every > 1 ? yield* checkpointActivations(draft, every) : draft
}

/** Names of what `probed` leaves of a node. */
export function probedTensors(node: string): { readonly signal: string; readonly gradient: string } {
  return { signal: `probed/${node}`, gradient: `probed-gradient/${node}` }
}

function probedNodes({ nodes }: Graph, names: readonly string[]): Graph['nodes'] {
  return names.map((name) => {
    const node = nodes.find((each) => each.name === name && each.shape.kind === 'image')
    if (node === undefined) throw invalid('compile: probed', 'names of nodes with feature maps', name)
    return node
  })
}

/**
 * None where gradients are complete only behind the last accumulation, and where norms exchange sums meanwhile: both at a time would reach the ranks in different
 * orders.
 */
function bucketsOf(draft: Draft, parameters: ParameterPlan, options: ProgramOptions, reduction: Reduction | undefined): GradientBuckets | undefined {
  const { accumulate = 1, synchronizedBatchNorm = false, reductionBucket = compilerTable.reductionBucket.fallback } = options
  if (reduction === undefined || accumulate > 1 || synchronizedBatchNorm || reductionBucket === 0) return undefined
  return new GradientBuckets(draft, parameters, reduction, (reductionBucket * 1024) / Float32Array.BYTES_PER_ELEMENT)
}

/** Parameters of norms whose gradients come from the sums of all ranks, so that each rank has all of them. */
function wholeGradients({ nodes }: Graph, { synchronizedBatchNorm, frozenStatistics = [] }: ProgramOptions): ReadonlySet<string> {
  if (synchronizedBatchNorm !== true) return new Set()
  return new Set(nodes.flatMap((node) => (node.kind === 'batchNorm' && !frozenStatistics.includes(node.name) ? [node.weight, node.bias] : [])))
}

function metricsOf({ operations }: Draft): DraftTensor | undefined {
  for (const { op, operands } of operations) if (op === 'softmax_cross_entropy' || op === 'binary_cross_entropy') return operands.metrics
  return undefined
}

/** Run when parameters were written from outside: what convolutions read is a copy. */
function refreshDraft(options: ProgramOptions, types: TensorTypes, { views }: ParameterPlan, copies: DraftTensor): Draft {
  const draft = new Draft(types, options.batch, 1)
  draft.phase = 'update'
  draft.emit('compute_weights', 'refresh', ['refresh'], { weights: views.weights, copies }, {})
  return draft
}

/** What stands at the beginning of a program: the network's input, and what the loss compares with. */
interface GivenTensors {
  readonly x: DraftTensor
  readonly labels: DraftTensor | undefined
  readonly targets?: DraftTensor
}

function givenTensors(plan: Planned, draft: Draft, options: ProgramOptions): GivenTensors {
  const { kind, graph } = plan
  const compared = kind !== 'infer' && options.loss.kind === 'crossEntropy'
  const all = imagesOf(kind, draft, options)
  const labels = compared ? draft.tensor('labels', 'i32', 'plain', [all], 'inputs') : undefined
  const { shape } = graph.nodes.at(-1)!
  const given = { x: inputTensor(plan, draft, options), labels }
  if (kind !== 'train' || shape.kind !== 'features' || options.loss.kind !== 'crossEntropy') return given
  const arena = options.mix === true ? 'activations' : 'inputs'
  const targets = options.mix === true || options.loss.softTargets
  return { ...given, ...(targets && { targets: draft.tensor('targets', draft.types.master, 'plain', [all, shape.features], arena) }) }
}

function inputTensor({ kind, graph, stored }: Planned, draft: Draft, options: ProgramOptions): DraftTensor {
  const { channels, height, width } = imageShape(graph.nodes[0]!.shape)
  if (options.input.kind === 'tensor') return draft.activation('x', channels, height, width, 'inputs')
  const { input } = options
  const all = imagesOf(kind, draft, options)
  const images = draft.tensor('images', 'u8', 'plain', [all, stored.height, stored.width, channels], 'inputs')
  const crops = kind === 'infer' ? undefined : draft.tensor('crops', 'i32', 'plain', [all, 3], 'inputs')
  const x = draft.activation('input:x', channels, height, width)
  draft.emit('input', 'input', ['input'], { images, crops, x }, { mean: [...input.mean], std: [...input.std], pad: input.pad })
  return x
}

/** The images as the network takes them; the targets are written with them. */
function mixed(draft: Draft, { x, labels, targets }: GivenTensors, options: ProgramOptions): DraftTensor {
  const [, channels, height, width] = x.shape as [number, number, number, number]
  const y = draft.activation('mix:y', channels, height, width)
  const mixes = draft.tensor('mixes', 'i32', 'plain', [labels!.shape[0]!, 6], 'inputs')
  const smoothing = options.loss.kind === 'crossEntropy' ? options.loss.smoothing : 0
  draft.emit('mix', 'mix', ['mix'], { x, labels: labels!, mixes, y, targets: targets! }, { smoothing })
  return y
}

/** How many images a step is given: in training those of all its accumulations. */
function imagesOf(kind: ProgramKind, { batch }: Draft, { accumulate = 1 }: ProgramOptions): number {
  return kind === 'train' ? batch * accumulate : batch
}

/** Loss, predictions or the unit's output; returns the gradient that the backward pass starts from. */
function output(
  kind: ProgramKind,
  draft: Draft,
  forward: Forward,
  options: ProgramOptions,
  types: TensorTypes,
  scaler: DraftTensor | undefined,
  { labels, targets }: GivenTensors,
): DraftTensor | undefined {
  const last = forward.graph.nodes.length - 1
  const node = forward.nodeAt(last)
  if (options.loss.kind === 'externalGradient') {
    publish(forward.materializer.store(forward.expression(last), node.name, []), 'y')
    const { channels, height, width } = imageShape(node.shape)
    return draft.activation('dy', channels, height, width, 'inputs')
  }
  const logits = forward.features(last)
  publish(logits, 'logits')
  const classes = logits.shape[1] as number
  draft.phase = 'loss'
  const probabilities = draft.matrix('probabilities', classes, 'outputs')
  if (kind === 'infer') {
    if (node.kind === 'linear') publish(forward.features(node.inputs[0]!), 'features')
    draft.emit('softmax', 'softmax', ['softmax'], { logits, probabilities }, {})
    return undefined
  }
  const training = kind === 'train'
  const { smoothing, of, targetThreshold: threshold, classWeights = [] } = options.loss
  const operands = {
    logits,
    labels: labels!,
    targets,
    scaler: training ? scaler : undefined,
    metrics: draft.tensor('metrics', types.sums, 'plain', [4], 'outputs'),
  }
  const weights = training && classWeights.length > 0 && { classWeights: [...classWeights] }
  const attributes = { smoothing: training ? smoothing : 0, ...weights, ...draft.apart() }
  if (training && of === 'binary') {
    const dlogits = draft.matrix('loss:dlogits', classes)
    draft.emit(
      'binary_cross_entropy',
      'loss',
      ['binary_cross_entropy'],
      { ...operands, dlogits },
      { ...attributes, ...(threshold !== undefined && { threshold }) },
    )
    return dlogits
  }
  const operation = draft.emit('softmax_cross_entropy', 'loss', ['softmax_cross_entropy'], operands, attributes)
  if (training) return draft.write(operation, 'dlogits', draft.matrix('loss:dlogits', classes))
  draft.write(operation, 'probabilities', probabilities)
  draft.write(operation, 'predictions', draft.tensor('predictions', 'i32', 'plain', [draft.batch], 'outputs'))
  return undefined
}

/** Keeps a tensor after the run, where it can be read by name. */
function publish(tensor: DraftTensor, name: string): void {
  if (tensor.arena !== 'activations') throw new PreresnetError('ERR_SHAPE', `${name}: the network has no layer that would compute it`)
  tensor.name = name
  tensor.arena = 'outputs'
  tensor.pinned = true
}
