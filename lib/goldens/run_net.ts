/** A few training steps of a network by its recipe, then a forward pass in evaluation mode. */
import type { UpdateOptions } from '../compiler/options.js'
import { buildGraph } from '../graph/build.js'
import type { Network } from '../layers/layer.js'
import { preResNet } from '../models/index.js'
import { type GoldenCase, type NetDescription, tensor } from './case_file.js'
import { open, readAll, type GoldenTarget } from './target.js'

/** A scale that adapts would skip the first steps, whose gradients are compared. */
const HALF_LOSS_SCALE = 1024

export async function runNet(golden: GoldenCase, target: GoldenTarget): Promise<ReadonlyMap<string, ArrayLike<number>>> {
  const recipe = golden.description as NetDescription
  const x = tensor(golden, 'x')
  const [steps, batch] = x.shape
  const images = rows(x.values, steps!)
  const labels = rows(tensor(golden, 'labels').values, steps!)
  const net = goldenNetwork(recipe)
  const opened = await open(golden, net, target, {
    batch: batch!,
    programs: ['train', 'evaluate'],
    input: { kind: 'tensor' },
    loss: { kind: 'crossEntropy', smoothing: recipe.labelSmoothing, softTargets: false },
    update: update(net, recipe),
    ...((target.lowering?.precision ?? target.precision) === 'fp16' && { lossScale: HALF_LOSS_SCALE }),
  })
  const { session } = opened
  try {
    const got = new Map<string, ArrayLike<number>>()
    const losses: number[] = []
    for (const [step, rate] of recipe.learningRates.entries()) {
      await session.write('x', Float64Array.from(images[step]!))
      await session.write('labels', Int32Array.from(labels[step]!))
      const { rows: metrics } = await session.run('train', { steps: 1, seed: 0, firstStep: step, learningRates: Float64Array.of(rate) })
      losses.push(metrics[0]! / metrics[1]!)
      if (step > 0) continue
      got.set('logits', await session.read('logits'))
      await readAll(golden, opened, 'grad/', got)
    }
    got.set('losses', losses)
    await readAll(golden, opened, 'after/', got)
    await session.write('x', Float64Array.from(images[0]!))
    await session.run('evaluate', { steps: 1, seed: 0, firstStep: 0, learningRates: new Float64Array(0) })
    got.set('logits_eval', await session.read('logits'))
    return got
  } finally {
    await session.dispose()
  }
}

/** The case's network through the public `preResNet`. */
function goldenNetwork(net: NetDescription): Network {
  const { family, depth, units, widths, block, unit, shortcut, strideOn, image, classes } = net
  const given = Object.entries({ depth, units, widths, strideOn: block === 'bottleneck' ? strideOn : undefined }).filter(([, value]) => value !== undefined)
  return preResNet({ family, block, unit, shortcut, classes, input: { height: image, width: image, channels: 3 }, ...Object.fromEntries(given) })
}

function update(net: Network, recipe: NetDescription): UpdateOptions {
  const decay = (role: string) => (recipe.excludeFromDecay && role !== 'weight' ? 0 : recipe.weightDecay)
  const settings = buildGraph(net).parameters.map(({ name, role }) => [name, { decay: decay(role), rate: 1 }] as const)
  return { momentum: recipe.momentum, nesterov: recipe.nesterov, clipNorm: 0, settings: Object.fromEntries(settings) }
}

function rows(values: ArrayLike<number>, count: number): number[][] {
  const all = Array.from(values)
  const length = all.length / count
  return Array.from({ length: count }, (_, row) => all.slice(row * length, (row + 1) * length))
}
