/** Networks that are trained with several numbers of threads and images in a block. */
import type { ExecutionContext } from 'ava'
import { batchNorm, classifierHead, conv2d, network, relu, repeat, residual, type Network } from '../../lib/layers/index.js'
import { preResNet } from '../../lib/models/index.js'
import { nativeBf16 } from '../../lib/runtime/device.js'
import { compile } from '../../lib/runtime/compile.js'
import { sgd } from '../../lib/training/sgd.js'
import { bitsDiffer } from './compare.js'
import { matrix } from './matrix.js'
import { Random } from './random.js'

const steps = 20
const variable = 'PRERESNET_BLOCK_IMAGES'

/** Images of 7x7, an odd number of pixels; 128 channels in the middle, whose gradients are computed another way than those of few. */
const odd: Network = network({
  name: 'odd',
  input: { height: 7, width: 7, channels: 3 },
  layers: {
    stem: conv2d({ channels: 128, kernel: 1 }),
    units: repeat(
      2,
      residual({
        branch: [
          ...[batchNorm(), relu(), conv2d({ channels: 32, kernel: 1 })],
          ...[batchNorm(), relu(), conv2d({ channels: 32, kernel: 3 })],
          ...[batchNorm(), relu(), conv2d({ channels: 128, kernel: 1 })],
        ],
      }),
    ),
    wide: residual({ branch: [batchNorm(), relu(), conv2d({ channels: 128, kernel: 3 })] }),
    norm: [batchNorm(), relu()],
    head: classifierHead({ classes: 10 }),
  },
})

type Precision = 'fp32' | 'bf16' | 'bf16-native'

interface Trained {
  readonly name: string
  readonly net: Network
  readonly batch: number
}

const networks: readonly Trained[] = [
  { name: 'ResNet-20', net: preResNet('preresnet-20', { classes: 10 }), batch: 17 },
  { name: 'images of 7x7', net: odd, batch: 19 },
]

interface Variant {
  readonly threads: number
  readonly block?: number
}

async function train(net: Network, batch: number, precision: Precision, { threads, block }: Variant): Promise<Map<string, ArrayLike<number>>> {
  const before = process.env[variable]
  if (block === undefined) Reflect.deleteProperty(process.env, variable)
  else process.env[variable] = String(block)
  try {
    await using session = await compile(net, { batch, device: 'cpu', precision, threads, seed: 3, optimizer: sgd({ momentum: 0.9, weightDecay: 1e-4 }) })
    const { height, width, channels } = net.input
    const random = new Random(77)
    const x = random.normals([batch, height, width, channels]).data
    for (let step = 0; step < steps; step++) {
      const labels = Int32Array.from({ length: batch }, (_, index) => (index * 7 + step) % 10)
      await session.step({ x: Float64Array.from(x), labels }, { learningRate: 0.05 })
    }
    const weights = new Map<string, ArrayLike<number>>()
    for (const { name } of session.graph.parameters) weights.set(name, await session.parameter(name).read())
    return weights
  } finally {
    if (before === undefined) Reflect.deleteProperty(process.env, variable)
    else process.env[variable] = before
  }
}

type Case = Trained & { readonly precision: Precision }

const precisions: readonly Precision[] = nativeBf16() ? ['fp32', 'bf16', 'bf16-native'] : ['fp32', 'bf16']

export const trainings = matrix<Case>(
  networks.flatMap((network) => precisions.map((precision) => ({ ...network, precision }))),
  ({ name, precision }) => ['images of 7x7 fp32', 'images of 7x7 bf16-native'].includes(`${name} ${precision}`),
)

export function titleOf({ name, precision }: Case): string {
  return `${name}, ${precision}: threads and blocks change no bit of ${steps} steps`
}

export async function sameBits(t: ExecutionContext, { net, batch, precision }: Case): Promise<void> {
  const expected = await train(net, batch, precision, { threads: 1 })
  for (const weights of expected.values()) t.true(Array.from(weights).every(Number.isFinite))
  for (const variant of [{ threads: 2 }, { threads: 3, block: 1 }, { threads: 2, block: 4 }]) {
    const actual = await train(net, batch, precision, variant)
    t.is(bitsDiffer(actual, expected), undefined, JSON.stringify(variant))
  }
}
