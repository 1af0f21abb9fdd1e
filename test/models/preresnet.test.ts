import test from 'ava'
import { buildGraph } from '../../lib/graph/build.js'
import { PreresnetError } from '../../lib/errors.js'
import { isModelName, preResNet, type PreResNetDescription, type UnitName } from '../../lib/models/index.js'
import { unitFunctions } from '../../lib/models/units.js'

const any = (value: unknown) => value as never
const cifar = (options: Partial<PreResNetDescription> = {}) => preResNet({ family: 'cifar', depth: 8, ...options })
const names = (description: PreResNetDescription) => buildGraph(preResNet(description)).nodes.map(({ name }) => name)

test('a name stands for a description', (t) => {
  t.deepEqual(
    preResNet('preresnet-164', { classes: 100 }),
    preResNet({ family: 'cifar', depth: 164, block: 'bottleneck', shortcut: 'projection', classes: 100 }),
  )
  t.deepEqual(preResNet('preresnet-56'), preResNet({ family: 'cifar', units: [9, 9, 9] }))
  t.deepEqual(preResNet('preresnet-200'), preResNet({ family: 'imagenet', units: [3, 24, 36, 3], block: 'bottleneck' }))
  t.true(isModelName('preresnet-18'))
  t.false(isModelName('toString'))
})

test('networks are called by unit and depth', (t) => {
  t.is(preResNet('preresnet-110').name, 'preresnet-110')
  t.is(cifar({ unit: 'original' }).name, 'resnet-8')
  t.is(cifar({ unit: 'exclusive-gating', gateBias: -6 }).name, 'resnet-8-exclusive-gating')
  t.is(preResNet({ family: 'cifar', units: [1, 2, 3] }).name, 'preresnet-14')
})

test('images of other sizes', (t) => {
  const [input] = buildGraph(cifar({ input: { height: 28, width: 28, channels: 1 } })).nodes
  t.deepEqual(input!.shape, { kind: 'image', height: 28, width: 28, channels: 1 })
  t.deepEqual({ ...preResNet('preresnet-18').input }, { height: 224, width: 224, channels: 3 })
  t.deepEqual({ ...preResNet('preresnet-20').input }, { height: 32, width: 32, channels: 3 })
})

test('CIFAR, pre-activation: the first activation is shared and the last addition is followed by one', (t) => {
  const { nodes } = buildGraph(cifar())
  const [, conv, norm, relu, ...rest] = nodes
  t.deepEqual([conv!.name, norm!.name, relu!.name], ['stem.conv', 'stages.0.blocks.0.norm1', 'stages.0.blocks.0.relu1'])
  const first = rest.find(({ name }) => name === 'stages.0.blocks.0.add')!
  t.true(first.inputs.includes(relu!.id))
  t.deepEqual(
    nodes.slice(-5).map(({ kind }) => kind),
    ['add', 'batchNorm', 'relu', 'globalAveragePool', 'linear'],
  )
})

test('ImageNet: the stem has norm, ReLU and pool, the first unit no norm of its own', (t) => {
  const all = names({ family: 'imagenet', depth: 50 })
  t.deepEqual(all.slice(1, 5), ['stem.conv', 'stem.norm', 'stem.relu', 'stem.pool'])
  t.false(all.includes('stages.0.blocks.0.norm1'))
  t.true(all.includes('stages.0.blocks.1.norm1'))
  t.true(all.includes('stages.1.blocks.0.norm1'))
  t.true(all.includes('norm'))
})

test('original networks have an activated stem and nothing before the head', (t) => {
  const all = names({ family: 'cifar', depth: 8, unit: 'original' })
  t.deepEqual(all.slice(1, 4), ['stem.conv', 'stem.norm', 'stem.relu'])
  t.deepEqual(all.slice(-3), ['stages.2.blocks.0.relu2', 'head.pool', 'head.fc'])
})

test('ReLU-only: the first ReLU is shared, one follows the last addition', (t) => {
  const all = names({ family: 'cifar', depth: 8, unit: 'relu-only-preactivation' })
  t.deepEqual(all.slice(1, 4), ['stem.conv', 'stem.norm', 'stages.0.blocks.0.relu1'])
  t.deepEqual(all.slice(-4), ['stages.2.blocks.0.add', 'relu', 'head.pool', 'head.fc'])
})

for (const unit of Object.keys(unitFunctions) as UnitName[]) {
  for (const block of ['basic', 'bottleneck', 'one-layer'] as const) {
    for (const shortcut of ['option-a', 'projection'] as const) {
      for (const family of ['cifar', 'imagenet'] as const) {
        test(`${family} ${unit} ${block} ${shortcut}: every stage halves the image and reaches its width`, (t) => {
          const stages = family === 'cifar' ? 3 : 4
          const { nodes } = buildGraph(
            preResNet({ family, units: Array.from({ length: stages }, () => 2), unit, block, shortcut, input: { height: 64, width: 64 } }),
          )
          const width = (family === 'cifar' ? 16 : 64) * (block === 'bottleneck' ? 4 : 1)
          const side = family === 'cifar' ? 64 : 16
          for (let stage = 0; stage < stages; stage++) {
            const sum = nodes.find(({ name }) => name === `stages.${stage}.blocks.1.add`)!
            t.deepEqual(sum.shape, { kind: 'image', channels: width << stage, height: side >> stage, width: side >> stage })
          }
        })
      }
    }
  }
}

test("Table 3's one-layer skips have as many convolutions as the network they come from", (t) => {
  const convolutions = (description: PreResNetDescription) => buildGraph(preResNet(description)).nodes.filter(({ kind }) => kind === 'conv2d').length
  const additions = (description: PreResNetDescription) => buildGraph(preResNet(description)).nodes.filter(({ kind }) => kind === 'add').length
  const skips = { family: 'cifar', depth: 110, block: 'one-layer' } as const
  t.is(convolutions(skips), convolutions({ family: 'cifar', depth: 110 }))
  t.is(additions(skips), 108)
})

const refused: readonly (readonly [what: string, make: () => unknown, message: RegExp])[] = [
  ['unknown name', () => preResNet(any('preresnet-165')), /no network is called "preresnet-165"; did you mean "preresnet-1\d\d"\?/],
  ['far-off name', () => preResNet(any('vgg')), /no network is called "vgg"; known: preresnet-20, /],
  ["a property of every object's", () => preResNet(any('constructor')), /no network is called "constructor"/],
  ['nothing', () => preResNet(any(undefined)), /preResNet: expected an object of options, got undefined/],
  ['depth beside a name', () => preResNet('preresnet-20', any({ depth: 26 })), /preResNet\("preresnet-20"\): unknown option "depth"/],
  ['misspelt option', () => cifar(any({ clases: 3 })), /preResNet: unknown option "clases"; did you mean "classes"\?/],
  ['unknown family', () => cifar(any({ family: 'cifer' })), /preResNet: family: .*did you mean "cifar"\?/],
  ['unknown unit', () => cifar(any({ unit: 'orginal' })), /preResNet: unit: .*did you mean "original"\?/],
  ['unknown block', () => cifar(any({ block: 'wide' })), /preResNet: block: expected "basic" or "bottleneck" or "one-layer"/],
  ['unknown shortcut', () => cifar(any({ shortcut: 'optionA' })), /preResNet: shortcut: .*did you mean "option-a"\?/],
  ['not 6n + 2', () => cifar({ depth: 21 }), /depth: expected 6n \+ 2 for CIFAR's basic units \(nearest: 20 or 26\), got 21/],
  ['not 9n + 2', () => cifar({ depth: 163, block: 'bottleneck' }), /expected 9n \+ 2 .* \(nearest: 155 or 164\), got 163/],
  ['not 3n + 2', () => cifar({ depth: 9, block: 'one-layer' }), /expected 3n \+ 2 .* \(nearest: 8 or 11\), got 9/],
  ['too shallow', () => cifar({ depth: 2 }), /expected 6n \+ 2 .* \(nearest: 8\), got 2/],
  ['broken depth', () => cifar({ depth: 20.5 }), /preResNet: depth: expected an integer/],
  ['depth of no ImageNet network', () => preResNet({ family: 'imagenet', depth: 60 }), /expected 18, 34, 50, 101, 152 or 200 for ImageNet \(nearest: 50 or 34/],
  ['block of another depth', () => preResNet({ family: 'imagenet', depth: 18, block: 'bottleneck' }), /18 has basic units/],
  ['depth and units', () => cifar({ units: [1, 1, 1] }), /expected depth or units, got both/],
  ['neither depth nor units', () => preResNet({ family: 'cifar' }), /expected depth or units, got neither/],
  ['no units in a stage', () => preResNet({ family: 'cifar', units: [1, 0, 1] }), /preResNet: units: expected an integer from 1/],
  ['a number for units', () => preResNet({ family: 'cifar', units: any(3) }), /preResNet: units: expected an array of integers/],
  [
    'four stages of three widths',
    () => preResNet({ family: 'cifar', units: [1, 1, 1, 1] }),
    /preResNet: widths: expected 4 numbers, one a stage, got \[16,32,64\]/,
  ],
  [
    'a width that has no quarter',
    () => cifar({ depth: 11, block: 'bottleneck', widths: [64, 130, 256] }),
    /widths: expected multiples of 4 for bottlenecks, got 130/,
  ],
  ['a width of nothing', () => cifar({ widths: [16, 0, 64] }), /preResNet: widths: expected an integer from 1/],
  ['no classes', () => cifar({ classes: 0 }), /preResNet: classes/],
  ['null for the default', () => cifar(any({ classes: null })), /preResNet: classes: expected an integer .* got null/],
  ['misspelt input', () => cifar({ input: any({ heigth: 28 }) }), /preResNet: input: unknown option "heigth"; did you mean "height"\?/],
  ['stride of a basic unit', () => cifar({ strideOn: 'conv1' }), /strideOn is for bottlenecks/],
  ['unknown stride', () => cifar({ depth: 11, block: 'bottleneck', strideOn: any('conv3') }), /preResNet: strideOn/],
  ['bias of no gate', () => cifar({ gateBias: -6 }), /gateBias is for units exclusive-gating and shortcut-only-gating/],
  ['factor of nothing', () => cifar({ unit: 'original', factor: 0.5 }), /factor is for units constant-scaling and constant-shortcut/],
  ['rate of no dropout', () => cifar({ dropoutRate: 0.5 }), /dropoutRate is for unit dropout-shortcut/],
  ['everything dropped', () => cifar({ unit: 'dropout-shortcut', dropoutRate: 1 }), /expected a number from 0 to below 1/],
]

for (const [what, make, message] of refused) {
  test(`refused: ${what}`, (t) => {
    t.is(t.throws(make, { instanceOf: PreresnetError, message }).code, 'ERR_OPTION')
  })
}

test('an image that runs out of rows is an error of its layer', (t) => {
  const net = cifar({ shortcut: 'option-a', widths: [16, 8, 64] })
  t.throws(() => buildGraph(net), {
    code: 'ERR_SHAPE',
    message: /^stages\.1\.blocks\.0\.downsample: optionA can only add channels: expected at least 16, got 8$/,
  })
})
