/** `preresnet eval` on other data than a model was trained on. */
import { join } from 'node:path'
import test from 'ava'
import { centerCrop, resize } from '../../lib/data/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { temporaryFolder } from '../support/folder.js'
import { tiny } from '../training/tiny.js'
import { preresnet } from './run.js'

test('images in memory are evaluated as they are by a model that was trained on resized files', async (t) => {
  const folder = await temporaryFolder(t)
  const normalization = { mean: [0.1], std: [0.3] }
  await using session = await compile(tiny(), { prepare: { normalization }, batch: 8, seed: 1, threads: 1, precision: 'fp32' })
  const answers = []
  for (const [name, evaluate] of [
    ['resized', [resize(64), centerCrop()]],
    ['whole', []],
  ] as const) {
    const path = join(folder, `${name}.safetensors`)
    await session.save(path, { prepare: { evaluate, normalization } })
    const { status, stdout, stderr } = await preresnet(['eval', path, '--data', 'digits', '--threads', '1', '--precision', 'fp32', '--json'])
    t.is(status, 0, stderr)
    const { confusion, loss } = JSON.parse(stdout) as { confusion: unknown; loss: number }
    answers.push({ confusion, loss })
  }
  t.deepEqual(answers[0], answers[1])
})
