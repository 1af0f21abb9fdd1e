/** On a CPU the gradient of a step is one tree of sums over groups of images, whoever computes which group. */
import test from 'ava'
import { batchNorm, classifierHead, conv2d, network, relu, residual, type Network } from '../../lib/layers/index.js'
import { preResNet } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { nativeBf16 } from '../../lib/runtime/device.js'
import type { Session } from '../../lib/runtime/session.js'
import { sgd } from '../../lib/training/sgd.js'
import { bitsDiffer } from '../support/compare.js'
import { Random } from '../support/random.js'
import { treeSum } from '../support/tree.js'

const input = { height: 12, width: 12, channels: 3 }

/** Gradients of 128 filters are computed another way than those of few; biases stand where no norm follows. */
const wide: Network = network({
  name: 'wide',
  input: { height: 5, width: 5, channels: 3 },
  layers: {
    stem: conv2d({ channels: 128, kernel: 1, bias: true }),
    unit: residual({ branch: [batchNorm(), relu(), conv2d({ channels: 128, kernel: 3 })] }),
    last: [batchNorm(), relu(), conv2d({ channels: 20, kernel: 1, bias: true })],
    head: classifierHead({ classes: 10 }),
  },
})
const networks = [preResNet({ family: 'cifar', depth: 8, block: 'basic', shortcut: 'projection', classes: 10, input }), wide]
const precisions = nativeBf16() ? (['fp32', 'bf16', 'bf16-native'] as const) : (['fp32', 'bf16'] as const)

async function gradients(session: Session): Promise<Map<string, Float64Array>> {
  const all = new Map<string, Float64Array>()
  for (const name of session.trainedNames) all.set(name, Float64Array.from(await session.gradient(name).read()))
  return all
}

for (const net of networks) {
  for (const precision of precisions) {
    test(`${net.name}, ${precision}: the gradient of a group is that of a batch of its own`, async (t) => {
      const [groups, images] = [4, 6]
      const options = { device: 'cpu', precision, threads: 2, seed: 5, optimizer: sgd({ momentum: 0, weightDecay: 0 }) } as const
      const { height, width, channels } = net.input
      const size = height * width * channels
      const x = Float64Array.from(new Random(81).normals([groups * images, height, width, channels]).data)
      const labels = Int32Array.from({ length: groups * images }, (_, index) => (index * 7) % 10)
      await using whole = await compile(net, { ...options, batch: groups * images, statisticsGroups: groups })
      await whole.step({ x, labels }, { learningRate: 0 })
      const together = await gradients(whole)
      await using one = await compile(net, { ...options, batch: images })
      const apart: Map<string, Float64Array>[] = []
      for (let group = 0; group < groups; group++) {
        const [first, end] = [group * images, (group + 1) * images]
        await one.step({ x: x.slice(first * size, end * size), labels: labels.slice(first, end) }, { learningRate: 0 })
        apart.push(await gradients(one))
      }
      for (const [name, gradient] of together) {
        t.true(gradient.some((value) => value !== 0))
        // The loss is the mean over all images: a fourth of each group's, which is exact.
        const parts = apart.map((values) => values.get(name)!.map((value) => value / groups))
        t.is(bitsDiffer(gradient, treeSum(parts, Math.fround)), undefined, name)
      }
    })
  }
}
