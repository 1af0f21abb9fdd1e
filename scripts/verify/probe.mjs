// Norms of signals and gradients by depth, at the start values, of networks of original and of pre-activation units: draws the pictures of docs/paper.md.
//   node scripts/verify/probe.mjs IMAGES [--output docs/pictures] [--depths 20,56,110,164,1001] [--images 8]
// IMAGES: what train takes as --data, of 32 x 32 pixels and 10 classes.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openImages } from '../../dist/lib/cli/data_options.js'
import { chartSvg } from '../../dist/lib/cli/pictures/chart.js'
import { depthsSvg } from '../../dist/lib/cli/pictures/depths.js'
import { colorOf } from '../../dist/lib/cli/pictures/theme.js'
import { compile, loader, preResNet, sgd } from '../../dist/lib/index.js'
import { modelTensors } from '../../dist/lib/runtime/internals.js'
import { probe } from '../../dist/lib/runtime/probe.js'
import { verdict } from './common.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    output: { type: 'string', default: 'docs/pictures' },
    depths: { type: 'string', default: '20,56,110,164,1001' },
    images: { type: 'string', default: '8' },
  },
})
const { train } = await openImages(positionals[0])
const prepare = { evaluate: [], normalization: { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] } }
const units = ['original', 'pre-activation']
const found = []
for (const depth of values.depths.split(',').map(Number)) {
  const block = depth === 164 || depth === 1001 ? 'bottleneck' : 'basic'
  for (const unit of units) {
    const network = preResNet({ family: 'cifar', depth, block, unit, classes: 10 })
    const session = await compile(network, { device: 'cpu', precision: 'fp32', batch: 1, evaluation: false, prepare, seed: 1 })
    const tensors = await modelTensors(session, 'trained')
    await session.dispose()
    const batches = loader(train, { batch: Number(values.images), seed: 1, prepare, input: network.input })
    const settings = { threads: 0, labelSmoothing: 0, loss: 'cross-entropy', classWeights: [], frozen: [], frozenStatistics: [], convolution: 'auto' }
    const norms = await probe(network, tensors, batches, { ...settings, optimizer: sgd(), seed: 1, device: 'cpu' })
    await batches.close()
    found.push({ depth, unit, norms })
    console.error(JSON.stringify({ depth, unit, first: norms[1] }))
  }
}

const runsOf = (depth) =>
  found
    .filter((each) => each.depth === depth)
    .map(({ unit, norms }) => ({ name: `ResNet-${depth}, ${unit} units`, lines: [{ step: 0, images: Number(values.images), units: norms }] }))
mkdirSync(values.output, { recursive: true })
const write = (name, svg) => writeFileSync(join(values.output, name), svg)
if (runsOf(110).length > 0) write('depth-110.svg', depthsSvg(runsOf(110)))
if (runsOf(1001).length > 0) write('depth-1001-first.svg', depthsSvg(runsOf(1001), 31))
const lines = units.map((unit, index) => ({
  name: unit,
  axis: 'left',
  color: colorOf(index),
  points: found.filter((each) => each.unit === unit).map(({ depth, norms }) => [depth, norms[1].gradient]),
}))
write(
  'first-unit.svg',
  chartSvg({
    label: 'Gradient norm behind the first unit, by depth of the network',
    height: 260,
    x: { title: 'layers of the network', to: Math.max(...found.map(({ depth }) => depth)) },
    left: { title: 'norm of the gradient', scale: 'fit' },
    lines,
    legend: units.map((unit, index) => ({ text: `${unit} units`, color: colorOf(index) })),
  }),
)
verdict({
  found: found.map(({ depth, unit, norms }) => ({ depth, unit, first: norms[1].gradient, last: norms.at(-1).gradient })),
  passed: found.every(({ norms }) => norms.every(({ gradient }) => gradient > 0)),
})
