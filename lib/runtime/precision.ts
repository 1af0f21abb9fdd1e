/**
 * What `precision: 'auto'` takes on the CPU. Which type of arithmetic is fast is not written on a processor: some multiply bf16 twice as
 * fast as fp32, others half as fast. So it is measured once, on a few layers like the network's, and remembered: by training for sessions that train, else by
 * inference.
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
/** Images that a turn of inference computes at least: one alone takes too little time to be measured. */
const TURN_IMAGES = 8

/** What is remembered of a kind of network. */
interface Measured {
  readonly choice: Candidate
  readonly seconds: Readonly<Record<string, number>>
}

export interface FastestPrecision {
  readonly precision: Precision
  /** Why: what was measured, or who asked. */
  readonly reason: string
  /** What a person should know: a cache that could not be used. Said once, to the caller for whom it was opened. */
  readonly notes: readonly string[]
}

/** What a session that does not train is to be fast at. */
interface InferencePace {
  /** Images of a full batch. */
  readonly batch: number
  /** How much the time of one image alone counts, from 0 to 1; that of a full batch counts for the rest. */
  readonly aloneShare: number
}

/** What is timed of a few layers. */
interface Timed {
  readonly work: 'train' | 'infer'
  readonly batch: number
  readonly what: string
}

const underway = new Map<string, Promise<Measured>>()

/** threads: 0 for what the machine allows. Errors: ERR_OPTION where the environment asks for what is not known, ERR_DEVICE. */
export async function fastestPrecision(graph: Graph, threads: number, pace?: InferencePace): Promise<FastestPrecision> {
  const asked = process.env['PRERESNET_AUTO_PRECISION']
  if (asked !== undefined) {
    return {
      precision: oneOf('PRERESNET_AUTO_PRECISION', asked, candidates),
      reason: 'the environment variable PRERESNET_AUTO_PRECISION asks for it',
      notes: [],
    }
  }
  const kind = kindOf(graph)
  const notes: string[] = []
  const found: Found[] = []
  // One after the other: two at a time would disturb each other.
  for (const { share, ...timed } of workOf(kind, pace)) found.push({ timed, share, ...(await measuredOnce(kind, timed, threads, notes)) })
  const reason = found.map(({ timed, seconds }) => reasonOf(kind, timed, seconds)).join('; ')
  return { precision: found.length === 1 ? found[0]!.choice : cheapest(found), reason, notes: [...new Set(notes)] }
}

interface Found extends Measured {
  readonly timed: Timed
  readonly share: number
}

/** The most precise of those near the least sum of times, each in shares of the fastest one's. */
function cheapest(found: readonly Found[]): Candidate {
  const able = candidates.filter((precision) => found.every(({ seconds }) => precision in seconds))
  const costs = able.map((precision) => found.reduce((sum, { seconds, share }) => sum + (share * seconds[precision]!) / Math.min(...Object.values(seconds)), 0))
  return able[costs.findIndex((cost) => cost <= NEAR * Math.min(...costs))]!
}

/** What is timed, and how much it counts. */
function workOf(kind: NetworkKind, pace: InferencePace | undefined): (Timed & { readonly share: number })[] {
  const large = kind.endsWith('large images')
  if (pace === undefined) return [{ work: 'train', batch: large ? 4 : 32, what: 'a training step', share: 1 }]
  const batch = Math.min(pace.batch, large ? 8 : 32)
  const share = batch === 1 ? 1 : pace.aloneShare
  const all = [
    { work: 'infer', batch: 1, what: 'inference of one image', share },
    { work: 'infer', batch, what: `inference of ${batch} images`, share: 1 - share },
  ] as const
  return all.filter((timed) => timed.share > 0)
}

async function measuredOnce(kind: NetworkKind, timed: Timed, threads: number, notes: string[]): Promise<Measured> {
  const { version, system } = loadBinding()
  const used = threads === 0 ? Number(system['allowedThreads']) : threads
  const cacheKey = [`preresnet ${version}`, `oneDNN ${String(system['oneDNN'])}`, String(system['cpu']), `${used} threads`].join(', ')
  const entry = timed.work === 'train' ? kind : `${kind}, ${timed.what}`
  const key = `${cacheKey}, ${entry}`
  let found = underway.get(key)
  if (found === undefined) {
    found = recallOrMeasure(cacheKey, entry, (able) => measure(kind, timed, able, threads), notes)
    underway.set(key, found)
    found.catch(() => underway.delete(key))
  }
  return found
}

/** Of those within 3 % of the fastest the most precise is taken. */
function reasonOf(kind: NetworkKind, { what }: Timed, seconds: Measured['seconds']): string {
  const times = Object.entries(seconds).map(([precision, time]) => `${(1000 * time).toFixed(1)} ms in ${precision}`)
  return `${what} of a few layers (${kind}) took ${times.join(', ')}`
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

type Measurement = (able: readonly Candidate[]) => Promise<ReadonlyMap<Candidate, number>>

async function recallOrMeasure(cacheKey: string, entry: string, measurement: Measurement, notes: string[]): Promise<Measured> {
  const able = candidates.filter((precision) => precision !== 'bf16-native' || nativeBf16())
  const remembered = await Remembered.open('precision', cacheKey, isMeasured)
  if (remembered.note !== undefined) notes.push(remembered.note)
  const found = remembered.entries.get(entry)
  if (found !== undefined && able.includes(found.choice)) return found
  const seconds = await measurement(able)
  const fastest = Math.min(...seconds.values())
  const choice = able.find((precision) => seconds.get(precision)! <= NEAR * fastest)!
  const measured: Measured = { choice, seconds: Object.fromEntries(seconds) }
  remembered.entries.set(entry, measured)
  const saved = await remembered.save()
  if (saved !== undefined) notes.push(saved)
  return measured
}

function isMeasured(value: unknown): value is Measured {
  const { choice, seconds } = (value ?? {}) as Partial<Record<keyof Measured, unknown>>
  return (candidates as readonly unknown[]).includes(choice) && typeof seconds === 'object' && seconds !== null && Object.values(seconds).every(Number.isFinite)
}

/** Seconds of a few layers, by precision. */
async function measure(kind: NetworkKind, timed: Timed, able: readonly Candidate[], threads: number): Promise<ReadonlyMap<Candidate, number>> {
  const graph = buildGraph(sample(kind, timed.work))
  const seconds = new Map<Candidate, number>()
  const contenders: { precision: Candidate; step: () => Promise<number>; dispose: () => Promise<void> }[] = []
  try {
    for (const precision of able) contenders.push({ precision, ...(await contender(graph, precision, timed, threads)) })
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

async function contender(graph: Graph, precision: Candidate, { work, batch }: Timed, threads: number) {
  const programs = await compilePrograms(graph, {
    device: 'cpu',
    precision,
    batch,
    programs: [work],
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
    const steps = work === 'train' ? 1 : Math.ceil(TURN_IMAGES / batch)
    await native.run(work, { steps, seed: 1, firstStep: 0, learningRates: work === 'train' ? Float64Array.of(0.001) : new Float64Array() })
    return (performance.now() - begin) / 1000 / steps
  }
  return { step, dispose: () => native.dispose() }
}

/**
 * Units of three stages, as in the CIFAR networks and in those for ImageNet. One unit a stage is enough where the images' values outweigh the filters.
 * Inference of few small images mostly reads filters, from beyond the first caches in a network of many units, so there are six a stage.
 */
function sample(kind: NetworkKind, work: Timed['work']): Network {
  const large = kind.endsWith('large images')
  const units = work === 'infer' && !large ? 6 : 1
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
    for (let unit = 0; unit < units; unit++) layers[`unit${stage}_${unit}`] = residual({ branch: branch.flatMap(before) })
  })
  return network({
    name: `sample of ${kind}`,
    input: { height: size, width: size, channels: 3 },
    layers: { ...layers, norm: [batchNorm(), relu()], head: classifierHead({ classes: 10 }) },
  })
}
