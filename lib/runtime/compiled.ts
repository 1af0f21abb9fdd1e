/** What a session was made of, and the formats that follow from it. */
import { boundaryOf } from '../compiler/boundary.js'
import { elements } from '../compiler/layout.js'
import type { ProgramOptions } from '../compiler/options.js'
import type { ProgramSet } from '../compiler/program.js'
import type { Dataset } from '../data/dataset.js'
import type { Loader } from '../data/loader.js'
import { PreresnetError } from '../errors.js'
import type { Graph } from '../graph/graph.js'
import type { Network } from '../layers/layer.js'
import { groupsOf } from '../options/parts.js'
import { invalid } from '../options/values.js'
import type { Ranks } from '../ranks/ranks.js'
import type { BatchFormat } from './batch.js'
import { checkOutputs, outputsOfGraph } from './outputs.js'
import { checkNormalization, type SessionPreparation } from './preparation.js'

export interface Compiled {
  readonly network: Network
  readonly graph: Graph
  readonly programs: ProgramSet
  readonly plan: ProgramOptions
  /** Why the session computes in its precision. */
  readonly precisionReason: string
  readonly seed: number
  readonly feed: Loader | undefined
  readonly dataset: Dataset | undefined
  /** Undefined in a session on values. */
  readonly prepare: SessionPreparation | undefined
  readonly ranks: Ranks
}

/** Images of a training step that are this rank's. */
function shareOf({ plan: { batch }, ranks }: Pick<Compiled, 'plan' | 'ranks'>): number {
  return batch / ranks.size
}

export function classesOf({ graph }: Pick<Compiled, 'graph'>): number {
  const { shape } = graph.nodes.at(-1)!
  return shape.kind === 'features' ? shape.features : shape.channels
}

/** Pixels of the border from which training crops; 0 in a session on values. */
function padOf({ plan: { input } }: Pick<Compiled, 'plan'>): number {
  return input.kind === 'images' ? input.pad : 0
}

/** What a program reads of a batch. */
export function batchFormat(compiled: Compiled, training: boolean): BatchFormat {
  const { input, loss } = compiled.plan
  const { height, width, channels } = compiled.network.input
  return {
    batch: shareOf(compiled),
    classes: classesOf(compiled),
    sampleValues: input.kind === 'images' ? input.height * input.width * channels : height * width * channels,
    images: input.kind === 'images',
    samples: input.kind === 'images' ? 'images' : 'x',
    pad: padOf(compiled),
    softTargets: training && loss.kind === 'crossEntropy' && loss.softTargets,
    mixes: training && compiled.plan.mix === true,
  }
}

/** A tensor [images, width] of what a program found. */
export interface OutputFormat {
  readonly name: string
  readonly width: number
}

export interface InferenceFormat extends BatchFormat {
  readonly outputs: Readonly<Record<'probabilities' | 'logits', OutputFormat>> & { readonly features?: OutputFormat }
}

/** Of an inference program, whose batch and size of images may be its own. */
export function inferenceFormat(compiled: Compiled, program: string): InferenceFormat {
  const ends = boundaryOf(compiled.programs, program)
  const samples = (ends.get('images') ?? ends.get('x'))!
  const [batch, ...sample] = samples.shape as [number, ...number[]]
  const sampleValues = elements(sample)
  const output = (what: string): OutputFormat => ({ name: ends.get(what)!.name, width: ends.get(what)!.shape[1]! })
  const outputs = { probabilities: output('probabilities'), logits: output('logits'), ...(ends.has('features') && { features: output('features') }) }
  return { ...batchFormat(compiled, false), batch, sampleValues, samples: samples.name, outputs }
}

/** ERR_OPTION where a loader's batches are not those that a program reads, or it says another normalization than the programs have. */
export function checkLoader(call: 'steps' | 'evaluate', compiled: Compiled, feed: Loader, batch = shareOf(compiled)): void {
  const pad = padOf(compiled)
  const mode = call === 'steps' ? 'train' : 'evaluate'
  if (compiled.prepare !== undefined) checkNormalization(`${call}: loader: prepare.normalization`, feed.prepare.normalization, compiled.prepare)
  const groups = groupsOf({ statisticsGroups: 1, accumulate: 1, ranks: 1, ...compiled.plan })
  if (mode === 'train' && feed.mixes && compiled.plan.mix === true && feed.groups !== groups)
    throw invalid('steps: loader', `one of ${groups} groups, as the step has groups of statistics`, feed.groups)
  if (mode === 'train' && feed.mixes !== (compiled.plan.mix === true))
    throw invalid('steps: loader', feed.mixes ? 'one without mixup and cutmix, as the session' : 'one with mixup or cutmix, as the session', feed.mixes)
  if (feed.batch === batch && feed.pad === pad && feed.mode === mode) return
  const wanted = mode === 'train' ? 'a training' : 'an evaluation'
  throw invalid(`${call}: loader`, `${wanted} loader of batch ${batch} and pad ${pad}, made with the session's \`prepare\``, {
    mode: feed.mode,
    batch: feed.batch,
    pad: feed.pad,
  })
}

/** ERR_DATASET where a dataset has more classes than the network has outputs. */
export function checkClassCount(where: string, { network, graph }: Compiled, dataset: Dataset): void {
  checkOutputs(where, dataset, { name: network.name, outputs: outputsOfGraph(graph) })
}

/** Rethrows; what native code says of a label or an image knows neither dataset nor network. */
export function nameData(error: unknown, { network }: Compiled, dataset: Dataset | undefined): never {
  if (!(error instanceof PreresnetError) || error.code !== 'ERR_DATASET' || dataset === undefined) throw error
  throw new PreresnetError(error.code, `dataset ${dataset.name}, network ${JSON.stringify(network.name)}: ${error.message}`, { cause: error })
}
