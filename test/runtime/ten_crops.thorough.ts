import { join } from 'node:path'
import test from 'ava'
import { centerCrop, resize } from '../../lib/data/index.js'
import { preResNet } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { preresnet } from '../cli/run.js'
import { net, normalization, pictureFolder, settings, steps } from '../support/pictures.js'

test('a model is evaluated at another size, by one crop and by ten', async (t) => {
  const { path, files } = await pictureFolder(t)
  const model = join(path, 'model.safetensors')
  await using session = await compile(net, { prepare: { evaluate: steps, normalization }, ...settings })
  await session.save(model)
  await using larger = await compile(preResNet({ family: 'cifar', depth: 8, classes: 3, input: { height: 18, width: 18 } }), {
    prepare: { evaluate: [resize(21), centerCrop()], normalization },
    ...settings,
  })
  await larger.load(model)
  for (const crops of ['1', '10'] as const) {
    const { loss } = await larger.evaluate(files, { crops })
    const flags = ['--size', '18', '--crops', crops, '--batch', '4', '--threads', '1', '--precision', 'fp32', '--json']
    const { status, stdout, stderr } = await preresnet(['eval', model, '--data', path, ...flags])
    t.is(status, 0, stderr)
    t.is((JSON.parse(stdout) as { loss: number }).loss, loss)
  }
})
