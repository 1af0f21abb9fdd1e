/** Every unit of the paper, written out as a formula. */
import test from 'ava'
import { buildGraph } from '../../lib/graph/build.js'
import { network } from '../../lib/layers/index.js'
import type { UnitName } from '../../lib/models/index.js'
import { unitFunctions, type UnitShape } from '../../lib/models/units.js'
import { expression } from '../support/expression.js'

const basic: UnitShape = {
  inputs: 16,
  channels: 16,
  stride: 1,
  block: 'basic',
  shortcut: 'option-a',
  strideOn: 'conv2',
  first: 'no',
  gateBias: -6,
  factor: 0.5,
  rate: 0.5,
}
const down: Partial<UnitShape> = { channels: 32, stride: 2 }
const bottleneck: Partial<UnitShape> = { ...down, block: 'bottleneck', shortcut: 'projection' }

function graphOf(unit: UnitName, shape: Partial<UnitShape> = {}) {
  const full = { ...basic, ...shape }
  return buildGraph(network({ input: { height: 9, width: 9, channels: full.inputs }, layers: unitFunctions[unit](full) }))
}

const F = 'norm2(conv2(relu1(norm1(conv1(x)))))'
const gated = 'multiply(affine[-1, 1](sigmoid(gate(x))), x)'
const a = 'relu1(norm1(x))'

const formulas: readonly (readonly [unit: UnitName, shape: Partial<UnitShape>, formula: string])[] = [
  ['pre-activation', {}, `add(conv2(relu2(norm2(conv1(${a})))), x)`],
  ['pre-activation', { first: 'shared' }, `add(conv2(relu2(norm2(conv1(${a})))), ${a})`],
  ['pre-activation', { first: 'activated' }, 'add(conv2(relu2(norm2(conv1(x)))), x)'],
  ['pre-activation', down, `add(conv2(relu2(norm2(conv1(${a})))), optionA[2](${a}))`],
  ['pre-activation', bottleneck, `add(conv3(relu3(norm3(conv2(relu2(norm2(conv1(${a}))))))), downsample.conv(${a}))`],
  ['pre-activation', { ...bottleneck, first: 'activated' }, 'add(conv3(relu3(norm3(conv2(relu2(norm2(conv1(x))))))), downsample.conv(x))'],
  ['pre-activation', { block: 'one-layer' }, `add(conv1(${a}), x)`],
  ['pre-activation', { ...down, block: 'one-layer' }, `add(conv1(${a}), optionA[2](${a}))`],
  ['original', {}, `relu2(add(${F}, x))`],
  ['original', down, `relu2(add(${F}, optionA[2](x)))`],
  ['original', { ...down, shortcut: 'projection' }, `relu2(add(${F}, downsample.norm(downsample.conv(x))))`],
  ['original', bottleneck, 'relu3(add(norm3(conv3(relu2(norm2(conv2(relu1(norm1(conv1(x)))))))), downsample.norm(downsample.conv(x))))'],
  ['original', { block: 'one-layer' }, 'relu1(add(norm1(conv1(x)), x))'],
  ['bn-after-addition', {}, 'relu2(norm2(add(conv2(relu1(norm1(conv1(x)))), x)))'],
  ['bn-after-addition', { ...down, shortcut: 'projection' }, 'relu2(norm2(add(conv2(relu1(norm1(conv1(x)))), downsample.conv(x))))'],
  ['relu-before-addition', {}, `add(relu2(${F}), x)`],
  ['relu-before-addition', down, `add(relu2(${F}), optionA[2](x))`],
  ['relu-only-preactivation', {}, 'add(norm2(conv2(relu2(norm1(conv1(relu1(x)))))), x)'],
  ['relu-only-preactivation', { first: 'shared' }, 'add(norm2(conv2(relu2(norm1(conv1(relu1(x)))))), relu1(x))'],
  ['relu-only-preactivation', { first: 'activated' }, `add(${F}, x)`],
  ['relu-only-preactivation', down, 'add(norm2(conv2(relu2(norm1(conv1(relu1(x)))))), optionA[2](relu1(x)))'],
  ['constant-scaling', {}, `relu2(add(affine[0.5, 0](${F}), affine[0.5, 0](x)))`],
  ['constant-shortcut', {}, `relu2(add(${F}, affine[0.5, 0](x)))`],
  ['constant-shortcut', { factor: 0 }, `relu2(add(${F}, affine[0, 0](x)))`],
  ['exclusive-gating', {}, `relu2(add(multiply(sigmoid(gate(x)), ${F}), ${gated}))`],
  ['shortcut-only-gating', {}, `relu2(add(${F}, ${gated}))`],
  ['conv-shortcut', {}, `relu2(add(${F}, downsample.norm(downsample.conv(x))))`],
  ['dropout-shortcut', {}, `relu2(add(${F}, dropout[0.5](x)))`],
]

for (const [unit, shape, formula] of formulas) {
  test(`${unit} ${JSON.stringify(shape)}`, (t) => {
    t.is(expression(graphOf(unit, shape)), formula)
  })
}

for (const unit of ['constant-scaling', 'constant-shortcut', 'exclusive-gating', 'shortcut-only-gating', 'conv-shortcut', 'dropout-shortcut'] as const) {
  test(`${unit} is the original unit where the shape changes`, (t) => {
    t.is(expression(graphOf(unit, down)), expression(graphOf('original', down)))
  })
}

test('a gate starts at the bias asked for', (t) => {
  t.deepEqual(graphOf('exclusive-gating').parameters.find(({ name }) => name === 'gate.bias')!.init, { kind: 'constant', value: -6 })
})

for (const [strideOn, strides] of [
  ['conv1', [2, 1, 1]],
  ['conv2', [1, 2, 1]],
] as const) {
  test(`a bottleneck strides on ${strideOn}`, (t) => {
    const convolutions = graphOf('pre-activation', { ...bottleneck, strideOn }).nodes.flatMap((node) =>
      node.kind === 'conv2d' && node.name.startsWith('conv') ? [node] : [],
    )
    t.deepEqual(
      convolutions.map(({ stride, kernel, shape }) => [stride, kernel, shape.kind === 'image' && shape.channels]),
      [
        [strides[0], 1, 8],
        [strides[1], 3, 8],
        [strides[2], 1, 32],
      ],
    )
  })
}
