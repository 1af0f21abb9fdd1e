/** Networks for tests of the lowering: everything that the compiler meets, as small as it can be. */
import { compilePrograms } from '../../lib/compiler/compile.js'
import type { ProgramOptions } from '../../lib/compiler/options.js'
import type { ProgramSet } from '../../lib/compiler/program.js'
import { buildGraph } from '../../lib/graph/build.js'
import { batchNorm, classifierHead, conv2d, dropout, maxPool, network, projection, relu, residual, type Network } from '../../lib/layers/index.js'
import { preResNet } from '../../lib/models/index.js'
import { unitNames } from '../../lib/models/units.js'

const input = { height: 8, width: 8, channels: 3 }
const units = unitNames.filter((unit) => unit !== 'pre-activation')
const small = { family: 'cifar', units: [2, 1], widths: [16, 21], classes: 4, input } as const

/** Convolutions with biases, a pooled stem, a ReLU alone, dropout inside of a branch, one tensor under two norms. */
function own(): Network {
  const unit = (channels: number, more: object = {}) =>
    residual({
      branch: [
        batchNorm(),
        relu(),
        conv2d({ channels, kernel: 3, bias: true }),
        dropout({ rate: 0.3 }),
        batchNorm(),
        relu(),
        conv2d({ channels, kernel: 3, bias: true }),
      ],
      ...more,
    })
  return network({
    name: 'own',
    input: { height: 13, width: 11, channels: 3 },
    layers: {
      stem: [conv2d({ channels: 6, kernel: 7, stride: 2, bias: true }), batchNorm(), relu(), maxPool({ kernel: 3, stride: 2 })],
      plain: [conv2d({ channels: 6, kernel: 1 }), relu(), conv2d({ channels: 6, kernel: 3 })],
      first: unit(6),
      second: unit(9, { activation: 'shared', shortcut: projection({ channels: 9 }) }),
      third: unit(9, { shortcut: [batchNorm(), relu(), conv2d({ channels: 9, kernel: 1 })] }),
      norm: [batchNorm(), relu()],
      head: classifierHead({ classes: 4 }),
    },
  })
}

export const NETWORKS: readonly (readonly [name: string, network: Network])[] = [
  ['basic, option A', preResNet({ ...small, block: 'basic' })],
  ['basic, option A without subsampling', preResNet({ ...small, block: 'basic', widths: [19, 24] })],
  ['basic, projection', preResNet({ ...small, block: 'basic', shortcut: 'projection' })],
  ['bottleneck', preResNet({ ...small, block: 'bottleneck', widths: [16, 20] })],
  ['bottleneck, stride on conv1', preResNet({ ...small, block: 'bottleneck', widths: [16, 20], strideOn: 'conv1' })],
  ['one layer', preResNet({ ...small, block: 'one-layer' })],
  [
    'ImageNet',
    preResNet({ family: 'imagenet', units: [1, 2], widths: [8, 20], classes: 6, block: 'bottleneck', input: { height: 40, width: 36, channels: 3 } }),
  ],
  ['own layers', own()],
  ...units.map((unit): readonly [string, Network] => [unit, preResNet({ ...small, block: 'basic', unit })]),
]

export const BATCH = 4

export function compileOptions(net: Network, more: Partial<ProgramOptions> = {}): ProgramOptions {
  const { height, width, channels } = net.input
  const each = (value: number): number[] => new Array<number>(channels).fill(value)
  const settings = buildGraph(net).parameters.map(({ name, role }) => [name, { decay: role === 'weight' ? 1e-3 : 0, rate: 1 }] as const)
  return {
    device: 'reference',
    precision: 'fp64',
    batch: BATCH,
    programs: ['train', 'evaluate', 'infer'],
    input: { kind: 'images', height, width, pad: 1, mean: each(0.5), std: each(0.25) },
    loss: { kind: 'crossEntropy', smoothing: 0.1, softTargets: false },
    update: { momentum: 0.9, nesterov: true, clipNorm: 0, settings: Object.fromEntries(settings) },
    ...more,
  }
}

export function compiled(net: Network, more: Partial<ProgramOptions> = {}): Promise<ProgramSet> {
  return compilePrograms(buildGraph(net), compileOptions(net, more))
}

/** Values of ordinary size for every parameter and running statistic, the same every time. */
export function startValues(net: Network): readonly (readonly [name: string, values: Float64Array])[] {
  const graph = buildGraph(net)
  return [...graph.parameters, ...graph.buffers].map(({ name, shape }, index) => {
    const count = shape.reduce((product, size) => product * size, 1)
    const spread = shape.length === 1 ? 0.3 : Math.sqrt((2 * (shape[0] as number)) / count)
    const around = /running_var|norm\d*\.weight/.test(name) ? 1 : 0
    return [
      name,
      Float64Array.from({ length: count }, (_, position) => around + spread * Math.sin(12.9898 * position + 78.233 * index + ((position * position) % 17))),
    ]
  })
}
