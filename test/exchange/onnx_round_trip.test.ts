/** What this library writes as ONNX it reads again: every unit of the paper, every layer, pixels as the input. */
import test from 'ava'
import type { OnnxOptions } from '../../lib/exchange/options.js'
import {
  averagePool,
  batchNorm,
  conv2d,
  dropout,
  gate,
  globalAveragePool,
  linear,
  maxPool,
  network,
  optionA,
  relu,
  residual,
  scale,
  type Layer,
  type Residual,
} from '../../lib/layers/index.js'
import { preResNet } from '../../lib/models/index.js'
import { unitNames } from '../../lib/models/units.js'
import { roundTrip } from './round_trip.js'

const forms: readonly OnnxOptions[] = [
  { norms: 'kept', input: 'nhwc' },
  { norms: 'folded', input: 'nchw' },
  { norms: 'folded', answers: 'logits' },
]

const small = { family: 'cifar', widths: [16, 16, 24], classes: 2, input: { height: 8, width: 9 } } as const
const described = [
  ...unitNames.map((unit) => [unit, { ...small, units: [2, 1, 1], unit }] as const),
  ['bottlenecks', { ...small, units: [1, 2, 1], block: 'bottleneck' }] as const,
  [
    'the stem for ImageNet',
    { ...small, family: 'imagenet', units: [1, 1, 2, 1], widths: [64, 16, 16, 16], block: 'basic', input: { height: 33, width: 40 } },
  ] as const,
]
for (const [name, description] of described)
  test(`out and in again: ${name}`, async (t) => {
    for (const form of forms) await roundTrip(t, preResNet(description), form)
  })

test('out and in again: every layer, units in units, gates in units', async (t) => {
  const conv = conv2d({ channels: 6, kernel: 3 })
  const inner = residual({ branch: [conv, relu()] })
  const own = network({
    name: 'own',
    input: { height: 12, width: 12, channels: 3 },
    layers: [
      scale({ factor: 0.3 }),
      scale({ factor: -1 }),
      conv2d({ channels: 4, kernel: 3, stride: 2, padding: 0, bias: true }),
      batchNorm({ epsilon: 0.001 }),
      averagePool({ kernel: 3, stride: 1, padding: 1 }),
      maxPool({ kernel: 2, stride: 2, ceil: true }),
      optionA({ channels: 4 }),
      optionA({ channels: 6 }),
      relu(),
      // All begin at one value.
      residual({ branch: [residual({ branch: [inner, relu()] }), batchNorm()], shortcut: scale({ factor: 0.7 }) }),
      // Two paths of one layer each.
      residual({ branch: [conv], shortcut: scale({ factor: 0.6 }) }),
      residual({ branch: [residual({ branch: [conv], shortcut: gate({ kind: 'exclusive' }) }), relu()], branchScale: 0.1 }),
      residual({ branch: [residual({ branch: [relu(), conv], shortcut: gate({ kind: 'shortcut-only' }) })], shortcut: gate({ kind: 'exclusive' }) }),
      optionA({ channels: 8, stride: 2 }),
      averagePool({ kernel: 2 }),
      conv2d({ channels: 5, kernel: 1 }),
      globalAveragePool(),
      dropout({ rate: 0.5 }),
      residual({ branch: [linear({ units: 5 }), relu(), scale({ factor: 0.5 })] }),
      linear({ units: 2, bias: false }),
    ],
  })
  for (const form of forms) await roundTrip(t, own, form)
})

test('out and in again: an average of padded windows as large as the image is not one over all pixels', async (t) => {
  const layers = [averagePool({ kernel: 5, stride: 1, padding: 2 }), globalAveragePool(), linear({ units: 2 })]
  for (const form of forms) await roundTrip(t, network({ name: 'padded', input: { height: 5, width: 5, channels: 3 }, layers }), form)
})

test('out and in again: four exclusive gates that begin at one value', async (t) => {
  const gated = (branch: readonly Layer[], gates: number): Residual =>
    residual({ branch: gates === 1 ? branch : [gated(branch, gates - 1)], shortcut: gate({ kind: 'exclusive' }) })
  const layers = [conv2d({ channels: 4, kernel: 3 }), gated([relu(), conv2d({ channels: 4, kernel: 3 })], 4), globalAveragePool(), linear({ units: 2 })]
  for (const form of forms) await roundTrip(t, network({ name: 'gated', input: { height: 5, width: 5, channels: 3 }, layers }), form)
})
