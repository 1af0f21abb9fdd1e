/** Weights of other libraries, in and out by the command line. */
import { join } from 'node:path'
import test from 'ava'
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
  const unprepared = await preresnet(['import', weights, '--from', 'timm'])
  t.is(unprepared.status, 2)
  t.regex(unprepared.stderr, /timm-resnetv2, torchvision-v1, torchvision-v2/)
})
