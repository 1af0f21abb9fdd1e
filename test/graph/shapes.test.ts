import test from 'ava'
import { buildGraph } from '../../lib/graph/build.js'
import type { SampleShape } from '../../lib/graph/graph.js'
import {
  averagePool,
  batchNorm,
  classifierHead,
  conv2d,
  dropout,
  globalAveragePool,
  linear,
  maxPool,
  network,
  optionA,
  projection,
  relu,
  repeat,
  residual,
  scale,
} from '../../lib/layers/index.js'
import type { LayerLike } from '../../lib/layers/index.js'

const graphOf = (layers: LayerLike, height = 9, width = 12, channels = 3) => buildGraph(network({ input: { height, width, channels }, layers }))
const output = (layers: LayerLike, height?: number, width?: number): SampleShape => graphOf(layers, height, width).nodes.at(-1)!.shape
const image = (channels: number, height: number, width: number): SampleShape => ({ kind: 'image', channels, height, width })
const conv = (channels: number, kernel = 3) => conv2d({ channels, kernel })

/** How many windows fit, counted one by one. */
function positions(side: number, kernel: number, stride: number, padding: number): number {
  let count = 0
  for (let start = -padding; start + kernel <= side + padding; start += stride) count++
  return count
}

test('windows are counted right for every kernel, stride and padding', (t) => {
  for (let kernel = 1; kernel <= 5; kernel++) {
    for (let stride = 1; stride <= 4; stride++) {
      for (let padding = 0; padding < kernel; padding++) {
        const expected = (channels: number) => image(channels, positions(9, kernel, stride, padding), positions(12, kernel, stride, padding))
        t.deepEqual(output(conv2d({ channels: 5, kernel, stride, padding })), expected(5), `conv ${kernel} ${stride} ${padding}`)
        for (const pool of padding <= kernel / 2 ? [maxPool, averagePool] : []) {
          t.deepEqual(output(pool({ kernel, stride, padding })), expected(3), `pool ${kernel} ${stride} ${padding}`)
        }
      }
    }
  }
})

test('with ceil the last windows reach beyond the image, where they begin inside it', (t) => {
  const begun = (side: number, kernel: number, stride: number, padding: number): number => {
    let count = 0
    // A window begins where the one before it left pixels, and before the image ends.
    for (let start = -padding; count === 0 || (start < side && start - stride + kernel < side + padding); start += stride) count++
    return count
  }
  for (let kernel = 1; kernel <= 5; kernel++) {
    for (let stride = 1; stride <= 4; stride++) {
      for (let padding = 0; padding <= kernel / 2; padding++) {
        const expected = image(3, begun(9, kernel, stride, padding), begun(12, kernel, stride, padding))
        t.deepEqual(output(maxPool({ kernel, stride, padding, ceil: true })), expected, `${kernel} ${stride} ${padding}`)
      }
    }
  }
  t.deepEqual(output(maxPool({ kernel: 3, stride: 2, ceil: true }), 112, 112), image(3, 56, 56))
})

test('option A rounds up and fills channels', (t) => {
  t.deepEqual(output(optionA({ channels: 7, stride: 2 })), image(7, 5, 6))
  t.deepEqual(output(optionA({ channels: 3, stride: 1 })), image(3, 9, 12))
})

test('a 3x3 convolution, a 1x1 convolution and option A agree on every size at stride 2', (t) => {
  for (let size = 1; size <= 9; size++) {
    const sizes = [conv2d({ channels: 4, kernel: 3, stride: 2 }), conv2d({ channels: 4, kernel: 1, stride: 2 }), optionA({ channels: 4, stride: 2 })].map(
      (layer) => output(layer, size, size),
    )
    t.deepEqual(sizes, [sizes[0], sizes[0], sizes[0]], `size ${size}`)
  }
})

test('pooling makes features, linear takes them', (t) => {
  t.deepEqual(output([conv(8), globalAveragePool()]), { kind: 'features', features: 8 })
  t.deepEqual(output([conv(8), classifierHead({ classes: 11 })]), { kind: 'features', features: 11 })
  t.deepEqual(output([globalAveragePool(), linear({ units: 5 }), linear({ units: 2, bias: false })]), { kind: 'features', features: 2 })
})

test('layers that work value by value keep the shape', (t) => {
  for (const layer of [relu(), batchNorm(), dropout({ rate: 0.5 }), scale({ factor: 2 })]) t.deepEqual(output(layer), image(3, 9, 12))
})

test('nodes are in topological order, from the input to the output', (t) => {
  const unit = residual({ branch: [conv(8)], shortcut: projection({ channels: 8 }), after: [relu()] })
  const { nodes } = graphOf({ unit, more: repeat(2, residual({ branch: [batchNorm(), relu(), conv(8)], activation: 'shared' })) })
  t.is(nodes[0]!.kind, 'input')
  for (const [index, { id, inputs }] of nodes.entries()) {
    t.is(id, index)
    t.true(inputs.every((input) => input < id))
  }
  const used = new Set(nodes.flatMap(({ inputs }) => inputs))
  t.deepEqual(
    nodes.filter(({ id }) => !used.has(id)).map(({ id }) => id),
    [nodes.length - 1],
  )
})

test('dropouts get streams in order', (t) => {
  const { nodes } = graphOf([dropout({ rate: 0.1 }), residual({ branch: [conv(3), dropout({ rate: 0.2 })] }), repeat(2, dropout({ rate: 0.3 }))])
  const streams = nodes.flatMap((node) => (node.kind === 'dropout' ? [[node.rate, node.stream]] : []))
  t.deepEqual(streams, [
    [0.1, 0],
    [0.2, 1],
    [0.3, 2],
    [0.3, 3],
  ])
})

test('the graph is a pure function of the network', (t) => {
  const net = network({ input: { height: 9, width: 9, channels: 3 }, layers: [repeat(3, [dropout({ rate: 0.5 }), conv(3)])] })
  t.deepEqual(buildGraph(net), buildGraph(net))
})

const impossible: readonly (readonly [what: string, layers: LayerLike, message: string])[] = [
  [
    'paths of two shapes',
    { stages: repeat(2, { blocks: repeat(2, residual({ branch: [conv2d({ channels: 6, kernel: 3, stride: 2 })] })) }) },
    'stages.0.blocks.0: the branch gives 6 x 5 x 6, the shortcut 3 x 9 x 12',
  ],
  [
    'paths of two sizes',
    residual({ branch: [conv(3)], shortcut: optionA({ channels: 3, stride: 2 }) }),
    'residual: the branch gives 3 x 9 x 12, the shortcut 3 x 5 x 6',
  ],
  [
    'paths of image and features',
    residual({ branch: [conv(3)], shortcut: globalAveragePool() }),
    'residual: the branch gives 3 x 9 x 12, the shortcut 3 features',
  ],
  [
    'a kernel larger than its image',
    { deep: conv2d({ channels: 4, kernel: 11, padding: 0 }) },
    'deep: a 11 x 11 kernel with padding 0 is larger than its input of 3 x 9 x 12',
  ],
  ['a window larger than its image', { pool: maxPool({ kernel: 10 }) }, 'pool: a 10 x 10 kernel with padding 0 is larger than its input of 3 x 9 x 12'],
  ['a convolution of features', { head: [globalAveragePool(), conv(4)] }, 'head: conv2d expects an image, got 3 features'],
  ['a norm of features', [globalAveragePool(), batchNorm()], 'norm1: batchNorm expects an image, got 3 features'],
  ['a pool of features', [globalAveragePool(), maxPool({ kernel: 2 })], 'pool2: maxPool expects an image, got 3 features'],
  ['an average pool of features', [globalAveragePool(), averagePool({ kernel: 2 })], 'pool2: averagePool expects an image, got 3 features'],
  ['two poolings', [globalAveragePool(), globalAveragePool()], 'pool2: globalAveragePool expects an image, got 3 features'],
  ['option A of features', [globalAveragePool(), optionA({ channels: 5 })], 'pad1: optionA expects an image, got 3 features'],
  [
    'a linear layer of an image',
    { head: { fc: linear({ units: 2 }) } },
    'head.fc: linear expects features (globalAveragePool() makes them), got an image of 3 x 9 x 12',
  ],
  ['option A that loses channels', { shortcut: optionA({ channels: 2 }) }, 'shortcut: optionA can only add channels: expected at least 3, got 2'],
]

for (const [what, layers, message] of impossible) {
  test(`refused: ${what}`, (t) => {
    t.throws(() => graphOf(layers), { code: 'ERR_SHAPE', message })
  })
}
