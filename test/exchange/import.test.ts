import { writeFile as write } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { importWeights } from '../../lib/exchange/index.js'
import { writeSafetensors, type SafetensorsTensor } from '../../lib/formats/safetensors.js'
import { buildGraph } from '../../lib/graph/index.js'
import { preResNet } from '../../lib/models/index.js'
import { describeModel } from '../../lib/runtime/model_file.js'
import { Classifier } from '../../lib/inference/index.js'
import { temporaryFolder } from '../support/folder.js'
import { pth } from '../support/pth.js'
import { basic, bottleneck, drawn, resnet, resnetv2, writeFile } from './files.js'

const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
const half = [0.5, 0.5, 0.5]

for (const [name, described, block] of [
  ['basic units', basic, 'basic'],
  ['bottlenecks', bottleneck, 'bottleneck'],
] as const) {
  test(`torchvision's resnet with ${name} is our original network, value by value`, async (t) => {
    const file = join(await temporaryFolder(t), 'weights.safetensors')
    const tensors = await writeFile(file, resnet(described))
    const { network, parameters, prepare } = await importWeights(file, { from: 'torchvision', preparation: 'torchvision-v2' })
    const { units, widths, classes } = described
    t.deepEqual(network, preResNet({ family: 'imagenet', unit: 'original', block, units, widths, classes }))
    t.deepEqual(prepare, { evaluate: [{ kind: 'resize', size: 232 }, { kind: 'centerCrop' }], normalization: imagenet })
    const pairs = [
      ['stem.conv.weight', 'conv1.weight'],
      ['stem.norm.running_mean', 'bn1.running_mean'],
      ['stages.0.blocks.0.norm2.bias', 'layer1.0.bn2.bias'],
      ['stages.1.blocks.0.downsample.conv.weight', 'layer2.0.downsample.0.weight'],
      ['stages.1.blocks.0.downsample.norm.running_var', 'layer2.0.downsample.1.running_var'],
      ['head.fc.weight', 'fc.weight'],
      ['head.fc.bias', 'fc.bias'],
    ] as const
    for (const [ours, theirs] of pairs) t.deepEqual(parameters.get(ours), tensors.get(theirs), ours)
    t.is(parameters.size, [...tensors.keys()].filter((theirs) => !theirs.endsWith('num_batches_tracked')).length)
    const same = await importWeights(file, { from: 'timm', preparation: 'torchvision-v1' })
    t.deepEqual(same.network, network)
    t.deepEqual(same.prepare.evaluate, [{ kind: 'resize', size: 256 }, { kind: 'centerCrop' }])
  })
}

test("a file of PyTorch's is read as the same in safetensors", async (t) => {
  const folder = await temporaryFolder(t)
  const [file, other] = [join(folder, 'weights.safetensors'), join(folder, 'weights.pth')]
  const tensors = await writeFile(file, resnet(basic))
  const load = (path: string) => importWeights(path, { from: 'torchvision', preparation: 'torchvision-v1' })
  await write(other, pth(tensors, ['state_dict']))
  t.deepEqual(await load(other), await load(file))
  tensors.delete('bn1.bias')
  await write(other, pth(tensors))
  await t.throwsAsync(load(other), { code: 'ERR_FILE', message: /weights\.pth: expected a tensor "bn1\.bias" for resnet-12, got none$/ })
})

test("timm's resnetv2 pools before the first norm, and every unit activates its input", async (t) => {
  const file = join(await temporaryFolder(t), 'weights.safetensors')
  const tensors = await writeFile(file, resnetv2(basic))
  const { network, parameters } = await importWeights(file, { from: 'timm', preparation: 'timm-resnetv2' })
  const { nodes } = buildGraph(network)
  t.deepEqual(
    nodes.slice(0, 10).map(({ name, kind, inputs }) => [name, kind, ...inputs]),
    [
      ['input', 'input'],
      ['stem.conv', 'conv2d', 0],
      ['stem.pool', 'maxPool', 1],
      ['stages.0.blocks.0.norm1', 'batchNorm', 2],
      ['stages.0.blocks.0.relu1', 'relu', 3],
      ['stages.0.blocks.0.conv1', 'conv2d', 4],
      ['stages.0.blocks.0.norm2', 'batchNorm', 5],
      ['stages.0.blocks.0.relu2', 'relu', 6],
      ['stages.0.blocks.0.conv2', 'conv2d', 7],
      ['stages.0.blocks.0.add', 'add', 8, 2],
    ],
  )
  // Where the shape changes, the projection takes the activated input, and the first 3x3 convolution strides.
  const kinds = new Map(nodes.map((node) => [node.name, node]))
  t.deepEqual(kinds.get('stages.1.blocks.0.downsample.conv')!.inputs, [kinds.get('stages.1.blocks.0.relu1')!.id])
  t.like(kinds.get('stages.1.blocks.0.conv1'), { kernel: 3, stride: 2, padding: 1 })
  t.like(kinds.get('stem.conv'), { kernel: 7, stride: 2, padding: 3 })
  t.like(kinds.get('stem.pool'), { kernel: 3, stride: 2, padding: 1 })
  t.like(kinds.get('norm'), { epsilon: 1e-5 })
  for (const name of ['stem.conv.weight', 'stages.1.blocks.1.norm2.running_var', 'norm.weight', 'head.fc.bias'])
    t.deepEqual(parameters.get(name), tensors.get(name), name)
  t.deepEqual(parameters.get('head.fc.weight'), { ...tensors.get('head.fc.weight')!, shape: [5, 8] })
})

test('a bottleneck strides on its 3x3 convolution', async (t) => {
  const folder = await temporaryFolder(t)
  for (const [shapes, preparation] of [
    [resnet(bottleneck), 'torchvision-v1'],
    [resnetv2(bottleneck), 'timm-resnetv2'],
  ] as const) {
    const file = join(folder, 'weights.safetensors')
    await writeFile(file, shapes)
    const { nodes } = buildGraph((await importWeights(file, { from: 'timm', preparation })).network)
    const strides = nodes.flatMap((node) => (node.kind === 'conv2d' && node.name.startsWith('stages.1.blocks.0.conv') ? [node.stride] : []))
    t.deepEqual(strides, [1, 2, 1])
  }
})

const config = {
  architecture: 'resnetv2_18',
  pretrained_cfg: { input_size: [3, 64, 64], crop_pct: 0.9, crop_mode: 'center', interpolation: 'bilinear', mean: half, std: half },
}

test("timm's config.json says how images are prepared; the option goes before it", async (t) => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'model.safetensors')
  await writeFile(file, resnetv2(basic))
  await write(join(folder, 'config.json'), JSON.stringify(config))
  const { network, prepare } = await importWeights(file, { from: 'timm' })
  t.deepEqual(network.input, { height: 64, width: 64, channels: 3 })
  t.deepEqual(prepare, { evaluate: [{ kind: 'resize', size: 71 }, { kind: 'centerCrop' }], normalization: { mean: half, std: half } })
  t.is((await importWeights(file, { from: 'timm', preparation: 'torchvision-v1' })).prepare.normalization.mean[0], 0.485)
})

test('weights that were made with a bicubic filter are shown images of one', async (t) => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'model.safetensors')
  await writeFile(file, resnetv2(basic))
  const bicubic = [{ kind: 'resize', size: 235, filter: 'bicubic' }, { kind: 'centerCrop' }]
  t.deepEqual((await importWeights(file, { from: 'timm', preparation: 'timm-resnetv2' })).prepare.evaluate, bicubic as never)
  const changed = { ...config.pretrained_cfg, input_size: [3, 224, 224], crop_pct: 0.95, interpolation: 'bicubic' }
  await write(join(folder, 'config.json'), JSON.stringify({ ...config, pretrained_cfg: changed }))
  t.deepEqual((await importWeights(file, { from: 'timm' })).prepare.evaluate, bicubic as never)
})

test('a model file of imported weights serves', async (t) => {
  const folder = await temporaryFolder(t)
  const [file, model] = [join(folder, 'weights.safetensors'), join(folder, 'model.safetensors')]
  await writeFile(file, resnetv2(basic))
  await write(join(folder, 'config.json'), JSON.stringify(config))
  const imported = await importWeights(file, { from: 'timm' })
  await imported.save(model)
  t.deepEqual(await describeModel(model), { network: imported.network, prepare: imported.prepare })
  const classifier = await Classifier.load(model, { device: 'reference', batch: 1 })
  t.teardown(() => classifier.dispose())
  t.deepEqual(classifier.prepare, imported.prepare)
})

type Change = (tensors: Map<string, SafetensorsTensor>) => void
const vector = (...values: number[]): SafetensorsTensor => ({ dtype: 'F32', shape: [values.length], data: Float32Array.from(values) })

const refused: readonly (readonly [what: string, change: Change, message: RegExp])[] = [
  [
    'without a name that tells the family',
    (all) => all.delete('conv1.weight'),
    /expected torchvision's "conv1\.weight" \(resnet\*\), got "bn1\.\w+", .* and 82 others$/,
  ],
  ['a parameter is missing', (all) => all.delete('layer2.1.bn2.bias'), /expected a tensor "layer2\.1\.bn2\.bias" for resnet-12, got none$/],
  ['a running statistic is missing', (all) => all.delete('bn1.running_var'), /expected a tensor "bn1\.running_var" for resnet-12, got none$/],
  ['the classifier is missing', (all) => all.delete('fc.weight'), /expected a tensor "fc\.weight", got none$/],
  [
    'a stage is missing',
    (all) => [...all.keys()].filter((name) => name.startsWith('layer3.')).forEach((name) => all.delete(name)),
    /"layer3\.0\.conv1\.weight", got none$/,
  ],
  ['a tensor is one too many', (all) => all.set('layer1.0.se.fc1.weight', vector(1)), /has a tensor "layer1\.0\.se\.fc1\.weight", which resnet-12 has not$/],
  ['a fifth stage', (all) => all.set('layer5.0.conv1.weight', vector(1)), /expected 4 stages, got 5$/],
  ['a name that asks for thousands of units', (all) => all.set('layer4.9999.conv1.weight', vector(1)), /speak of 10004 units, and it has 87 tensors$/],
  ['another shape', (all) => all.set('bn1.bias', vector(1, 2)), /: bn1\.bias: expected shape \[64\] for resnet-12, got \[2\]$/],
  [
    'a weight of too few dimensions',
    (all) => all.set('conv1.weight', vector(1)),
    /: conv1\.weight: expected a weight of 1 to 1000000 channels, got shape \[1\]$/,
  ],
  ['a counter that is no number', (all) => all.set('bn1.num_batches_tracked', vector(1)), /num_batches_tracked: expected shape \[\] for resnet-12, got \[1\]$/],
  ['integers', (all) => all.set('fc.bias', { dtype: 'I32', shape: [5], data: new Int32Array(5) }), /: fc\.bias: expected floating-point values, got I32$/],
  ['a value that is not finite', (all) => all.set('fc.bias', vector(1, 2, NaN, 4, 5)), /: fc\.bias: has a value that is not a finite number of 32 bits$/],
  [
    'a value beyond 32 bits',
    (all) => all.set('fc.bias', { dtype: 'F64', shape: [5], data: new Float64Array(5).fill(1e39) }),
    /: fc\.bias: has a value that is not/,
  ],
]
for (const [what, change, message] of refused) {
  test(`refused: ${what}`, async (t) => {
    const file = join(await temporaryFolder(t), 'weights.safetensors')
    const tensors = drawn(resnet(basic))
    change(tensors)
    await writeSafetensors(file, tensors)
    const error = await t.throwsAsync(importWeights(file, { from: 'torchvision', preparation: 'torchvision-v1' }), { code: 'ERR_FILE', message })
    t.true(error.message.startsWith(file))
  })
}

test('refused: bottlenecks of other widths, images of other channels', async (t) => {
  const file = join(await temporaryFolder(t), 'weights.safetensors')
  const load = () => importWeights(file, { from: 'torchvision', preparation: 'torchvision-v1' })
  await writeFile(file, resnet(bottleneck).set('layer2.0.conv3.weight', [34, 8, 1, 1]))
  await t.throwsAsync(load(), { code: 'ERR_FILE', message: /weights\.safetensors: preResNet: widths: expected multiples of 4/ })
  await writeFile(file, resnet(bottleneck).set('layer2.0.conv1.weight', [16, 16, 1, 1]))
  await t.throwsAsync(load(), { code: 'ERR_FILE', message: /layer2\.0\.conv1\.weight: expected shape \[8, 16, 1, 1\] for resnet-17, got \[16, 16, 1, 1\]/ })
  await writeFile(file, resnet(basic).set('conv1.weight', [64, 1, 7, 7]))
  await t.throwsAsync(load(), { code: 'ERR_FILE', message: /expected weights for images of 3 channels, .* got 1$/ })
})

test('with no preparation it stops and lists them', async (t) => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'weights.safetensors')
  await writeFile(file, resnetv2(basic))
  const load = () => importWeights(file, { from: 'timm' })
  await t.throwsAsync(load(), {
    code: 'ERR_OPTION',
    message: /expected the option preparation \(timm-resnetv2, torchvision-v1, torchvision-v2\) or timm's config\.json, got no config\.json beside it$/,
  })
  await write(join(folder, 'config.json'), '{}')
  await t.throwsAsync(load(), { code: 'ERR_OPTION', message: /got .*config\.json without pretrained_cfg$/ })
  await t.throwsAsync(importWeights(file, { from: 'keras' as never }), { code: 'ERR_OPTION', message: /importWeights: from: expected "timm" or "torchvision"/ })
})

const configs: readonly (readonly [what: string, text: string, message: RegExp])[] = [
  ['no JSON', '{', /config\.json: is not JSON$/],
  ['another architecture', JSON.stringify({ ...config, architecture: 'resnetblur50' }), /architecture: expected .*, got "resnetblur50"$/],
  ['no size', cfg({ input_size: 224 }), /pretrained_cfg: input_size: expected channels, height and width, got 224/],
  ['no square', cfg({ input_size: [3, 64, 32] }), /input_size: expected a square image/],
  ['another crop', cfg({ crop_mode: 'squash' }), /crop_mode: expected "center", got "squash"/],
  ['a crop of nothing', cfg({ crop_pct: 0 }), /crop_pct: expected a number from 0\.01 to 1/],
  ['another filter', cfg({ interpolation: 'lanczos' }), /interpolation: expected "bilinear" or "bicubic", got "lanczos"/],
  ['no deviation', cfg({ std: undefined }), /pretrained_cfg\.std: expected a number for each channel/],
]
function cfg(change: object): string {
  return JSON.stringify({ ...config, pretrained_cfg: { ...config.pretrained_cfg, ...change } })
}
for (const [what, text, message] of configs) {
  test(`refused: a config.json with ${what}`, async (t) => {
    const folder = await temporaryFolder(t)
    const file = join(folder, 'weights.safetensors')
    await writeFile(file, resnetv2(basic))
    await write(join(folder, 'config.json'), text)
    await t.throwsAsync(importWeights(file, { from: 'timm' }), { code: 'ERR_FILE', message })
  })
}
