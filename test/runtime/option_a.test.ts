/** Option A without subsampling only appends channels of zeros: what a 1x1 convolution by the identity computes. */
import test from 'ava'
import { batchNorm, classifierHead, conv2d, network, optionA, projection, relu, residual, type Network, type ShortcutLike } from '../../lib/layers/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { sgd } from '../../lib/training/sgd.js'
import { onDevice, type TestDevice } from '../support/on_device.js'

const [FEW, MANY, MOST] = [5, 19, 24]
const BATCH = 4
const input = { height: 6, width: 5, channels: 3 }

/** Two units in a row grow, one on the activated and one on the raw input; `appends` is the shortcut. */
function growing(appends: (channels: number) => ShortcutLike): Network {
  const branch = (channels: number) => [batchNorm(), relu(), conv2d({ channels, kernel: 3 }), batchNorm(), relu(), conv2d({ channels, kernel: 3 })]
  return network({
    input,
    layers: {
      stem: conv2d({ channels: FEW, kernel: 3 }),
      first: residual({ branch: branch(MANY), shortcut: appends(MANY), activation: 'shared' }),
      second: residual({ branch: branch(MOST), shortcut: appends(MOST) }),
      norm: [batchNorm(), relu()],
      head: classifierHead({ classes: 3 }),
    },
  })
}

async function trained(net: Network, device: TestDevice, convolved: boolean): Promise<number[]> {
  const precision = device === 'reference' ? 'fp64' : 'fp32'
  const shortcuts = { 'first.downsample.conv.weight': [MANY, FEW], 'second.downsample.conv.weight': [MOST, MANY] } as const
  const options = { precision, batch: BATCH, seed: 3, optimizer: sgd({ momentum: 0.9, weightDecay: 0 }) } as const
  const session = await onDevice(device, (device) => compile(net, { device, ...options, ...(convolved && { frozen: Object.keys(shortcuts) }) }))
  try {
    // Start values hang on names and so are the same in both networks.
    for (const [name, [outputs, inputs]] of convolved ? Object.entries(shortcuts) : []) {
      await session
        .parameter(name)
        .write(Float64Array.from({ length: outputs * inputs }, (_, index) => (index % inputs === Math.floor(index / inputs) ? 1 : 0)))
    }
    const losses: number[] = []
    for (let step = 0; step < 3; step++) {
      const x = Float32Array.from({ length: BATCH * input.height * input.width * input.channels }, (_, index) => Math.sin(1.7 * index + step))
      losses.push((await session.step({ x, labels: Int32Array.of(0, 1, 2, step) }, { learningRate: 0.1 })).loss)
    }
    const { loss } = await session.step(
      { x: new Float32Array(BATCH * input.height * input.width * input.channels).fill(0.3), labels: Int32Array.of(0, 1, 2, 0) },
      { learningRate: 0 },
    )
    return [...losses, loss]
  } finally {
    await session.dispose()
  }
}

test('channels that are appended without subsampling, on every device', async (t) => {
  const appended = growing((channels) => optionA({ channels }))
  const wanted = await trained(
    growing((channels) => projection({ channels })),
    'reference',
    true,
  )
  for (const [device, tolerance] of [
    ['reference', 1e-12],
    ['cpu', 1e-4],
    ['cuda-emulated', 1e-4],
  ] as const) {
    const losses = await trained(appended, device, false)
    losses.forEach((loss, step) => t.true(Math.abs(loss - wanted[step]!) <= tolerance, `${device}, step ${step}: ${loss} beside ${wanted[step]}`))
  }
})
