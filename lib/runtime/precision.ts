/**
 * What `precision: 'auto'` takes on the CPU. Which type of arithmetic is fast is not written on a processor: some multiply bf16 twice as
 * fast as fp32, others half as fast. So it is measured once, on a few layers like the network's, and remembered.
 */
import { compilePrograms, serializePrograms } from '../compiler/compile.js'
import { elements } from '../compiler/layout.js'
import type { Precision } from '../compiler/program.js'
import { buildGraph } from '../graph/build.js'
import type { Graph } from '../graph/graph.js'
import { batchNorm, classifierHead, conv2d, network, relu, residual, type Layer, type Network } from '../layers/index.js'
import { oneOf } from '../options/values.js'
import { loadBinding } from '../native/load.js'
import { nativeBf16 } from './device.js'
import { initialValues } from './random.js'
import { Remembered } from './remembered.js'
import { writeStartValues } from './start_values.js'

/** Networks of one kind spend their time on the same operations: 1x1 or 3x3 convolutions, on small or large images. */
type NetworkKind = `${'basic' | 'bottleneck'} units, ${'small' | 'large'} images`

/** The more precise first. */
const candidates = ['fp32', 'bf16', 'bf16-native'] as const satisfies readonly Precision[]
type Candidate = (typeof candidates)[number]

/** Of those that take up to this much longer than the fastest, the most precise is taken. */
const NEAR = 1.03
/** Rounds in which each candidate has a turn; its best one counts. */
const ROUNDS = 4

/** What is remembered of a kind of network. */
interface Measured {
  readonly choice: Candidate
  readonly seconds: Readonly<Record<string, number>>
}

interface FastestPrecision {
  readonly precision: Precision
  /** Why: what was measured, or who asked. */
  readonly reason: string
  /** What a person should know: a cache that could not be used. Said once, to the caller for whom it was opened. */
  readonly notes: readonly string[]
}

const underway = new Map<string, Promise<Measured>>()

/** threads: 0 for what the machine allows. Errors: ERR_OPTION where the environment asks for what is not known, ERR_DEVICE. */
export async function fastestPrecision(graph: Graph, threads: number): Promise<FastestPrecision> {
  const asked = process.env['PRERESNET_AUTO_PRECISION']
  if (asked !== undefined) {
    return {
      precision: oneOf('PRERESNET_AUTO_PRECISION', asked, candidates),
      reason: 'the environment variable PRERESNET_AUTO_PRECISION asks for it',
      notes: [],
    }
  }
  const { version, system } = loadBinding()
  const kind = kindOf(graph)
  const used = threads === 0 ? Number(system['allowedThreads']) : threads
  const cacheKey = [`preresnet ${version}`, `oneDNN ${String(system['oneDNN'])}`, String(system['cpu']), `${used} threads`].join(', ')
  const key = `${cacheKey}, ${kind}`
  const notes: string[] = []
  let found = underway.get(key)
  if (found === undefined) {
    found = recallOrMeasure(cacheKey, kind, threads, notes)
    underway.set(key, found)
    found.catch(() => underway.delete(key))
  }
  const { choice, seconds } = await found
  return { precision: choice, reason: reasonOf(kind, seconds), notes }
}

/** Of those within 3 % of the fastest the most precise is taken. */
function reasonOf(kind: NetworkKind, seconds: Measured['seconds']): string {
  const times = Object.entries(seconds).map(([precision, time]) => `${(1000 * time).toFixed(1)} ms in ${precision}`)
  return `a training step of a few layers (${kind}) took ${times.join(', ')}`
}

export function kindOf(graph: Graph): NetworkKind {
  let [pointwise, all] = [0, 0]
  for (const node of graph.nodes) {
    if (node.kind !== 'conv2d' || node.shape.kind !== 'image') continue
    const input = graph.nodes[node.inputs[0]!]!.shape
    if (input.kind !== 'image') continue
    const products = node.kernel ** 2 * input.channels * node.shape.channels * node.shape.height * node.shape.width
    all += products
    if (node.kernel === 1) pointwise += products
  }
  const input = graph.nodes[0]!.shape
  const large = input.kind === 'image' && input.height * input.width > 64 * 64
  return `${pointwise > 0.3 * all ? 'bottleneck' : 'basic'} units, ${large ? 'large' : 'small'} images`
}

async function recallOrMeasure(cacheKey: string, kind: NetworkKind, threads: number, notes: string[]): Promise<Measured> {
  const able = candidates.filter((precision) => precision !== 'bf16-native' || nativeBf16())
  const remembered = await Remembered.open('precision', cacheKey, isMeasured)
  if (remembered.note !== undefined) notes.push(remembered.note)
  const found = remembered.entries.get(kind)
  if (found !== undefined && able.includes(found.choice)) return found
  const seconds = await measure(kind, able, threads)
  const fastest = Math.min(...seconds.values())
  const choice = able.find((precision) => seconds.get(precision)! <= NEAR * fastest)!
  const measured: Measured = { choice, seconds: Object.fromEntries(seconds) }
  remembered.entries.set(kind, measured)
  const saved = await remembered.save()
  if (saved !== undefined) notes.push(saved)
  return measured
}

function isMeasured(value: unknown): value is Measured {
  const { choice, seconds } = (value ?? {}) as Partial<Record<keyof Measured, unknown>>
  return (candidates as readonly unknown[]).includes(choice) && typeof seconds === 'object' && seconds !== null && Object.values(seconds).every(Number.isFinite)
}

/** Seconds of a training step of a few layers, by precision. */
async function measure(kind: NetworkKind, able: readonly Candidate[], threads: number): Promise<ReadonlyMap<Candidate, number>> {
  const { layers, batch } = sample(kind)
  const graph = buildGraph(layers)
  const seconds = new Map<Candidate, number>()
  const contenders: { precision: Candidate; step: () => Promise<number>; dispose: () => Promise<void> }[] = []
  try {
    for (const precision of able) contenders.push({ precision, ...(await contender(graph, precision, batch, threads)) })
    // The first turn warms up.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const { precision, step } of contenders) {
        const time = await step()
        if (round > 0) seconds.set(precision, Math.min(time, seconds.get(precision) ?? Infinity))
      }
    }
  } finally {
    await Promise.all(contenders.map(({ dispose }) => dispose()))
  }
  return seconds
}

async function contender(graph: Graph, precision: Candidate, batch: number, threads: number) {
  const programs = await compilePrograms(graph, {
    device: 'cpu',
    precision,
    batch,
    programs: ['train'],
    input: { kind: 'tensor' },
    loss: { kind: 'crossEntropy', smoothing: 0, softTargets: false },
    update: { momentum: 0.9, nesterov: false, clipNorm: 0, settings: Object.fromEntries(graph.parameters.map(({ name }) => [name, { decay: 0, rate: 1 }])) },
  })
  const native = await loadBinding().createSession(await serializePrograms(programs), { threads })
  try {
    await native.allocate()
    await writeStartValues(native, graph, 1)
    const x = programs.tensors.find(({ name }) => name === 'x')!
    await native.write('x', await initialValues({ kind: 'normal', std: 1 }, elements(x.shape), 1, 'x'))
  } catch (error) {
    await native.dispose()
    throw error
  }
  const step = async (): Promise<number> => {
    const begin = performance.now()
    await native.run('train', { steps: 1, seed: 1, firstStep: 0, learningRates: Float64Array.of(0.001) })
    return (performance.now() - begin) / 1000
  }
  return { step, dispose: () => native.dispose() }
}

/** A unit of each of three stages, as in the CIFAR networks and in those for ImageNet. */
function sample(kind: NetworkKind): { layers: Network; batch: number } {
  const large = kind.endsWith('large images')
  const widths = large ? [64, 128, 256] : [16, 32, 64]
  const size = large ? 56 : 32
  const bottleneck = kind.startsWith('bottleneck')
  const before = (convolution: Layer): Layer[] => [batchNorm(), relu(), convolution]
  const layers: Record<string, Layer> = {}
  widths.forEach((middle, stage) => {
    const channels = bottleneck ? 4 * middle : middle
    const branch = bottleneck
      ? [conv2d({ channels: middle, kernel: 1 }), conv2d({ channels: middle, kernel: 3 }), conv2d({ channels, kernel: 1 })]
      : [conv2d({ channels, kernel: 3 }), conv2d({ channels, kernel: 3 })]
    layers[`enter${stage}`] = conv2d({ channels, kernel: 1, stride: stage === 0 ? 1 : 2 })
    layers[`unit${stage}`] = residual({ branch: branch.flatMap(before) })
  })
  const net = network({
    name: `sample of ${kind}`,
    input: { height: size, width: size, channels: 3 },
    layers: { ...layers, norm: [batchNorm(), relu()], head: classifierHead({ classes: 10 }) },
  })
  return { layers: net, batch: large ? 4 : 32 }
}
