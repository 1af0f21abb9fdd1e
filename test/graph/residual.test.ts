import test from 'ava'
import { buildGraph } from '../../lib/graph/build.js'
import {
  batchNorm,
  constantScaling,
  conv2d,
  dropoutShortcut,
  gate,
  identity,
  layersShortcut,
  network,
  optionA,
  projection,
  relu,
  residual,
} from '../../lib/layers/index.js'
import type { ResidualOptions } from '../../lib/layers/index.js'
import { expression } from '../support/expression.js'

const conv = (channels = 4) => conv2d({ channels, kernel: 3 })
const graphOf = (options: ResidualOptions) => buildGraph(network({ input: { height: 8, width: 8, channels: 4 }, layers: residual(options) }))

const wider: Pick<ResidualOptions, 'branch'> = { branch: [batchNorm(), relu(), conv(8)] }
const plain: Pick<ResidualOptions, 'branch'> = { branch: [conv()] }

const units: readonly (readonly [what: string, options: ResidualOptions, formula: string])[] = [
  ['identity', { ...plain, shortcut: identity() }, 'add(conv1(x), x)'],
  ['activation of the branch', { branch: [batchNorm(), relu(), conv()] }, 'add(conv1(relu1(norm1(x))), x)'],
  ['shared activation', { branch: [batchNorm(), relu(), conv()], activation: 'shared' }, 'add(conv1(relu1(norm1(x))), relu1(norm1(x)))'],
  ['projection of x', { ...wider, shortcut: projection({ channels: 8, norm: true }) }, 'add(conv1(relu1(norm1(x))), downsample.norm(downsample.conv(x)))'],
  [
    'projection of the activated x',
    { ...wider, shortcut: projection({ channels: 8 }), activation: 'shared' },
    'add(conv1(relu1(norm1(x))), downsample.conv(relu1(norm1(x))))',
  ],
  [
    'option A of the activated x',
    { ...wider, shortcut: optionA({ channels: 8 }), activation: 'shared' },
    'add(conv1(relu1(norm1(x))), optionA[1](relu1(norm1(x))))',
  ],
  ['layers', { ...plain, shortcut: layersShortcut({ a: conv(), b: relu() }) }, 'add(conv1(x), downsample.b(downsample.a(x)))'],
  ['scaled shortcut', { ...plain, shortcut: constantScaling({ factor: 0.25 }) }, 'add(conv1(x), affine[0.25, 0](x))'],
  ['scaled branch', { ...plain, branchScale: 0.5 }, 'add(affine[0.5, 0](conv1(x)), x)'],
  ['dropout', { ...plain, shortcut: dropoutShortcut({ rate: 0.5 }) }, 'add(conv1(x), dropout[0.5](x))'],
  [
    'exclusive gate',
    { ...plain, shortcut: gate({ kind: 'exclusive' }) },
    'add(multiply(sigmoid(gate(x)), conv1(x)), multiply(affine[-1, 1](sigmoid(gate(x))), x))',
  ],
  ['shortcut-only gate', { ...plain, shortcut: gate({ kind: 'shortcut-only' }) }, 'add(conv1(x), multiply(affine[-1, 1](sigmoid(gate(x))), x))'],
  ['after the addition', { ...plain, after: [batchNorm(), relu()] }, 'relu1(norm1(add(conv1(x), x)))'],
]

for (const [what, options, formula] of units) {
  test(what, (t) => {
    const graph = graphOf(options)
    t.is(expression(graph), formula)
    t.is(new Set(graph.nodes.map(({ name }) => name)).size, graph.nodes.length, 'every node has a name of its own')
  })
}

test('what is shared is computed once', (t) => {
  const kinds = graphOf({ ...wider, shortcut: projection({ channels: 8 }), activation: 'shared' }).nodes.map(({ kind }) => kind)
  t.deepEqual(kinds, ['input', 'batchNorm', 'relu', 'conv2d', 'conv2d', 'add'])
})

test("a gate starts at its bias and has the unit's channels", (t) => {
  const { parameters } = graphOf({ ...plain, shortcut: gate({ kind: 'exclusive', biasInit: -6 }) })
  t.deepEqual(parameters.slice(0, 2), [
    { name: 'gate.weight', shape: [4, 4, 1, 1], role: 'weight', init: { kind: 'normal', std: Math.sqrt(2 / 4) } },
    { name: 'gate.bias', shape: [4], role: 'bias', init: { kind: 'constant', value: -6 } },
  ])
})

test('a gate cannot change the shape', (t) => {
  for (const kind of ['exclusive', 'shortcut-only'] as const) {
    t.throws(() => graphOf({ ...wider, shortcut: gate({ kind }) }), {
      code: 'ERR_SHAPE',
      message: 'residual: the branch gives 8 x 8 x 8, the shortcut 4 x 8 x 8',
    })
  }
})
