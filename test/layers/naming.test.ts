import test from 'ava'
import { buildGraph } from '../../lib/graph/build.js'
import { batchNorm, classifierHead, conv2d, gate, maxPool, network, projection, relu, repeat, residual, sequential } from '../../lib/layers/index.js'
import type { LayerLike } from '../../lib/layers/index.js'

const conv = (channels = 4) => conv2d({ channels, kernel: 3 })
const unit = () => residual({ branch: [batchNorm(), relu(), conv(), batchNorm(), relu(), conv()] })

function names(layers: LayerLike): string[] {
  return buildGraph(network({ input: { height: 8, width: 8, channels: 4 }, layers })).parameters.map(({ name }) => name)
}
const norm = (name: string) => [`${name}.weight`, `${name}.bias`]

test("an array's children are named by type and ordinal", (t) => {
  t.deepEqual(names([conv(), batchNorm(), relu(), conv(), batchNorm()]), ['conv1.weight', ...norm('norm1'), 'conv2.weight', ...norm('norm2')])
})

test('an array inside an array is spliced in', (t) => {
  const convNorm = [conv(), batchNorm()]
  t.deepEqual(names([convNorm, relu(), [[convNorm]]]), ['conv1.weight', ...norm('norm1'), 'conv2.weight', ...norm('norm2')])
})

test('sequential() inside an array keeps a name of its own', (t) => {
  const pair = sequential([batchNorm(), conv()])
  t.deepEqual(
    names([pair, pair]),
    ['sequential1.norm1', 'sequential1.conv1', 'sequential2.norm1', 'sequential2.conv1'].flatMap((name) =>
      name.endsWith('norm1') ? norm(name) : [`${name}.weight`],
    ),
  )
})

test("a record's keys are names, in the order written", (t) => {
  t.deepEqual(names({ stem: { conv: conv(), norm: batchNorm() }, late: conv(), head: classifierHead({ classes: 2 }) }), [
    'stem.conv.weight',
    ...norm('stem.norm'),
    'late.weight',
    'head.fc.weight',
    'head.fc.bias',
  ])
})

test('the only layer with parameters of an array under a key takes the key', (t) => {
  t.deepEqual(names({ norm: [batchNorm(), relu()] }), norm('norm'))
  t.deepEqual(names({ units: [maxPool({ kernel: 2 }), repeat(2, conv())] }), ['units.0.weight', 'units.1.weight'])
})

test('two of them keep their ordinals', (t) => {
  t.deepEqual(names({ norm: [batchNorm(), conv()] }), [...norm('norm.norm1'), 'norm.conv1.weight'])
})

test('sequential() under a key never gives up its names', (t) => {
  t.deepEqual(names({ norm: sequential([batchNorm(), relu()]) }), norm('norm.norm1'))
})

test('a layer alone in a network, or a unit, has no name', (t) => {
  t.deepEqual(names(conv()), ['weight'])
  t.deepEqual(names(unit()), [...norm('norm1'), 'conv1.weight', ...norm('norm2'), 'conv2.weight'])
})

test("repeat's copies are numbered, from wherever", (t) => {
  t.deepEqual(names({ a: repeat(2, conv()), b: repeat(2, conv(), { from: 3 }) }), ['a.0.weight', 'a.1.weight', 'b.3.weight', 'b.4.weight'])
  t.deepEqual(names({ a: repeat(2, [conv(), batchNorm()]) }), ['a.0.conv1.weight', ...norm('a.0.norm1'), 'a.1.conv1.weight', ...norm('a.1.norm1')])
})

test('pairs may have numbers and empty names', (t) => {
  t.deepEqual(
    names({
      blocks: sequential([
        ['0', conv()],
        ['', repeat(2, conv(), { from: 1 })],
      ]),
    }),
    ['blocks.0.weight', 'blocks.1.weight', 'blocks.2.weight'],
  )
})

test("a unit's shortcut is under downsample, a gate under gate", (t) => {
  const branch = [conv(8)]
  t.deepEqual(names({ unit: residual({ branch, shortcut: projection({ channels: 8, norm: true }) }) }), [
    'unit.downsample.conv.weight',
    ...norm('unit.downsample.norm'),
    'unit.conv1.weight',
  ])
  t.deepEqual(names({ unit: residual({ branch, shortcut: conv(8) }) }), ['unit.downsample.weight', 'unit.conv1.weight'])
  t.deepEqual(names({ unit: residual({ branch, shortcut: [conv(8), relu()] }) }), ['unit.downsample.weight', 'unit.conv1.weight'])
  t.deepEqual(names({ unit: residual({ branch: [conv()], shortcut: gate({ kind: 'exclusive' }) }) }), [
    'unit.gate.weight',
    'unit.gate.bias',
    'unit.conv1.weight',
  ])
})

test("what follows the addition goes on with the branch's ordinals", (t) => {
  t.deepEqual(names(residual({ branch: [conv(), batchNorm(), relu(), conv()], after: [batchNorm(), relu()] })), [
    'conv1.weight',
    ...norm('norm1'),
    'conv2.weight',
    ...norm('norm2'),
  ])
})

test('a branch of a single layer is an array of one', (t) => {
  t.deepEqual(names(residual({ branch: conv() })), ['conv1.weight'])
})

test('reuse of a layer never shares weights', (t) => {
  const one = unit()
  const all = names({ first: one, second: one, more: repeat(2, one) })
  t.is(all.length, 4 * 6)
  t.is(new Set(all).size, all.length)
})

test('layers that would have one name are refused', (t) => {
  t.throws(
    () =>
      names(
        sequential([
          ['', relu()],
          ['', relu()],
        ]),
      ),
    { code: 'ERR_OPTION', message: /two layers would be called "relu"/ },
  )
  t.throws(() => names({ input: conv() }), { code: 'ERR_OPTION', message: /two layers would be called "input"/ })
})

test('parameters that would have one name are refused', (t) => {
  const layers = sequential([
    ['', { conv: conv() }],
    ['conv', conv()],
  ])
  t.throws(() => names(layers), { code: 'ERR_OPTION', message: /two layers would call a parameter "conv\.weight"/ })
})
