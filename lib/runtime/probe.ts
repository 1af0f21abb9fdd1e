/** Norms of signals and gradients behind each residual unit, for given weights and images: what He et al. argue about (2016, Section 2), in figures. */
import { probedTensors } from '../compiler/compile.js'
import type { Loader } from '../data/loader.js'
import type { SafetensorsTensor } from '../formats/safetensors.js'
import type { Graph } from '../graph/graph.js'
import { buildGraph } from '../graph/build.js'
import type { Network } from '../layers/layer.js'
import { pick } from '../options/check.js'
import type { ValuesOf } from '../options/spec.js'
import { compileWith } from './compile.js'
import { inTurn } from './internals.js'
import { sharedOptions } from './session_options.js'

/** Of what one unit gives, or the stem. */
export interface ProbedUnit {
  /** Path of the unit, as in names of parameters. */
  readonly name: string
  /** Root of the mean over images of an image's sum of squares. */
  readonly signal: number
  /** The same of the gradient of the image's loss. */
  readonly gradient: number
}

interface Probed {
  readonly name: string
  readonly node: string
}

/** The last node of the stem and of each unit. */
export function probedUnits({ nodes }: Graph): Probed[] {
  const additions = nodes.filter(({ kind, name }) => kind === 'add' && name.endsWith('.add'))
  const paths = ['stem', ...additions.map(({ name }) => name.slice(0, -'.add'.length))]
  return paths.flatMap((path) => {
    const last = nodes.findLast(({ name, shape }) => name.startsWith(`${path}.`) && shape.kind === 'image')
    return last === undefined ? [] : [{ name: path, node: last.name }]
  })
}

const { threads, labelSmoothing, loss, targetThreshold, classWeights, optimizer, frozen, frozenStatistics, seed, convolution } = sharedOptions
const taken = {
  threads,
  labelSmoothing,
  loss,
  targetThreshold,
  classWeights,
  optimizer,
  frozen,
  frozenStatistics,
  seed,
  convolution,
}

/** How the weights are probed: as they are trained, but for device and precision, which are those of another session. */
type ProbeSettings = ValuesOf<typeof taken> & { readonly device: 'cpu' | 'reference' }

/** One step over the first batch of a loader; the weights are not changed. */
export async function probe(
  network: Network,
  tensors: ReadonlyMap<string, Pick<SafetensorsTensor, 'data'>>,
  batches: Loader,
  settings: ProbeSettings,
): Promise<ProbedUnit[]> {
  const units = probedUnits(buildGraph(network))
  const precision = settings.device === 'reference' ? 'fp64' : 'fp32'
  const options = { ...pick(taken, settings), device: settings.device, data: batches, prepare: batches.prepare, precision, evaluation: false } as const
  await using session = await compileWith(network, options, () => [], { probed: units.map(({ node }) => node) })
  for (const [name, { data }] of tensors) await session.parameter(name).write(data as Float32Array)
  await session.steps(1, { learningRate: 0 })
  const { batch } = batches
  return await inTurn(session, async (native) => {
    const norms: ProbedUnit[] = []
    for (const { name, node } of units) {
      const { signal, gradient } = probedTensors(node)
      // The gradient is that of the mean loss: an image's own is as many times larger as there are images.
      norms.push({ name, signal: norm(await native.read(signal)) / Math.sqrt(batch), gradient: norm(await native.read(gradient)) * Math.sqrt(batch) })
    }
    return norms
  })
}

function norm(values: ArrayLike<number>): number {
  let sum = 0
  for (let index = 0; index < values.length; index++) sum += values[index]! ** 2
  return Math.sqrt(sum)
}
