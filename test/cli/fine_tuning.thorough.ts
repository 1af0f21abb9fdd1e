/** `train --from FILE`: network, weights and preparation are the file's, and what contradicts it is refused. */
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { centerCrop, resize } from '../../lib/data/index.js'
import { readSafetensors } from '../../lib/formats/safetensors.js'
import { preResNet } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { describeModel } from '../../lib/runtime/model_file.js'
import { temporaryFolder } from '../support/folder.js'
import { classes, writeImageFolder } from './image_folder.js'
import { preresnet } from './run.js'

const prepare = { evaluate: [resize(14), centerCrop()], normalization: { mean: [0.5, 0.25, 0.5], std: [0.5, 0.5, 0.25] } }

/** A folder of images, and the words that train a model of this many classes further on them. */
async function prepared(t: ExecutionContext, outputs: number): Promise<{ folder: string; model: string; words: readonly string[] }> {
  const folder = await temporaryFolder(t)
  await writeImageFolder(join(folder, 'photos'), 4, 2)
  const model = join(folder, 'model.safetensors')
  const network = preResNet({ family: 'cifar', depth: 8, classes: outputs, input: { height: 12, width: 12 } })
  {
    await using session = await compile(network, { device: 'reference', batch: 1, evaluation: false, prepare })
    await session.save(model)
  }
  const settings = ['--steps', '1', '--batch', '4', '--learning-rate', '1e-9', '--threads', '1', '--precision', 'fp32']
  return { folder, model, words: ['train', '--from', model, '--data', join(folder, 'photos'), ...settings] }
}

test('another number of classes: a new head, which is said, and everything else of the file', async (t) => {
  const { folder, model, words } = await prepared(t, 10)
  const output = join(folder, 'run')
  const { status, stderr } = await preresnet([...words, '--output', output])
  t.is(status, 0, stderr)
  t.regex(stderr, /of .*model\.safetensors, with a new head for 3 classes in place of 10$/m)
  const trained = join(output, 'model.safetensors')
  const description = await describeModel(trained)
  t.deepEqual(description.prepare, prepare)
  t.deepEqual(description.classes, [...classes].sort())
  const [before, after] = [await readSafetensors(model), await readSafetensors(trained)]
  t.deepEqual(after.tensors.get('head.fc.weight')!.shape, [3, 64])
  const [was, is] = [before, after].map(({ tensors }) => tensors.get('stem.conv.weight')!.data as Float32Array) as [Float32Array, Float32Array]
  is.forEach((value, index) => t.true(Math.abs(value - was[index]!) < 1e-5))
  const again = await preresnet([...words, '--output', join(folder, 'again'), '--json'])
  t.like(JSON.parse(again.stdout), { from: model, replacedOutputs: 10 })
})

test('options that agree with the file are taken, others are refused by name', async (t) => {
  const { folder, words } = await prepared(t, 3)
  const same = ['--family', 'cifar', '--depth', '8', '--image', '12', '--resize', '14', '--except', 'head']
  const { status, stderr } = await preresnet([...words, ...same, '--output', join(folder, 'run')])
  t.is(status, 0, stderr)
  t.regex(stderr, /with its own head, and start values for head/)
  for (const [more, message] of [
    [['--family', 'cifar', '--depth', '14'], /--family: expected nothing or the network of .*, got another one: .*: none there, repeat here$/m],
    [['--model', 'preresnet-20'], /--model: expected nothing or the network of .*, got another one/],
    [['--widths', '8,16,32'], /--widths: expected nothing or the network of .*, got a part of one/],
    [['--image', '16'], /--image: expected nothing or what .* says, 12 x 12, got 16/],
    [['--resize', '16', '--image', '12'], /--resize: expected nothing or what .* says, 14, got 16/],
    [['--gray'], /--gray: expected nothing or what .* says, 3 channels, got 1/],
  ] as const) {
    const refused = await preresnet([...words, ...more, '--output', join(folder, 'refused')])
    t.is(refused.status, 2)
    t.regex(refused.stderr, message)
  }
})
