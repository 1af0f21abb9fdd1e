import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { exportWeights, importWeights } from '../../lib/exchange/index.js'
import { readSafetensors, writeSafetensors } from '../../lib/formats/safetensors.js'
import { type Network, networkFromJson } from '../../lib/layers/index.js'
import { preResNet } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import type { Session } from '../../lib/runtime/session.js'
import { temporaryFolder } from '../support/folder.js'
import { Random } from '../support/random.js'
import { basic, bottleneck, resnet, resnetv2, writeFile } from './files.js'

async function reference(t: ExecutionContext, network: Network): Promise<Session> {
  const session = await compile(network, { device: 'reference', batch: 1, evaluation: false, seed: 5 })
  t.teardown(() => session.dispose())
  return session
}

for (const [name, shapes, from, preparation] of [
  ['basic units for torchvision', resnet(basic), 'torchvision', 'torchvision-v1'],
  ['bottlenecks for torchvision', resnet(bottleneck), 'torchvision', 'torchvision-v1'],
  ['original bottlenecks for timm', resnet(bottleneck), 'timm', 'torchvision-v1'],
  ['basic pre-activation units for timm', resnetv2(basic), 'timm', 'timm-resnetv2'],
  ['pre-activation bottlenecks for timm', resnetv2(bottleneck), 'timm', 'timm-resnetv2'],
] as const) {
  test(`in and out again has the same names, shapes and bits: ${name}`, async (t) => {
    const folder = await temporaryFolder(t)
    const [file, model, out] = ['weights', 'model', 'out'].map((stem) => join(folder, `${stem}.safetensors`)) as [string, string, string]
    const given = await writeFile(file, shapes)
    await (await importWeights(file, { from, preparation })).save(model)
    await exportWeights(model, out, { to: from })
    const { metadata, tensors } = await readSafetensors(out)
    t.deepEqual(metadata, { format: 'pt' })
    t.deepEqual([...tensors.keys()].sort(), [...given.keys()].sort())
    for (const [key, tensor] of tensors) {
      // PyTorch's count of batches is no weight; a network here has none.
      if (key.endsWith('num_batches_tracked')) t.deepEqual(tensor, { dtype: 'I64', shape: [], data: BigInt64Array.of(0n) })
      else t.deepEqual(tensor, given.get(key), key)
    }
  })
}

test('a session is exported as its model file is', async (t) => {
  const folder = await temporaryFolder(t)
  const session = await reference(
    t,
    preResNet({ family: 'imagenet', units: [1, 1, 1, 1], block: 'basic', unit: 'original', widths: [8, 8, 8, 8], input: { height: 32, width: 32 } }),
  )
  const [model, a, b] = ['model', 'a', 'b'].map((name) => join(folder, `${name}.safetensors`)) as [string, string, string]
  await session.save(model)
  await exportWeights(session, a, { to: 'torchvision' })
  await exportWeights(model, b, { to: 'torchvision' })
  t.deepEqual(await readSafetensors(a), await readSafetensors(b))
})

test("our own pre-activation bottlenecks give the same answers in timm's form, whatever the signs of the stem's scales", async (t) => {
  const folder = await temporaryFolder(t)
  const options = {
    family: 'imagenet',
    units: [1, 2, 1, 1],
    block: 'bottleneck',
    widths: [16, 16, 16, 16],
    classes: 4,
    input: { height: 33, width: 40 },
  } as const
  const session = await reference(t, preResNet(options))
  const random = new Random(3)
  for (const name of [...session.parameterNames, ...session.bufferNames]) {
    if (!/norm\d?\./.test(name)) continue
    const { shape } = session.parameter(name)
    const values = Float64Array.from({ length: shape[0]! }, () => 2 * random.uniform() - 1)
    await session.parameter(name).write(name.endsWith('running_var') ? values.map((value) => 1 + value / 2) : values)
  }
  const file = join(folder, 'timm.safetensors')
  await exportWeights(session, file, { to: 'timm' })
  const imported = await importWeights(file, { from: 'timm', preparation: 'timm-resnetv2' })
  const model = join(folder, 'model.safetensors')
  await imported.save(model)
  const again = await reference(t, networkFromJson({ ...imported.network, input: session.network.input }))
  await again.load(model)
  const x = Float64Array.from({ length: 3 * 33 * 40 }, () => random.normal())
  const [expected, got] = [await session.infer({ x }), await again.infer({ x })]
  t.true(Math.max(...expected) - Math.min(...expected) > 1e-3)
  expected.forEach((value, index) => t.true(Math.abs(value - got[index]!) < 1e-6, `${value} ${got[index]!}`))
})

test('networks that a library does not have are refused', async (t) => {
  const folder = await temporaryFolder(t)
  const out = join(folder, 'out.safetensors')
  const small = { units: [1, 1, 1, 1], widths: [16, 16, 16, 16], input: { height: 32, width: 32 } } as const
  const refused: readonly (readonly [Network, 'timm' | 'torchvision', RegExp])[] = [
    [preResNet({ family: 'imagenet', block: 'bottleneck', ...small }), 'torchvision', /expected a network that torchvision has, got none of resnet\* \(/],
    [preResNet({ family: 'imagenet', block: 'basic', ...small, widths: [64, 16, 16, 16] }), 'timm', /none of resnetv2_\* .* \(.*\), resnet\* \(/],
    [
      preResNet({ family: 'imagenet', block: 'bottleneck', unit: 'original', strideOn: 'conv1', ...small }),
      'timm',
      /resnet\* \(other layers from stages\.1\.blocks\.0\./,
    ],
    [preResNet({ family: 'cifar', depth: 8, unit: 'original', shortcut: 'projection' }), 'torchvision', /expected 4 stages, got 3/],
  ]
  for (const [network, to, message] of refused) {
    await t.throwsAsync(exportWeights(await reference(t, network), out, { to }), { code: 'ERR_OPTION', message })
  }
  await t.throwsAsync(exportWeights(7 as never, out, { to: 'timm' }), { code: 'ERR_OPTION', message: /source: expected a session or the path of a model file/ })
})

test('a model file without a tensor of its network is refused', async (t) => {
  const folder = await temporaryFolder(t)
  const [file, model] = [join(folder, 'weights.safetensors'), join(folder, 'model.safetensors')]
  await writeFile(file, resnet(basic))
  await (await importWeights(file, { from: 'torchvision', preparation: 'torchvision-v1' })).save(model)
  const { metadata, tensors } = await readSafetensors(model)
  tensors.delete('head.fc.bias')
  await writeSafetensors(model, tensors, metadata)
  await t.throwsAsync(exportWeights(model, file, { to: 'timm' }), {
    code: 'ERR_FILE',
    message: /head\.fc\.bias: expected F32 values of shape \[5\], got none$/,
  })
})
