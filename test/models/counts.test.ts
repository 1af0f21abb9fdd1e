/** Exact counts of the paper's networks, and of the same networks by other hands. */
import test from 'ava'
import { buildGraph } from '../../lib/graph/build.js'
import { countGraph } from '../../lib/graph/count.js'
import { type ModelName, modelNames, preResNet, type PreResNetOptions } from '../../lib/models/index.js'

const counts: readonly (readonly [name: ModelName, options: PreResNetOptions, parameters: number, multiplyAdds?: number])[] = [
  ['preresnet-110', { classes: 10 }, 1_727_962, 252_887_680],
  ['preresnet-110', { classes: 10, shortcut: 'projection' }, 1_730_522, 253_149_824],
  ['preresnet-164', { classes: 10 }, 1_703_258, 247_646_720],
  ['preresnet-164', { classes: 10, strideOn: 'conv1' }, 1_703_258, 244_500_992],
  ['preresnet-164', { classes: 100 }, 1_726_388],
  ['preresnet-1001', { classes: 10 }, 10_327_706, 1_490_995_712],
  ['preresnet-1001', { classes: 10, strideOn: 'conv1' }, 10_327_706, 1_487_849_984],
  ['preresnet-1001', { classes: 100 }, 10_350_836],
  ['preresnet-50', { classes: 1000 }, 25_549_352, 4_089_184_256],
  ['preresnet-50', { classes: 1000, strideOn: 'conv1' }, 25_549_352, 3_857_973_248],
  ['preresnet-152', { classes: 1000 }, 60_185_128, 11_513_626_624],
  ['preresnet-152', { classes: 1000, strideOn: 'conv1' }, 60_185_128, 11_282_415_616],
  ['preresnet-200', { classes: 1000 }, 64_666_152, 15_007_481_856],
  ['preresnet-200', { classes: 1000, strideOn: 'conv1' }, 64_666_152, 14_776_270_848],
]

for (const [name, options, parameters, multiplyAdds] of counts) {
  test(`${name} ${JSON.stringify(options)}`, (t) => {
    const got = countGraph(buildGraph(preResNet(name, options)))
    t.is(got.parameters, parameters)
    if (multiplyAdds !== undefined) t.is(got.multiplyAdds, multiplyAdds)
  })
}

test('classes: 10 for CIFAR, 1000 for ImageNet where nothing is said', (t) => {
  t.deepEqual(preResNet('preresnet-164'), preResNet('preresnet-164', { classes: 10 }))
  t.deepEqual(preResNet('preresnet-50'), preResNet('preresnet-50', { classes: 1000 }))
})

for (const name of Object.keys(modelNames) as ModelName[]) {
  test(`${name} has the depth of its name`, (t) => {
    const convolutions = buildGraph(preResNet(name)).nodes.filter((node) => node.kind === 'conv2d' && !node.name.includes('downsample'))
    t.is(convolutions.length + 1, Number(name.split('-')[1]))
  })
}

test('ResNet-200 has 199 norms, ResNet-1001 111 units a stage', (t) => {
  t.is(buildGraph(preResNet('preresnet-200')).nodes.filter(({ kind }) => kind === 'batchNorm').length, 199)
  const { nodes } = buildGraph(preResNet('preresnet-1001'))
  for (const stage of [0, 1, 2]) t.is(nodes.filter(({ kind, name }) => kind === 'add' && name.startsWith(`stages.${stage}.`)).length, 111)
})
