/** Weights of other libraries, in and out by the command line. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { modelProto } from '../../lib/exchange/onnx/messages.js'
import { decodeMessage } from '../../lib/formats/protobuf_reader.js'
import { readSafetensors } from '../../lib/formats/safetensors.js'
import { describeModel } from '../../lib/runtime/model_file.js'
import { basic, resnet, writeFile } from '../exchange/files.js'
import { temporaryFolder } from '../support/folder.js'
import { preresnet } from './run.js'

test('import writes a model file, export the weights again', async (t) => {
  const folder = await temporaryFolder(t)
  const [weights, model, out] = ['weights', 'model', 'out'].map((name) => join(folder, `${name}.safetensors`)) as [string, string, string]
  const given = await writeFile(weights, resnet(basic))
  const words = ['import', weights, '--from', 'torchvision', '--preparation', 'torchvision-v1', '--output', model]
  t.deepEqual(await preresnet(words), { status: 0, stdout: `${model}: resnet-12, 72 tensors\n`, stderr: '' })
  t.is((await describeModel(model)).network.name, 'resnet-12')
  const { stdout } = await preresnet([...words, '--json'])
  t.deepEqual(JSON.parse(stdout), { schemaVersion: 1, model, network: 'resnet-12', tensors: 72 })
  t.deepEqual(await preresnet(['export', model, '--to', 'torchvision', '--output', out]), { status: 0, stdout: `${out}\n`, stderr: '' })
  t.deepEqual((await readSafetensors(out)).tensors.get('layer2.1.conv2.weight'), given.get('layer2.1.conv2.weight'))
})

test('import without a library or a preparation lists them', async (t) => {
  const weights = join(await temporaryFolder(t), 'weights.safetensors')
  await writeFile(weights, resnet(basic))
  const without = await preresnet(['import', weights])
  t.is(without.status, 2)
  t.regex(without.stderr, /ERR_OPTION: .*from: expected "timm" or "torchvision"/)
  t.is(without.stderr, 'preresnet: ERR_OPTION: --from: expected "timm" or "torchvision" or "onnx", got none\n')
  const unprepared = await preresnet(['import', weights, '--from', 'timm'])
  t.is(unprepared.status, 2)
  t.regex(unprepared.stderr, /timm-resnetv2, torchvision-v1, torchvision-v2/)
})

test('export writes a network as an ONNX file; an option that would change nothing is refused', async (t) => {
  const folder = await temporaryFolder(t)
  const [weights, model, file] = ['weights.safetensors', 'model.safetensors', 'model.onnx'].map((name) => join(folder, name)) as [string, string, string]
  await writeFile(weights, resnet(basic))
  await preresnet(['import', weights, '--from', 'torchvision', '--preparation', 'torchvision-v2', '--output', model])
  const words = ['export', model, '--format', 'onnx', '--input', 'nhwc', '--answers', 'logits', '--norms', 'kept', '--output', file]
  const { status, stdout, stderr } = await preresnet([...words, '--json'])
  t.is(stderr, '')
  t.is(status, 0)
  t.deepEqual(JSON.parse(stdout), { schemaVersion: 1, weights: file, format: 'onnx' })
  const { graph, metadata } = decodeMessage(modelProto, file, await readFile(file))
  t.deepEqual(
    [...graph!.inputs, ...graph!.outputs].map(({ name }) => name),
    ['images', 'logits'],
  )
  t.true(graph!.nodes.some(({ operator }) => operator === 'BatchNormalization'))
  t.like(JSON.parse(metadata.find(({ key }) => key === 'prepare')!.value!), { evaluate: [{ kind: 'resize', size: 232 }, { kind: 'centerCrop' }] })
  for (const [unused, message] of [
    [['--format', 'onnx', '--to', 'timm'], /ERR_OPTION: export: --to is for --format safetensors/],
    [['--to', 'timm', '--norms', 'kept'], /ERR_OPTION: export: --norms is for --format onnx/],
    [[], /ERR_OPTION: --to: expected "timm" or "torchvision", or --format onnx without it; got neither/],
  ] as const) {
    const refused = await preresnet(['export', model, ...unused, '--output', join(folder, 'none')])
    t.is(refused.status, 2)
    t.regex(refused.stderr, message)
  }
})
