import test from 'ava'
import { buildGraph } from '../../lib/graph/build.js'
import { countGraph, summarizeGraph } from '../../lib/graph/count.js'
import { batchNorm, classifierHead, conv2d, network, relu } from '../../lib/layers/index.js'

const net = network({
  input: { height: 8, width: 6, channels: 3 },
  layers: {
    stem: { conv: conv2d({ channels: 16, kernel: 5, stride: 2, bias: true, biasInit: -3 }), norm: batchNorm({ epsilon: 1e-3, momentum: 0.2 }), relu: relu() },
    head: classifierHead({ classes: 7 }),
  },
})

test('parameters: shape, role and start', (t) => {
  t.deepEqual(buildGraph(net).parameters, [
    { name: 'stem.conv.weight', shape: [16, 3, 5, 5], role: 'weight', init: { kind: 'normal', std: Math.sqrt(2 / (5 * 5 * 16)) } },
    { name: 'stem.conv.bias', shape: [16], role: 'bias', init: { kind: 'constant', value: -3 } },
    { name: 'stem.norm.weight', shape: [16], role: 'normWeight', init: { kind: 'constant', value: 1 } },
    { name: 'stem.norm.bias', shape: [16], role: 'normBias', init: { kind: 'constant', value: 0 } },
    { name: 'head.fc.weight', shape: [7, 16], role: 'weight', init: { kind: 'uniform', bound: 0.25 } },
    { name: 'head.fc.bias', shape: [7], role: 'bias', init: { kind: 'constant', value: 0 } },
  ])
})

test('buffers: running mean 0, running variance 1', (t) => {
  t.deepEqual(buildGraph(net).buffers, [
    { name: 'stem.norm.running_mean', shape: [16], init: { kind: 'constant', value: 0 } },
    { name: 'stem.norm.running_var', shape: [16], init: { kind: 'constant', value: 1 } },
  ])
})

test('nodes carry what their layers say', (t) => {
  const [, conv, norm] = buildGraph(net).nodes
  t.like(conv, { kind: 'conv2d', name: 'stem.conv', kernel: 5, stride: 2, padding: 2, weight: 'stem.conv.weight', bias: 'stem.conv.bias' })
  t.like(norm, {
    kind: 'batchNorm',
    name: 'stem.norm',
    epsilon: 1e-3,
    momentum: 0.2,
    runningMean: 'stem.norm.running_mean',
    runningVar: 'stem.norm.running_var',
  })
})

test('counts', (t) => {
  const graph = buildGraph(net)
  const parameters = 16 * 3 * 25 + 16 + 2 * 16 + 7 * 16 + 7
  const multiplyAdds = 4 * 3 * 16 * 3 * 25 + 7 * 16
  t.deepEqual(countGraph(graph), { parameters, multiplyAdds })
  const rows = summarizeGraph(graph)
  t.is(
    rows.reduce((sum, row) => sum + row.parameters, 0),
    parameters,
  )
  t.deepEqual(rows[1], { name: 'stem.conv', kind: 'conv2d', shape: [16, 4, 3], parameters: 1216, multiplyAdds: 14_400 })
  t.deepEqual(rows.at(-1), { name: 'head.fc', kind: 'linear', shape: [7], parameters: 119, multiplyAdds: 112 })
})
