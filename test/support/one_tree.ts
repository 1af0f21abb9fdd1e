/** The same training, its groups of images shared out in several ways. */
import { flip, loader, memoryDataset, randomCrop, type Dataset } from '../../lib/data/index.js'
import type { Network } from '../../lib/layers/layer.js'
import { preResNet } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { shareState } from '../../lib/runtime/internals.js'
import { nativeBf16 } from '../../lib/runtime/device.js'
import type { Optimizer } from '../../lib/runtime/optimizer.js'
import type { Session } from '../../lib/runtime/session.js'
import type { SessionOptions } from '../../lib/runtime/session_options.js'
import { sgd } from '../../lib/training/sgd.js'
import { groupsOf } from '../../lib/options/parts.js'
import { alone, type Ranks } from '../../lib/ranks/ranks.js'
import { randomBytes } from './bytes.js'
import { bitsDiffer } from './compare.js'
import { allOf, type Emulated } from './ranks.js'

export const precisions = nativeBf16() ? (['fp32', 'bf16', 'bf16-native'] as const) : (['fp32', 'bf16'] as const)

/** How the groups of a step are computed. */
export interface Mixture {
  readonly statisticsGroups?: number
  readonly accumulate?: number
  readonly threads?: number
  readonly activationCheckpointing?: number
  readonly ranks?: Ranks
  readonly synchronizedBatchNorm?: boolean
  readonly reduction?: 'ordered' | 'fast'
  readonly reductionBucket?: number
}

/** Random pixels. */
export function noise(count: number, { height, width, channels }: Network['input']): Promise<Dataset> {
  const images = randomBytes(count * height * width * channels, 1)
  return memoryDataset({ images, labels: Int32Array.from({ length: count }, (_, index) => (index * 7) % 10), height, width, channels, classes: 10 })
}

/** Images that pass units by, and flips and crops. */
export const passing = (depth: number, input: Network['input']): Network =>
  preResNet({ family: 'cifar', depth, block: 'basic', shortcut: 'projection', stochasticDepth: 0.6, classes: 10, input })

/** Dropout on the shortcuts, and everything else that hangs on an image's place in the batch. */
export const dropped = (depth: number, input: Network['input']): Network =>
  preResNet({ family: 'cifar', depth, block: 'basic', unit: 'dropout-shortcut', dropoutRate: 0.3, classes: 10, input })

export interface Training {
  readonly network: Network
  readonly device?: 'cpu' | 'reference'
  readonly precision: 'fp64' | (typeof precisions)[number]
  readonly batch: number
  readonly steps: number
  readonly optimizer?: Optimizer
  readonly more?: Pick<SessionOptions, 'ema' | 'loss' | 'classWeights' | 'mixup' | 'cutmix' | 'frozen' | 'frozenStatistics'>
  readonly repeatedAugmentation?: number
}

/** Weights, what the optimizer keeps, and statistics, by name, and what was counted. */
export async function trained(
  {
    network,
    device = 'cpu',
    precision,
    batch,
    steps,
    optimizer = sgd({ momentum: 0.9, weightDecay: 1e-3, clipNorm: 0.5 }),
    more,
    repeatedAugmentation = 1,
  }: Training,
  mixture: Mixture,
): Promise<ReadonlyMap<string, ArrayLike<number>>> {
  const prepare = { train: [randomCrop({ pad: 2 }), flip()], normalization: { mean: [0.5, 0.5, 0.5], std: [0.3, 0.3, 0.3] } }
  const { rank, size: ranks } = mixture.ranks ?? alone
  const groups = groupsOf({ statisticsGroups: 1, accumulate: 1, ...mixture, ranks })
  const { mixup = 0, cutmix = 0 } = more ?? {}
  await using data = loader(await noise(3 * batch, network.input), {
    ...{ batch, seed: 3, prepare, input: network.input, rank, ranks },
    ...{ mixup, cutmix, repeatedAugmentation, groups },
  })
  await using session = await compile(network, { data, device, precision, seed: 4, optimizer, labelSmoothing: 0.1, ...more, ...mixture })
  const { loss, top1Hits, samples } = await session.steps(steps, { learningRate: 0.1 })
  await shareState(session, 'statistics')
  return new Map([...(await stateOf(session)), ['metrics', [loss, top1Hits, samples]]])
}

/** The same of several ranks; throws where they differ. */
export async function trainedTogether(training: Training, count: number, mixture: Mixture, how?: Emulated): ReturnType<typeof trained> {
  const [first, ...others] = await allOf(count, (ranks) => trained(training, { ...mixture, ranks }), how)
  for (const other of others) {
    const differs = bitsDiffer(other, first)
    if (differs !== undefined) throw new Error(`ranks differ: ${differs}`)
  }
  return first!
}

async function stateOf(session: Session): Promise<[string, ArrayLike<number>][]> {
  const state: [string, ArrayLike<number>][] = []
  for (const name of [...session.parameterNames, ...session.bufferNames]) state.push([name, await session.parameter(name).read()])
  for (const kept of session.optimizerStates) {
    for (const name of session.trainedNames) state.push([`${kept} of ${name}`, await session.optimizerState(name, kept).read()])
  }
  if (session.hasAverages)
    for (const name of [...session.parameterNames, ...session.bufferNames]) state.push([`average of ${name}`, await session.average(name).read()])
  return state
}
